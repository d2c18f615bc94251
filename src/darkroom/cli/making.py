"""The commands that make media, and look at what was made."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from darkroom.cli import demo as demonstration
from darkroom.cli import generate as generating
from darkroom.cli import show
from darkroom.cli.app import MAKING, Data, Json, app, settings_of, with_session
from darkroom.cli.session import Session
from darkroom.dialects.native_bodies import GenerationBody
from darkroom.generation import Status
from darkroom.wiring import catalogue_of


@app.command(group=MAKING)
def generate(
    model: str,
    prompt: str = "",
    *,
    input: Annotated[list[str] | None, Parameter(name=["--input", "-i"], negative=())] = None,
    image: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Json = False,
    account: str = "default",
    data: Data = None,
) -> None:
    """Generate media and save it: here in this process, or at DARKROOM_URL with DARKROOM_KEY.

    Parameters
    ----------
    model
        A model's slug; `darkroom models` lists them.
    prompt
        What to make, in words.
    input
        An input of the model, name=value; `darkroom models SLUG` lists them. May be given several times.
    image
        A picture to start from: a file or a URL.
    output
        Where to save: a file, or a folder.
    account
        Whose credits to use, where no server is named.
    """
    inputs = generating.parse_inputs(input or ())
    if prompt:
        inputs["prompt"] = prompt
    is_done = with_session(
        settings_of(data),
        account,
        lambda session: generating.generate(
            session, model=model, inputs=inputs, image=image, output=output, is_json=json
        ),
        works=True,
    )
    sys.exit(0 if is_done else 1)


@app.command(group=MAKING)
def models(slug: str | None = None, *, data: Data = None) -> None:
    """List the models, or show one: what it takes, what it costs, how long it usually takes.

    Parameters
    ----------
    slug
        The model to show.
    """
    settings = settings_of(data)
    found = catalogue_of(settings)
    if slug is None:
        show.models(found)
    else:
        show.model(found.find(slug))


@app.command(group=MAKING)
def get(id: str, *, json: Json = False, data: Data = None) -> None:
    """Show a generation as it is now.

    Parameters
    ----------
    id
        The generation's id or number.
    """
    found = with_session(settings_of(data), "default", lambda session: session.get(id), works=False)
    _print(found, json)


@app.command(group=MAKING)
def wait(id: str, *, json: Json = False, data: Data = None) -> None:
    """Wait for a generation's end, then show it. Exits 1 unless it was completed.

    Parameters
    ----------
    id
        The generation's id or number.
    """

    async def act(session: Session) -> GenerationBody:
        return await generating.follow(session, await session.get(id), is_quiet=json)

    found = with_session(settings_of(data), "default", act, works=True)
    _print(found, json)
    sys.exit(0 if found.status is Status.COMPLETED else 1)


@app.command(group=MAKING)
def cancel(id: str, *, json: Json = False, data: Data = None) -> None:
    """Take a generation back; its credits are released. One that has ended stays as it is.

    Parameters
    ----------
    id
        The generation's id or number.
    """
    found = with_session(settings_of(data), "default", lambda session: session.cancel(id), works=False)
    _print(found, json)


@app.command(name="list", group=MAKING)
def list_(
    *,
    limit: int = 20,
    status: Annotated[Literal["queued", "running", "completed", "failed", "canceled"] | None, Parameter()] = None,
    account: str = "default",
    json: Json = False,
    data: Data = None,
) -> None:
    """List an account's generations, newest first."""
    found = with_session(
        settings_of(data), account, lambda session: session.list(limit=limit, status=status), works=False
    )
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        show.generations(found)


def _print(found: GenerationBody, is_json: bool) -> None:
    if is_json:
        print(msgspec.json.encode(found).decode())
    else:
        show.generation(found)


@app.command(group=MAKING)
def demo(*, data: Data = None) -> None:
    """Submit, wait and fetch a real video with the embedded renderer, through a server's HTTP API."""
    sys.exit(0 if asyncio.run(demonstration.run(settings_of(data or "demo"))) else 1)
