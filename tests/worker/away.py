"""An upstream with addresses: what it was asked, and where."""

from collections.abc import Sequence
from typing import Any

from darkroom.ports import Address, Output, Pending, Report, Ticket, Work
from darkroom.testing import ScriptedProvider

FIRST = Address(base_url="https://up.example/v1", credential="one")
SECOND = Address(base_url="https://up.example/v2", credential="two")


class Away(ScriptedProvider):
    """Answers from its script, at the addresses given in turn; `asked` has each verb with the address it went to."""

    def __init__(self, script: Sequence[Any], *addresses: Address, **more: Any) -> None:
        super().__init__(script, **more)
        self._addresses = list(addresses)
        self.asked: list[tuple[str, Address]] = []
        self.works: list[Work] = []

    def address(self) -> Address:
        return self._addresses.pop(0)

    async def start(self, work: Work) -> Ticket | Output:
        self.asked.append(("start", work.address))
        self.works.append(work)
        return await super().start(work)

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        self.asked.append(("poll", work.address))
        return await super().poll(work, ticket, report)

    async def lookup(self, work: Work) -> Ticket | Output | None:
        self.asked.append(("lookup", work.address))
        return await super().lookup(work)

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        self.asked.append(("cancel", work.address))
        await super().cancel(work, ticket)
