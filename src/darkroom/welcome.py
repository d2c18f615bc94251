"""The first account and the first key of an installation: what whoever tries it out begins with."""

from datetime import datetime

from darkroom import plans
from darkroom.access import Access
from darkroom.credits import credits
from darkroom.errors import NotFound
from darkroom.ledger import Purse
from darkroom.ports import Store

DEFAULT_ACCOUNT = "default"


async def welcome(store: Store, *, sandbox: int, now: datetime) -> None:
    """An empty store gets an account `default`, with so many credits to try things with."""
    if await store.accounts():
        return
    account = await store.create_account(DEFAULT_ACCOUNT, plan=plans.DEFAULT, now=now)
    if sandbox > 0:
        await store.grant(account.id, credits(sandbox), purse=Purse.PERMANENT, note="sandbox credits", now=now)


async def first_key(store: Store, access: Access) -> str | None:
    """A key for the account `default`, if it has never had one; None where it has, or where it is not there."""
    try:
        account = await store.find_account(DEFAULT_ACCOUNT)
    except NotFound:
        return None  # an operator made accounts of their own before the first start
    if await store.keys(account.id):
        return None
    return (await access.create_key(account, name="default", dialect="native")).secret
