"""Workers, callers, operators and crashes in any order, on the real store and on the model: both must agree, always."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from darkroom.credits import Credits
from darkroom.generation import Cause, Generation, Status
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import Begun, NewGeneration, Settlement, Store
from tests.model.beside import DOORS, REFUSALS, STEP_LIMIT_S, WORDS, Beside, Broken
from tests.model.ground import LAWFUL, Forbidden, Grounds, Lawless
from tests.model.protocol import Refused

MANY = 10**9
MOST_GENERATIONS = 6
FEW_ATTEMPTS = 3

doors = st.integers(0, DOORS - 1)
amounts = st.integers(0, 40)
crashes = st.none() | st.none() | st.integers(0, 12)
"""The process dies before the statement after so many of its verb, or after its commit and before its answer."""

CARELESS = {
    "pays again": "INSERT INTO entry (at, account_id, generation_id, kind, purse, amount)"
    " SELECT at, account_id, generation_id, kind, purse, amount FROM entry WHERE generation_id = :id",
    "edits an entry": "UPDATE entry SET amount = amount + 1 WHERE generation_id = :id",
    "removes an entry": "DELETE FROM entry WHERE generation_id = :id",
    "begins what has ended": "UPDATE generation SET status = 'running', settled_at = NULL WHERE id = :id",
    "makes credits": "UPDATE balance SET available = available + 1"
    " WHERE account_id = (SELECT account_id FROM generation WHERE id = :id)",
}
"""What an application that is wrong might write of a generation that has ended: the database says no."""


class Machine(Beside, RuleBasedStateMachine):
    """Two processes on one account. An attempt that was begun is kept for ever: its worker may come back late."""

    generations: Bundle[str] = Bundle("generations")
    attempts: Bundle[tuple[str, int]] = Bundle("attempts")

    def __init__(self, grounds: Grounds, lawless: Lawless = LAWFUL, breaks: list[Broken] | None = None) -> None:
        Beside.__init__(self, grounds, lawless, breaks)
        RuleBasedStateMachine.__init__(self)

    @initialize(target=generations)
    def begin_with_two(self) -> Any:
        for purse, amount in (("subscription", 30), ("permanent", 90)):
            self.grant(purse, amount)
        return multiple(*(self.submit(door=0, quote=20, key=None, limit=None, crash=None) for _ in range(2)))

    # Few generations, and nothing that ends them before they have begun: the same ones meet again and again.

    def has_room(self) -> bool:
        return len(self.model.lives) < MOST_GENERATIONS

    def has_begun(self) -> bool:
        return sum(life.attempt for life in self.model.lives.values()) >= FEW_ATTEMPTS

    def runs_something(self) -> bool:
        return any(life.status == "running" for life in self.model.lives.values())

    def has_ambiguous(self) -> bool:
        return any(each.outcome == "ambiguous" for life in self.model.lives.values() for each in life.tries)

    # What callers do

    def grant(self, purse: str, amount: int) -> None:
        def verb(store: Store) -> Awaitable[object]:
            return store.grant(self.account, Credits(amount), purse=Purse(purse), note="", now=self.now())

        self.act(0, verb, lambda: self.model.grant(purse, amount), None)

    @precondition(has_room)
    @rule(
        target=generations,
        door=doors,
        quote=amounts,
        key=st.sampled_from([None, None, "a", "b"]),
        limit=st.sampled_from([None, None, 2]),
        crash=crashes,
    )
    def submit(self, door: int, quote: int, key: str | None, limit: int | None, crash: int | None) -> Any:
        new = self.new(quote, key, limit)
        self.act(
            door,
            lambda store: store.submit(new),
            lambda: self.model.submit(new.id, quote, key=key, limit=limit),
            crash,
            lambda generation: generation.id,
        )
        return new.id if new.id in self.model.lives else multiple()

    @precondition(has_room)
    @rule(
        target=generations,
        count=st.integers(2, 4),
        quote=st.integers(1, 60),
        key=st.sampled_from([None, "c", "d"]),
        limit=st.sampled_from([None, 2]),
    )
    def submit_at_once(self, count: int, quote: int, key: str | None, limit: int | None) -> Any:
        """Whichever is first: as many are accepted as one after the other, and one key leads to one generation."""
        news = [self.new(quote, key, limit) for _ in range(count)]
        stored = self.run(self._together(news))
        ids: list[str] = []
        # In the order of their commits; the refused ones last, when there was least left.
        for said in sorted(stored, key=lambda said: said.number if isinstance(said, Generation) else MANY):
            new = self.model_submit(said, quote, key, limit)
            ids += new
        return multiple(*ids)

    def model_submit(self, said: "Generation | str", quote: int, key: str | None, limit: int | None) -> list[str]:
        known = set(self.model.lives)
        id = said.id if isinstance(said, Generation) else new_id()
        try:
            expected = self.model.submit(id, quote, key=key, limit=limit)
        except Refused as refused:
            expected = str(refused)
        self.agree("submits at once", expected, id if isinstance(said, Generation) else said)
        return [id for id in self.model.lives if id not in known]

    async def _together(self, news: list[NewGeneration]) -> "list[Generation | str]":
        async def one(number: int, new: NewGeneration) -> "Generation | str":
            try:
                return await self.doors[number % DOORS].store.submit(new)
            except REFUSALS as error:
                return WORDS[type(error)]

        async with asyncio.timeout(STEP_LIMIT_S):
            said = await asyncio.gather(*(one(number, new) for number, new in enumerate(news)))
        self.forget()
        return said

    @precondition(has_begun)
    @rule(door=doors, id=generations, is_billed=st.booleans(), crash=crashes)
    def cancel(self, door: int, id: str, is_billed: bool, crash: int | None) -> None:
        billed = ("sketch",) if is_billed else ()
        self.act(
            door,
            lambda store: store.cancel(self.account, id, now=self.now(), billed=billed),
            lambda: self.model.cancel(id, is_billed=is_billed),
            crash,
        )

    @precondition(has_begun)
    @rule(door=doors, id=generations, crash=crashes)
    def fail_unstarted(self, door: int, id: str, crash: int | None) -> None:
        cause = Cause("deadline_exceeded", "too late")
        self.act(
            door,
            lambda store: store.fail_unstarted(id, cause, now=self.now()),
            lambda: self.model.fail_unstarted(id),
            crash,
        )

    # What workers do, those of whom nobody thinks any more among them

    @rule(target=attempts, door=doors, id=generations, is_rescued=st.booleans(), crash=crashes)
    def begin(self, door: int, id: str, is_rescued: bool, crash: int | None) -> Any:
        """As often as the queue likes to deliver it; also to a new process, which has rescued what the old one ran."""
        if is_rescued:
            self.rescue(door=door, crash=None)
        number = self.act(
            door,
            lambda store: store.begin(id, now=self.now()),
            lambda: self._expect_begun(id),
            crash,
            _told_of_begun,
        )
        return multiple() if number is None else (id, number[0])

    def _expect_begun(self, id: str) -> "tuple[int, list[tuple[int, str | None, str | None]]] | None":
        number = self.model.begin(id)
        if number is None:
            return None
        tries = self.model.lives[id].tries[:-1]
        return number, [(n, each.ticket, each.outcome) for n, each in reversed(list(enumerate(tries, 1)))]

    @rule(door=doors, attempt=attempts, ticket=st.sampled_from(["", "up_1", "up_2"]), crash=crashes)
    def note_ticket(self, door: int, attempt: tuple[str, int], ticket: str, crash: int | None) -> None:
        self.act(
            door,
            lambda store: store.note_ticket(*attempt, ticket),
            lambda: self.model.note_ticket(*attempt, ticket),
            crash,
        )

    @rule(door=doors, attempt=attempts, crash=crashes)
    def note_ambiguous(self, door: int, attempt: tuple[str, int], crash: int | None) -> None:
        self.act(
            door,
            lambda store: store.note_outcome(*attempt, "ambiguous", now=self.now()),
            lambda: self.model.note_outcome(*attempt, "ambiguous"),
            crash,
        )

    @rule(door=doors, attempt=attempts, is_done=st.booleans(), used=st.integers(0, 60), crash=crashes)
    def settle(self, door: int, attempt: tuple[str, int], is_done: bool, used: int, crash: int | None) -> None:
        status, used = (Status.COMPLETED, used) if is_done else (Status.FAILED, 0)
        cause = None if is_done else Cause("provider_rejected", "no")
        settlement = Settlement(status=status, used=Credits(used), cause=cause)
        self.act(
            door,
            lambda store: store.settle(*attempt, settlement, now=self.now()),
            lambda: self.model.settle(*attempt, status.value, used),
            crash,
        )

    @rule(door=doors, attempt=attempts, crash=crashes)
    def hand_back(self, door: int, attempt: tuple[str, int], crash: int | None) -> None:
        self.act(
            door,
            lambda store: store.hand_back(*attempt, "handed back", now=self.now()),
            lambda: self.model.hand_back(*attempt, "handed back"),
            crash,
        )

    # What operators and new processes do

    @precondition(has_ambiguous)
    @rule(door=doors, id=generations, is_retry=st.booleans(), crash=crashes)
    def decide(self, door: int, id: str, is_retry: bool, crash: int | None) -> None:
        self.act(
            door,
            lambda store: store.decide(id, is_retry=is_retry, now=self.now()),
            lambda: self.model.decide(id, is_retry=is_retry),
            crash,
        )

    @precondition(runs_something)
    @rule(door=doors, crash=crashes)
    def rescue(self, door: int, crash: int | None) -> None:
        self.act(door, lambda store: store.rescue(now=self.now()), self.model.rescue, crash)

    # What must hold

    @invariant()
    def agrees(self) -> None:
        self.run(self.compare())

    def teardown(self) -> None:
        try:
            if not self.is_broken:
                self._carry_everything_out()
                self._come_back_late()
        finally:
            self.close()

    def _carry_everything_out(self) -> None:
        """Nothing is lost: whatever has been accepted comes to its end when the next process looks."""
        self.rescue(door=0, crash=None)
        for id in self.model.unfinished():
            _, number = self.begin(door=0, id=id, is_rescued=False, crash=None)
            self.settle(door=1, attempt=(id, number), is_done=True, used=7, crash=None)
        self.agrees()
        self.agree("unfinished", [], self.model.unfinished())

    def _come_back_late(self) -> None:
        """All is over: neither the slowest worker nor the most careless hand changes anything."""
        for id, life in self.model.lives.items():
            self.cancel(door=0, id=id, is_billed=True, crash=None)
            for attempt in range(1, life.attempt + 1):
                self.settle(door=0, attempt=(id, attempt), is_done=True, used=life.quote, crash=None)
                self.hand_back(door=1, attempt=(id, attempt), crash=None)
            for deed in CARELESS if life.quote else ():
                self.agree(deed, "was stopped", self.run(self._force(deed, id)))
        self.agrees()

    async def _force(self, deed: str, id: str) -> str:
        try:
            await self.doors[0].force(CARELESS[deed], id)
        except Forbidden:
            return "was stopped"
        return "was not stopped"


def _told_of_begun(begun: Begun | None) -> "tuple[int, list[tuple[int, str | None, str | None]]] | None":
    if begun is None:
        return None
    return begun.generation.attempt, [(before.number, before.ticket, before.outcome) for before in begun.before]
