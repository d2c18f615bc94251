"""The command line's frame: its name, its groups, and how a command reaches the data folder or a server."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import uvloop
from cyclopts import App, Group, Parameter

from darkroom import __version__, config
from darkroom.cli import logs
from darkroom.cli.session import Session, open_session
from darkroom.config import Settings
from darkroom.wiring import Engine

Result = TypeVar("Result")

app = App(
    name="darkroom",
    version=__version__,
    help="Asynchronous media generation: video, image, music and speech, one API, exact credits.",
)
MAKING = Group("Making media", sort_key=1)
SERVING = Group("Serving", sort_key=2)
KEEPING = Group("Keeping accounts", sort_key=3)
OPERATING = Group("Operating", sort_key=4)
app["--help"].group = SERVING
app["--version"].group = SERVING

Data = Annotated[str | None, Parameter(name=["--data", "-d"], help="The data folder (DARKROOM_DATA; ./data).")]
Config = Annotated[Path | None, Parameter(name="--config", help="A TOML file of settings.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON and nothing else.")]


def settings_of(data: str | None, config_file: Path | None = None, **given: object) -> Settings:
    """The settings with what the command line says on top; logs go to standard error."""
    settings = config.load(config_file, {"data": data, **given})
    logs.configure(form=settings.log, level="warning")
    return settings


def with_engine(settings: Settings, act: Callable[[Engine], Awaitable[Result]]) -> Result:
    """Run one act on the data folder, beside a running server or without one."""

    async def run() -> Result:
        engine = Engine(settings)
        await engine.open()
        try:
            return await act(engine)
        finally:
            await engine.close()

    return uvloop.run(run())


def with_session(
    settings: Settings, account: str, act: Callable[[Session], Awaitable[Result]], *, works: bool
) -> Result:
    """Run one act against DARKROOM_URL, or on the data folder. `works` carries out here what is submitted."""

    async def run() -> Result:
        async with open_session(settings, account=account, works=works) as session:
            return await act(session)

    return uvloop.run(run())
