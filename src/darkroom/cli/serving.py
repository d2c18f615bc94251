"""`darkroom serve`."""

from typing import Annotated, Literal

import uvloop
from cyclopts import Parameter

from darkroom import __version__
from darkroom.cli import logs, show
from darkroom.cli.app import SERVING, Config, Data, app, settings_of
from darkroom.serve import serve as run_server
from darkroom.wiring import Engine


@app.command(group=SERVING)
def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Data = None,
    config: Config = None,
    role: Annotated[Literal["all", "api", "worker"] | None, Parameter(help="Answer callers, work, or both.")] = None,
    database: Annotated[str | None, Parameter(help="postgresql://... (DARKROOM_DATABASE).")] = None,
    assets: Annotated[str | None, Parameter(help="A folder or s3://bucket/prefix (DARKROOM_ASSETS).")] = None,
    pace: Annotated[Literal["fast", "typical"] | None, Parameter(help="The embedded renderer's pace.")] = None,
) -> None:
    """Start the server: every API, the worker and the embedded renderer in one process, or a part of it.

    `--role api` answers callers, `--role worker` carries generations out: many of both on one PostgreSQL and one bucket
    (docs/cluster.md).

    Parameters
    ----------
    host
        The address to listen on (DARKROOM_HOST; 127.0.0.1).
    port
        The port to listen on (DARKROOM_PORT; 8000).
    """
    settings = settings_of(data, config, host=host, port=port, pace=pace, role=role, database=database, assets=assets)
    logs.configure(form=settings.log, level=settings.log_level)
    uvloop.run(run_server(settings, started=_greet))


def _greet(engine: Engine, key: str | None) -> None:
    if engine.settings.role == "worker":
        show.errors.print(f"Darkroom {__version__} carries generations out; {engine.url}/readyz says how it is")
    else:
        serves = f"serves {len(engine.catalogue)} models at {engine.url}; the API is at {engine.url}/docs"
        show.errors.print(f"Darkroom {__version__} {serves}")
    if key is not None:
        show.errors.print(f"The account default has sandbox credits and this key, shown this once:\n\n  {key}\n")
