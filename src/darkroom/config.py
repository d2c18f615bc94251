"""Settings: from a TOML file, then the environment, then the command line; nothing else reads the environment."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from darkroom.errors import Misconfigured

PREFIX = "DARKROOM_"

AtLeastZero = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each name is a key of the file, and `DARKROOM_` with the name in capitals is the variable."""

    data: str = "data"
    role: Literal["all", "api", "worker"] = "all"
    """What this process does: answer callers, carry generations out, or both. Parts need a `database` to share."""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    public_url: str = ""
    """What URLs in answers begin with; empty takes the request's own host."""
    database: str = ""
    """postgresql://user:password@host/name; empty is a file in the data folder."""
    database_connections: Annotated[int, Meta(ge=2)] = 10
    """How many connections to PostgreSQL this process may have."""
    assets: str = ""
    """A folder, or a URL such as s3://bucket/prefix; empty is `assets` in the data folder."""
    assets_direct: bool = True
    """Who asks for an asset is sent on to the bucket, where one signs URLs; else the bytes come through this server."""
    secret: str = ""
    """The file with the key that signs asset URLs, the same on every machine; empty is `secret` in the data folder."""
    models: str = ""
    """A folder of the operator's own model files; each overrides a shipped one with its slug."""
    providers: str = ""
    """A folder of upstreams, a TOML file each; empty is `providers` in the data folder."""
    plans: str = ""
    """A TOML file of the operator's own plans; each overrides a shipped one with its name."""
    limits: str = ""
    """A Redis or a Valkey that counts calls for all processes, as redis://host:6379/0; empty is each for itself."""
    pace: Literal["fast", "typical"] = "fast"
    """The embedded renderer: as fast as it can, or no sooner than the model's typical wait."""
    render_processes: AtLeastZero = 0
    """Worker processes of the embedded renderer; 0 is one for each core."""
    max_attempts: Annotated[int, Meta(ge=1)] = 3
    generation_limit_s: Annotated[float, Meta(gt=0)] = 1800.0
    """The longest that one attempt may take."""
    when_ambiguous: Literal["hold", "fail", "retry"] = "hold"
    """After a lost answer to a paid call: keep the hold for an operator to decide, give it back, or pay again."""
    ambiguous_hold_s: Seconds = 3600.0
    """How long `hold` waits before it gives the credits back."""
    shutdown_limit_s: Seconds = 6.0
    """How long running work may go on after SIGTERM before it is handed back."""
    repeat_window_s: Seconds = 120.0
    """How long a submit without an idempotency key may be taken for one that came before; 0 is never."""
    answer_hold_s: Seconds = 0.002
    """How long the last byte of the answer to such a submit is held back, to notice a connection that dies under it."""
    allow_loopback: bool = False
    """Lets callers' media URLs and webhooks point at this machine: for local development."""
    credit_usd: Annotated[float, Meta(ge=0)] = 0.0
    """What one credit sells for, in US dollars, for the report of costs; 0 is not known."""
    sandbox_credits: AtLeastZero = 100_000
    """Given to the account `default` of an empty data folder."""
    url: str = ""
    """For the command line: a server somewhere to ask, instead of the data folder."""
    key: str = ""
    """For the command line: the API key for that server."""
    tracing: bool = False
    """Spans for OpenTelemetry, sent where its own variables say."""
    log: Literal["json", "console", "auto"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def folder(self) -> Path:
        return Path(self.data)

    @property
    def providers_folder(self) -> Path:
        return Path(self.providers) if self.providers else self.folder / "providers"


def load(file: Path | None, given: Mapping[str, object], *, environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises `Misconfigured` with the setting and what is allowed. A given None is not given."""
    values: dict[str, object] = {}
    if file is not None:
        values |= _from_file(file)
    names = set(Settings.__struct_fields__)
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable.removeprefix(PREFIX).lower() in names:
            values[variable.removeprefix(PREFIX).lower()] = value
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        # Not strict: a variable is a text, whatever the setting is.
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"settings: {error}; the settings are {', '.join(sorted(names))}") from None


def _from_file(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file}: {error}") from None
