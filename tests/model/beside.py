"""The store and the model side by side: each step is made on both, and what they say and hold is compared."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, TypeVar

from darkroom.credits import Credits
from darkroom.errors import IdempotencyConflict, InsufficientCredits, InvalidInput, StaleAttempt, TooManyInFlight
from darkroom.ids import new_id
from darkroom.ports import NewGeneration, Store
from darkroom.testing import FrozenClock
from darkroom.verbs import ListEntries
from tests.model import protocol
from tests.model.ground import LAWFUL, Crash, Door, Grounds, Lawless
from tests.model.protocol import Protocol, Refused

Result = TypeVar("Result")

DOORS = 2
STEP_LIMIT_S = 20

WORDS: Mapping[type[Exception], str] = {
    StaleAttempt: protocol.STALE,
    InsufficientCredits: protocol.POOR,
    TooManyInFlight: protocol.MANY,
    IdempotencyConflict: protocol.CONFLICT,
    InvalidInput: protocol.UNDECIDABLE,
}
REFUSALS = tuple(WORDS)


class Broken(AssertionError):
    """The store is not what the model is."""


class Beside:
    """An account in a store with two doors, and its model."""

    def __init__(self, grounds: Grounds, lawless: Lawless = LAWFUL, breaks: list[Broken] | None = None) -> None:
        self.model = Protocol()
        self.is_broken = False
        self.breaks = [] if breaks is None else breaks
        self.clock = FrozenClock()
        self.runner = asyncio.Runner()
        self.run(self._open(grounds, lawless))

    async def _open(self, grounds: Grounds, lawless: Lawless) -> None:
        self.ground = await grounds(lawless)
        self.doors: list[Door] = [await self.ground.door() for _ in range(DOORS)]
        account = await self.doors[0].store.create_account("ann", plan="open", now=self.now())
        self.account = account.id

    def now(self) -> datetime:
        """Later each time: nothing happens twice at the same microsecond."""
        self.clock.advance(1)
        return self.clock.now()

    def close(self) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        for door in self.doors:
            await door.close()
        await self.ground.close()

    def new(self, quote: int, key: str | None, limit: int | None) -> NewGeneration:
        return NewGeneration(
            id=new_id(),
            account_id=self.account,
            dialect="native",
            model="reel",
            modality="video",
            task="text-to-video",
            provider="sketch",
            inputs={},
            wire={},
            quote=Credits(quote),
            created_at=self.now(),
            in_flight_limit=limit,
            idempotency_key=key,
            fingerprint=None if key is None else str(quote).encode(),
        )

    def act(
        self,
        door: int,
        verb: Callable[[Store], Awaitable[Any]],
        expect: Callable[[], Any],
        crash: int | None,
        told: Callable[[Any], Any] | None = None,
    ) -> Any:
        """The same on the store and on the model. What was said must agree; a crash says nothing."""
        said = self.run(self._ask(self.doors[door], verb, crash))
        if isinstance(said, Crash):
            return None
        try:
            expected = expect()
        except Refused as refused:
            self.agree("the answer", str(refused), said)
            return None
        if isinstance(said, str):
            self.agree("the answer", "taken", said)
        if crash is not None:
            return None
        if told is not None:
            self.agree("the answer", expected, told(said))
        return expected

    async def _ask(self, door: Door, verb: Callable[[Store], Awaitable[Any]], crash: int | None) -> Any:
        door.cut(crash)
        try:
            async with asyncio.timeout(STEP_LIMIT_S):
                said = await verb(door.store)
        except Crash as cut:
            said = cut
        except REFUSALS as error:
            said = WORDS[type(error)]
        if crash is not None:
            await door.reopen()
        self.forget()
        return said

    def forget(self) -> None:
        """What the sweeper does where another process has written."""
        for door in self.doors:
            door.store.forget()

    def run(self, step: Coroutine[Any, Any, Result]) -> Result:
        try:
            return self.runner.run(step)
        except Broken:
            raise
        except Exception as error:
            raise self.broken(f"the store broke: {type(error).__name__}: {error}") from error

    def agree(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            raise self.broken(f"{what}: expected {expected}, found {found}")

    def broken(self, what: str) -> Broken:
        self.is_broken = True
        self.breaks.append(Broken(what))
        return self.breaks[-1]

    async def compare(self) -> None:
        model, store = self.model, self.doors[0].store
        for id, life in model.lives.items():
            found = await store.get(id)
            self.agree("status", (life.status, life.attempt), (found.status.value, found.attempt))
            self.agree("what it holds and has spent", (life.held, life.spent), (dict(found.held), dict(found.spent)))
            self.agree("has ended", life.status in protocol.ENDED, found.settled_at is not None)
        self.agree("queued", sorted(model.queued()), sorted(turn.id for turn in await store.queued()))
        self.agree("in flight", len(model.unfinished()), await store.in_flight(self.account))
        await self._compare_books(store)
        told = defaultdict(list)
        page = await store.account_events(self.account, 0, limit=10_000)
        for _, status, generation in page.events:
            told[generation.id].append(status.value)
        self.agree("events", {id: life.told for id, life in model.lives.items()}, dict(told))

    async def _compare_books(self, store: Store) -> None:
        model = self.model
        balances = {
            purse.value: (balance.granted, balance.available, balance.held, balance.spent)
            for purse, balance in (await store.balances(self.account)).items()
        }
        expected = {
            purse: (granted, model.available[purse], model.total("held", purse), model.total("spent", purse))
            for purse, granted in model.granted.items()
            if granted
        }
        self.agree("balances", expected, balances)
        moved: dict[str, list[tuple[str, str, int]]] = {id: [] for id in model.lives}
        for entry in (await store.list_entries(self.account, ListEntries(limit=10_000))).items:
            if entry.generation_id is not None:
                moved[entry.generation_id].append((entry.kind.value, entry.purse.value, entry.amount))
        for id, life in model.lives.items():
            kinds = {"hold": life.held, "capture": life.spent, "release": life.released}
            entries = [(kind, purse, amount) for kind, moves in kinds.items() for purse, amount in moves.items()]
            self.agree("entries", sorted(entries), sorted(moved[id]))
        self.agree("the audit", (), (await store.audit()).discrepancies)
