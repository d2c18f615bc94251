"""The commands of an operator: accounts, keys, credits, the books."""

import sys
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.text import Text

from darkroom import plans
from darkroom.account import KeyForm
from darkroom.cli import show
from darkroom.cli.app import KEEPING, Data, app, settings_of, with_engine
from darkroom.credits import parse_credits
from darkroom.credits import show as show_credits
from darkroom.errors import InvalidInput
from darkroom.ledger import Purse
from darkroom.verbs import ListEntries
from darkroom.wiring import Engine

account_app = App(name="account", help="Accounts: who pays.", group=KEEPING)
key_app = App(name="key", help="API keys: who is calling.", group=KEEPING)
credit_app = App(name="credit", help="Credits: give them.", group=KEEPING)
ledger_app = App(name="ledger", help="The books: read and verify them.", group=KEEPING)
for part in (account_app, key_app, credit_app, ledger_app):
    app.command(part)

AccountName = Annotated[str, Parameter(help="An account's name or id.")]


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
    settings = settings_of(data)
    found = with_engine(
        settings,
        lambda engine: engine.store.decide(id, is_retry=decision == "retry", now=engine.clock.now()),
    )
    show.console.print(f"{found.id} is {found.status} now")


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

    print(with_engine(settings_of(data), act))


def _check_plan(engine: Engine, plan: str) -> None:
    if plan not in engine.plans:
        raise InvalidInput.of("plan", f"there is no plan '{plan}'; the plans are {', '.join(engine.plans)}")


@account_app.command(name="plan")
def set_plan(account: AccountName, plan: str, *, data: Data = None) -> None:
    """Move an account to another plan."""

    async def act(engine: Engine) -> None:
        _check_plan(engine, plan)
        await engine.store.set_plan((await engine.store.find_account(account)).id, plan)

    with_engine(settings_of(data), act)


@account_app.command(name="list")
def list_accounts(*, data: Data = None) -> None:
    """List the accounts with their credits."""

    async def act(engine: Engine) -> None:
        for account in await engine.store.accounts():
            statement = await engine.access.show_account(await engine.principal(account.id))
            show.console.print(
                f"{account.name}  plan {account.plan}  available {show_credits(statement.available)}  "
                f"held {show_credits(statement.held)}  spent {show_credits(statement.spent)}",
            )

    with_engine(settings_of(data), act)


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
        return (await engine.access.create_key(owner, name=name, dialect=chosen, form=form)).secret

    print(with_engine(settings_of(data), act))


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
            show.console.print(f"{key.number}  {key.hint}…  {key.dialect}  {key.name}  {state}")

    with_engine(settings_of(data), act)


@key_app.command(name="revoke")
def revoke_key(account: AccountName, number: int, *, data: Data = None) -> None:
    """Revoke a key, by the number that `darkroom key list` shows; it stops working at once."""

    async def act(engine: Engine) -> None:
        owner = await engine.store.find_account(account)
        await engine.store.revoke_key(owner.id, number, now=engine.clock.now())

    with_engine(settings_of(data), act)


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
        return (await engine.access.show_account(await engine.principal(owner.id))).available

    show.console.print(f"{account} has {show_credits(with_engine(settings_of(data), act))} credits now")


@ledger_app.command
def verify(*, data: Data = None) -> None:
    """Work out every balance again from the entries; exits 1 on any difference."""
    audit = with_engine(settings_of(data), lambda engine: engine.store.audit())
    for item in audit.discrepancies:
        show.errors.print(Text(item.subject, "red"), f"\n  stored   {item.stored}\n  expected {item.expected}")
    about = f"{audit.entries} entries, {audit.accounts} accounts, {audit.generations} generations"
    if audit.discrepancies:
        show.errors.print(Text(f"{len(audit.discrepancies)} differences", "red"), f"in {about}")
        sys.exit(1)
    show.console.print(Text("the books are exact:", "green"), about)


@ledger_app.command(name="list")
def list_entries(account: AccountName, *, limit: int = 50, data: Data = None) -> None:
    """List an account's entries, newest first."""

    async def act(engine: Engine) -> None:
        owner = await engine.store.find_account(account)
        show.entries((await engine.store.list_entries(owner.id, ListEntries(limit=limit))).items)

    with_engine(settings_of(data), act)
