"""The commands for upstreams: which there are, whether a file is right, and one real call to see."""

import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import uvloop
from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from darkroom.cli import generate as generating
from darkroom.cli import show
from darkroom.cli.app import OPERATING, Data, app, settings_of
from darkroom.cli.trying import attempt
from darkroom.errors import DarkroomError, Failure, Misconfigured
from darkroom.providers.configured import Configured, credentials_of, read_files
from darkroom.providers.credentials import Credential
from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.reading import SHIPPED, read, shipped
from darkroom.wiring import catalogue_of, configured_of

provider_app = App(name="provider", help="Upstreams: a file each, in the folder `providers`.", group=OPERATING)
app.command(provider_app)

FILE = """# {title}: what is not said here is as in the shipped manifest; `darkroom provider show {name}` prints it.
use = "{name}"

# Where it is, if elsewhere:
# base_url = "{base_url}"

# The secret is read from {where}; or say where it is:
# [[credentials]]
# file = "/run/secrets/{name}"
"""


@provider_app.command(name="list")
def list_providers(*, data: Data = None) -> None:
    """List the upstreams that are set up here, and those that are shipped and can be added."""
    settings = settings_of(data)
    configured = configured_of(settings)
    routes = configured.routes(catalogue_of(settings, with_providers=False))
    table = Table("provider", "where", "models", "at once", "credentials", box=None, header_style="bold")
    for name, manifest in configured.manifests.items():
        models = sum(route.provider == name for those in routes.values() for route in those)
        models += sum(route.provider == name for model in configured.models for route in model.routes)
        limits = manifest.form.limits
        table.add_row(name, manifest.form.base_url, str(models), str(limits.slots), _credentials(manifest))
    if configured.manifests:
        show.console.print(table)
        show.console.print()
    show.console.print(Text("shipped, to be added with `darkroom provider add NAME`:", "bold"))
    for name in shipped():
        manifest = read(SHIPPED / f"{name}.toml")
        show.console.print(f"  {name:18} {manifest.form.title or manifest.form.base_url}")


def _credentials(manifest: Manifest) -> str:
    told = []
    for form in credentials_of(manifest):
        try:
            Credential(form, slots=1, rate=None).read()
            told.append(form.name)
        except Misconfigured as error:
            told.append(f"missing: {error}")
    return ", ".join(told)


@provider_app.command
def add(name: str, *, data: Data = None) -> None:
    """Set up a shipped upstream: writes a file of three lines, to be completed where needed.

    Parameters
    ----------
    name
        As `darkroom provider list` shows it.
    """
    settings = settings_of(data)
    if name not in shipped():
        raise Misconfigured(f"no manifest '{name}' is shipped; {', '.join(shipped())} are")
    manifest = read(SHIPPED / f"{name}.toml")
    file = settings.providers_folder / f"{name}.toml"
    if file.exists():
        raise Misconfigured(f"{file} is there already")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"{file.parent}: {error.strerror}") from None
    variable = manifest.form.auth.environment
    where = f"the environment variable {variable}" if variable else "nowhere yet"
    title = manifest.form.title or name
    file.write_text(FILE.format(name=name, title=title, where=where, base_url=manifest.form.base_url))
    show.console.print(f"{file} is written; {_next_step(manifest)}")


def _next_step(manifest: Manifest) -> str:
    variable = manifest.form.auth.environment
    return f"set {variable} and start the server anew" if variable else "start the server anew"


@provider_app.command(name="show")
def show_manifest(name: str) -> None:
    """Print a shipped manifest: what can be changed, and a pattern for one's own.

    Parameters
    ----------
    name
        As `darkroom provider list` shows it.
    """
    if name not in shipped():
        raise Misconfigured(f"no manifest '{name}' is shipped; {', '.join(shipped())} are")
    show.console.print((SHIPPED / f"{name}.toml").read_text("utf-8"), end="", soft_wrap=True)


@provider_app.command
def check(*files: Path, data: Data = None) -> None:
    """Read manifests as a start would, and say what is wrong: the file, the line, what is wanted there.

    Parameters
    ----------
    files
        The files; those of the folder `providers` where none is given.
    """
    settings = settings_of(data)
    catalogue = catalogue_of(settings, with_providers=False)
    wrong = 0
    for file in files or sorted(settings.providers_folder.glob("*.toml")):
        try:
            configured = read_files([file])
            configured.join(catalogue)
        except DarkroomError as error:
            wrong += 1
            show.errors.print(Text(str(error), "red"), soft_wrap=True)
            continue
        models = len(configured.routes(catalogue)) + len(configured.models)
        base_url = next(iter(configured.manifests.values())).form.base_url
        show.console.print(f"{file} is right: {base_url}, {models} models")
    sys.exit(1 if wrong else 0)


@provider_app.command(name="try")
def try_provider(
    name: str,
    model: str,
    prompt: str = "",
    *,
    input: Annotated[list[str] | None, Parameter(name=["--input", "-i"], negative=())] = None,
    image: Path | None = None,
    dry_run: Annotated[bool, Parameter(name="--dry-run", negative=())] = False,
    limit_s: Annotated[float, Parameter(name="--limit")] = 1800.0,
    data: Data = None,
) -> None:
    """Make one real call and print each exchange, with secrets blanked. The upstream may bill it; no credits move here.

    Parameters
    ----------
    name
        A provider that is set up here, a shipped one, or a file.
    model
        A model's slug; `darkroom models` lists them.
    prompt
        What to make, in words.
    input
        An input of the model, name=value. May be given several times.
    image
        A picture to start from: a file.
    dry_run
        Print what would be sent, and send nothing.
    limit_s
        The seconds after which it is given up.
    """
    settings = settings_of(data)
    configured = _find(name, configured_of(settings))
    manifest = configured.manifests[name if name in configured.manifests else next(iter(configured.manifests))]
    inputs = generating.parse_inputs(input or ())
    if prompt:
        inputs["prompt"] = prompt
    folder = Path(mkdtemp(prefix="darkroom-try-"))
    run = attempt(
        manifest,
        configured.join(catalogue_of(settings, with_providers=False)),
        model=model,
        inputs=inputs,
        image=image,
        folder=folder,
        is_dry=dry_run,
        limit_s=limit_s,
    )
    try:
        output = uvloop.run(run)
    except (Failure, TimeoutError) as error:
        show.errors.print(Text(f"{getattr(error, 'code', 'timeout')}: {error or 'it took too long'}", "red"))
        sys.exit(1)
    for file in output.files if output is not None else ():
        size = "" if file.width is None else f", {file.width}x{file.height}"
        length = "" if file.duration_s is None else f", {file.duration_s:g} s"
        show.console.print(Text(f"\n{file.path}", "bold green"), f"{file.media_type}{size}{length}")
    if output is not None and output.cost_micro_usd is not None:
        show.console.print(f"the upstream says that it cost {output.cost_micro_usd / 1e6:g} US dollars")


def _find(name: str, here: Configured) -> Configured:
    """Those of this installation where it is one of them, else the one alone, with its models and routes."""
    if name in here.manifests:
        return here
    if name in shipped():
        return read_files([Path(str(SHIPPED)) / f"{name}.toml"])
    if Path(name).is_file():
        return read_files([Path(name)])
    raise Misconfigured(f"there is no provider '{name}' here, and none of that name is shipped; it is no file either")
