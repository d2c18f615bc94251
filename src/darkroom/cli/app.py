"""Every command, with the words that teach it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from cyclopts import App, Group, Parameter

from darkroom import __version__, catalogue, config, plans
from darkroom.account import KeyForm
from darkroom.cli import demo as demonstration
from darkroom.cli import generate as generating
from darkroom.cli import logs, show
from darkroom.cli.session import Session, open_session
from darkroom.clock import SystemClock
from darkroom.config import Settings
from darkroom.credits import parse_credits
from darkroom.credits import show as show_credits
from darkroom.dialects.native import GenerationBody
from darkroom.errors import InvalidInput
from darkroom.generation import Status
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import Webhook
from darkroom.serve import serve as run_server
from darkroom.verbs import ListEntries
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
app["--help"].group = SERVING
app["--version"].group = SERVING

account_app = App(name="account", help="Accounts: who pays.", group=KEEPING)
key_app = App(name="key", help="API keys: who is calling.", group=KEEPING)
credit_app = App(name="credit", help="Credits: give them.", group=KEEPING)
ledger_app = App(name="ledger", help="The books: read and verify them.", group=KEEPING)
webhook_app = App(name="webhook", help="Webhooks: who is told of an account's generations.", group=KEEPING)
for part in (account_app, key_app, credit_app, ledger_app, webhook_app):
    app.command(part)

Data = Annotated[str | None, Parameter(name=["--data", "-d"], help="The data folder (DARKROOM_DATA; ./data).")]
Config = Annotated[Path | None, Parameter(name="--config", help="A TOML file of settings.")]
AccountName = Annotated[str, Parameter(help="An account's name or id.")]


def _settings(data: str | None, config_file: Path | None = None, **given: object) -> Settings:
    settings = config.load(config_file, {"data": data, **given})
    logs.configure(form=settings.log, level="warning")
    return settings


def _with_engine(settings: Settings, act: Callable[[Engine], Awaitable[Result]]) -> Result:
    """Run one act on the data folder, beside a running server or without one."""

    async def run() -> Result:
        engine = Engine(settings)
        await engine.open()
        try:
            return await act(engine)
        finally:
            await engine.close()

    return asyncio.run(run())


def _with_session(
    settings: Settings, account: str, act: Callable[[Session], Awaitable[Result]], *, works: bool
) -> Result:
    async def run() -> Result:
        url, key = os.environ.get("DARKROOM_URL"), os.environ.get("DARKROOM_KEY")
        async with open_session(settings, account=account, url=url, key=key, works=works) as session:
            return await act(session)

    return asyncio.run(run())


@app.command(group=SERVING)
def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Data = None,
    config: Config = None,
    pace: Annotated[Literal["fast", "typical"] | None, Parameter(help="The embedded renderer's pace.")] = None,
) -> None:
    """Start the server: every API, the worker and the embedded renderer in one process.

    Parameters
    ----------
    host
        The address to listen on (DARKROOM_HOST; 127.0.0.1).
    port
        The port to listen on (DARKROOM_PORT; 8000).
    """
    settings = _settings(data, config, host=host, port=port, pace=pace)
    logs.configure(form=settings.log, level=settings.log_level)
    asyncio.run(run_server(settings, started=_greet))


def _greet(engine: Engine, key: str | None) -> None:
    show.errors.print(
        f"Darkroom {__version__} serves {len(engine.catalogue)} models at [bold]{engine.url}[/] (docs: {engine.url}/docs)",
        highlight=False,
    )
    if key is not None:
        show.errors.print(
            f"The data folder was empty: it has an account [bold]default[/] with sandbox credits now, and this key, "
            f"shown this once:\n\n  {key}\n",
            highlight=False,
        )


@app.command(group=MAKING)
def generate(
    model: str,
    prompt: str = "",
    *,
    input: Annotated[list[str] | None, Parameter(name=["--input", "-i"], negative=())] = None,
    image: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
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
    json
        Print the generation as JSON and nothing else.
    account
        Whose credits to use, where no server is named.
    """
    inputs = generating.parse_inputs(input or ())
    if prompt:
        inputs["prompt"] = prompt
    is_done = _with_session(
        _settings(data),
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
    settings = _settings(data)
    found = catalogue.load(*([Path(settings.models)] if settings.models else []))
    if slug is None:
        show.models(found)
    else:
        show.model(found.find(slug))


@app.command(group=MAKING)
def get(id: str, *, json: Annotated[bool, Parameter(negative=())] = False, data: Data = None) -> None:
    """Show a generation as it is now.

    Parameters
    ----------
    id
        The generation's id or number.
    json
        Print it as JSON.
    """
    found = _with_session(_settings(data), "default", lambda session: session.get(id), works=False)
    _print(found, json)


@app.command(group=MAKING)
def wait(id: str, *, json: Annotated[bool, Parameter(negative=())] = False, data: Data = None) -> None:
    """Wait for a generation's end, then show it. Exits 1 unless it was completed.

    Parameters
    ----------
    id
        The generation's id or number.
    json
        Print it as JSON.
    """

    async def act(session: Session) -> GenerationBody:
        found = await session.get(id)
        async for change in session.watch(found.id):
            found = change
        return found

    found = _with_session(_settings(data), "default", act, works=True)
    _print(found, json)
    sys.exit(0 if found.status is Status.COMPLETED else 1)


@app.command(group=MAKING)
def cancel(id: str, *, json: Annotated[bool, Parameter(negative=())] = False, data: Data = None) -> None:
    """Take a generation back; its credits are released. One that has ended stays as it is.

    Parameters
    ----------
    id
        The generation's id or number.
    json
        Print it as JSON.
    """
    found = _with_session(_settings(data), "default", lambda session: session.cancel(id), works=False)
    _print(found, json)


@app.command(name="list", group=MAKING)
def list_(
    *,
    limit: int = 20,
    status: Annotated[Literal["queued", "running", "completed", "failed", "canceled"] | None, Parameter()] = None,
    account: str = "default",
    json: Annotated[bool, Parameter(negative=())] = False,
    data: Data = None,
) -> None:
    """List an account's generations, newest first."""
    found = _with_session(
        _settings(data), account, lambda session: session.list(limit=limit, status=status), works=False
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
    sys.exit(0 if asyncio.run(demonstration.run(_settings(data or "demo"))) else 1)


@app.command(group=KEEPING)
def resolve(id: str, decision: Literal["retry", "fail"], *, data: Data = None) -> None:
    """Decide on an ambiguous generation: one whose provider may or may not have taken the work.

    Parameters
    ----------
    id
        The generation's id.
    decision
        retry starts it anew (the provider may bill twice); fail ends it and gives the credits back.
    """
    settings = _settings(data)
    found = _with_engine(
        settings,
        lambda engine: engine.store.decide(id, is_retry=decision == "retry", now=SystemClock().now()),
    )
    show.console.print(f"{found.id} is {found.status} now", highlight=False)


@account_app.command(name="create")
def create_account(name: str, *, plan: str = plans.DEFAULT, data: Data = None) -> None:
    """Create an account; prints its id.

    Parameters
    ----------
    name
        A name that no other account has.
    plan
        One of the plans: open has no limits.
    """

    async def act(engine: Engine) -> str:
        _check_plan(engine, plan)
        if not name.strip():
            raise InvalidInput.of("name", "must not be empty")
        return (await engine.store.create_account(name, plan=plan, now=engine.clock.now())).id

    print(_with_engine(_settings(data), act))


def _check_plan(engine: Engine, plan: str) -> None:
    if plan not in engine.plans:
        raise InvalidInput.of("plan", f"there is no plan '{plan}'; the plans are {', '.join(engine.plans)}")


@account_app.command(name="plan")
def set_plan(account: AccountName, plan: str, *, data: Data = None) -> None:
    """Move an account to another plan."""

    async def act(engine: Engine) -> None:
        _check_plan(engine, plan)
        await engine.store.set_plan((await engine.store.find_account(account)).id, plan)

    _with_engine(_settings(data), act)


@account_app.command(name="list")
def list_accounts(*, data: Data = None) -> None:
    """List the accounts with their credits."""

    async def act(engine: Engine) -> None:
        for account in await engine.store.accounts():
            statement = await engine.service.show_account(await engine.principal(account.id))
            show.console.print(
                f"{account.name}  plan {account.plan}  available {show_credits(statement.available)}  "
                f"held {show_credits(statement.held)}  spent {show_credits(statement.spent)}",
                highlight=False,
            )

    _with_engine(_settings(data), act)


@key_app.command(name="create")
def create_key(
    account: AccountName,
    *,
    dialect: str | None = None,
    prefix: str | None = None,
    name: str = "default",
    data: Data = None,
) -> None:
    """Create an API key; prints the key alone, this once.

    Parameters
    ----------
    dialect
        The wire format that its caller speaks (native). Two systems share a path or two: the key decides which answers.
    prefix
        How the key begins; a dialect's own prefix (nb_, vvx_live_) chooses that dialect.
    name
        What to call it in lists.
    """

    async def act(engine: Engine) -> str:
        chosen, form = _key_form(engine, dialect, prefix)
        owner = await engine.store.find_account(account)
        return (await engine.service.create_key(owner, name=name, dialect=chosen, form=form)).secret

    print(_with_engine(_settings(data), act))


def _key_form(engine: Engine, dialect: str | None, prefix: str | None) -> tuple[str, KeyForm | None]:
    if prefix is None:
        return dialect or "native", None
    if not (prefix.isascii() and prefix.replace("_", "").replace("-", "").isalnum() and len(prefix) <= 24):
        raise InvalidInput.of("prefix", "must be at most 24 letters, digits, _ or -")
    for name, form in engine.key_forms.items():
        if form.prefix == prefix and dialect in (None, name):
            return name, form
    return dialect or "native", KeyForm(prefix=prefix, length=len(prefix) + 40)


@key_app.command(name="list")
def list_keys(account: AccountName, *, data: Data = None) -> None:
    """List an account's keys: their beginnings, never the keys."""

    async def act(engine: Engine) -> None:
        for key in await engine.store.keys((await engine.store.find_account(account)).id):
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "good"
            show.console.print(f"{key.number}  {key.hint}…  {key.dialect}  {key.name}  {state}", highlight=False)

    _with_engine(_settings(data), act)


@key_app.command(name="revoke")
def revoke_key(account: AccountName, number: int, *, data: Data = None) -> None:
    """Revoke a key, by the number that `darkroom key list` shows; it stops working at once."""

    async def act(engine: Engine) -> None:
        owner = await engine.store.find_account(account)
        await engine.store.revoke_key(owner.id, number, now=engine.clock.now())

    _with_engine(_settings(data), act)


@credit_app.command
def grant(
    account: AccountName,
    amount: str,
    *,
    purse: Literal["subscription", "permanent"] = "permanent",
    note: str = "",
    data: Data = None,
) -> None:
    """Give an account credits, such as 100 or 2.5.

    Parameters
    ----------
    purse
        Subscription credits are spent first, permanent ones after.
    note
        What for; kept with the entry.
    """

    async def act(engine: Engine) -> int:
        owner = await engine.store.find_account(account)
        await engine.store.grant(owner.id, parse_credits(amount), purse=Purse(purse), note=note, now=engine.clock.now())
        return (await engine.service.show_account(await engine.principal(owner.id))).available

    show.console.print(f"{account} has {show_credits(_with_engine(_settings(data), act))} credits now", highlight=False)


@ledger_app.command
def verify(*, data: Data = None) -> None:
    """Work out every balance again from the entries; exits 1 on any difference."""
    audit = _with_engine(_settings(data), lambda engine: engine.store.audit())
    for item in audit.discrepancies:
        show.errors.print(
            f"[red]{item.subject}[/]\n  stored   {item.stored}\n  expected {item.expected}", highlight=False
        )
    about = f"{audit.entries} entries, {audit.accounts} accounts, {audit.generations} generations"
    if audit.discrepancies:
        show.errors.print(f"[red]{len(audit.discrepancies)} differences[/] in {about}", highlight=False)
        sys.exit(1)
    show.console.print(f"[green]the books are exact[/]: {about}", highlight=False)


@ledger_app.command(name="list")
def list_entries(account: AccountName, *, limit: int = 50, data: Data = None) -> None:
    """List an account's entries, newest first."""

    async def act(engine: Engine) -> None:
        owner = await engine.store.find_account(account)
        show.entries((await engine.store.list_entries(owner.id, ListEntries(limit=limit))).items)

    _with_engine(_settings(data), act)


@webhook_app.command(name="create")
def create_webhook(
    account: AccountName, url: str, *, dialect: str = "native", event: list[str] | None = None, data: Data = None
) -> None:
    """Tell an address of an account's generations; prints the signing secret alone, this once.

    Parameters
    ----------
    dialect
        Of the generations that came by it, in its own form.
    event
        queued, running, completed, failed or canceled; all of them where none is given.
    """

    async def act(engine: Engine) -> str:
        owner = await engine.store.find_account(account)
        if dialect not in engine.dialects:
            raise InvalidInput.of("dialect", f"must be one of {', '.join(engine.dialects)}")
        unknown = set(event or ()) - set(Status)
        if unknown:
            raise InvalidInput.of("event", f"must be among {', '.join(Status)}")
        engine.check_address(url)
        secret = engine.dialects[dialect].new_secret()
        webhook = Webhook(
            id=new_id(),
            account_id=owner.id,
            dialect=dialect,
            url=url,
            secret=secret,
            events=tuple(event or ()),
            created_at=engine.clock.now(),
        )
        await engine.store.create_webhook(webhook)
        return secret

    print(_with_engine(_settings(data), act))


@webhook_app.command(name="list")
def list_webhooks(account: AccountName, *, data: Data = None) -> None:
    """List an account's webhooks; secrets are not shown."""

    async def act(engine: Engine) -> None:
        for webhook in await engine.store.webhooks((await engine.store.find_account(account)).id):
            events = ", ".join(webhook.events) or "all events"
            show.console.print(f"{webhook.id}  {webhook.dialect}  {events}  {webhook.url}", highlight=False)

    _with_engine(_settings(data), act)


@webhook_app.command(name="delete")
def delete_webhook(account: AccountName, id: str, *, data: Data = None) -> None:
    """Stop telling an address, by the id that `darkroom webhook list` shows."""

    async def act(engine: Engine) -> None:
        await engine.store.delete_webhook((await engine.store.find_account(account)).id, id)

    _with_engine(_settings(data), act)
