"""What those who watch are told, one generation or a whole account, and where they go on after a cut."""

from collections.abc import AsyncIterator

from darkroom.clock import Clock
from darkroom.generation import Generation, Status
from darkroom.history import History
from darkroom.notify import Bell
from darkroom.ports import Store
from darkroom.told import Outlook, Told, ToldKind
from darkroom.verbs import List

BREATH_S = 15.0
"""How long a stream may be silent before it says that it still lives."""

MOST_UNFINISHED = 100
PAGE = 200
"""Events that are read at a time: a stream that was away for a day must not fill the memory with it."""


class Streams:
    """`after` is the id of the last event that the caller has seen (`Last-Event-ID`): a sequence number of the events
    table, which outlives this process. An event's data is always the present state; its name is what happened then.

    None in a stream is a breath: nothing has changed, and the connection still lives.
    """

    def __init__(self, *, store: Store, bell: Bell, history: History, clock: Clock, breath_s: float = BREATH_S) -> None:
        self._store = store
        self._bell = bell
        self._history = history
        self._clock = clock
        self._breath_s = breath_s

    async def of_generation(self, generation: Generation, after: str | None = None) -> AsyncIterator[Told | None]:
        """Each change until the end. Empty where the caller has seen the end already."""
        cursor = await self._store.newest_event(generation.account_id)
        with self._bell.watch(generation.id) as watch:
            present = seen = await self._store.get(generation.id)
            opening = await self._open(present, cursor, after)
            for told in opening:
                yield told
            last = max((told.event or 0 for told in opening if told is not None), default=present.event)
            if present.is_terminal or any(told is not None and _is_end(told) for told in opening):
                return
            yield self._progress(present)
            while not (present.is_terminal or self._bell.is_closed):
                change = await watch.next(self._breath_s)
                if change is None:
                    yield self._moved(seen)
                    continue
                present = change.generation or present
                if _is_news(present, last, seen):
                    last, seen = max(last, present.event), present
                    yield _state(present)
                elif present.progress is not None:
                    seen = present
                    yield self._progress(present)

    async def _open(self, generation: Generation, cursor: int, after: str | None) -> "list[Told | None]":
        if after is None:
            return [_state(generation, event=generation.event or cursor)]
        missed = await self._store.missed_events(generation.id, _sequence(after))
        if missed is None:
            # Pruned since, or never one of ours: what happened between nobody can tell, what is now can be told.
            return [Told(kind=ToldKind.RESET, generation=generation, event=max(generation.event, cursor))]
        present, events = missed
        told: list[Told | None] = [_state(present, status=status, event=sequence) for sequence, status in events]
        return told or ([] if present.is_terminal else [None])

    def _progress(self, generation: Generation) -> Told:
        generation = self._bell.with_progress(generation)
        return Told(kind=ToldKind.PROGRESS, generation=generation, outlook=self._outlook(generation))

    def _moved(self, generation: Generation) -> Told | None:
        """Its place in the queue, where it has one: nobody rings when others have gone before it."""
        if generation.status is not Status.QUEUED:
            return None
        return self._progress(generation)

    def _outlook(self, generation: Generation) -> Outlook:
        return self._history.outlook(generation, self._clock.now())

    async def of_account(self, account_id: str, after: str | None = None) -> AsyncIterator[Told | None]:
        """Each change of each of an account's generations, without an end. It begins with what is under way, unless the
        caller goes on where it was."""
        cursor: int | None = None
        async for change in self._bell.listen(account_id, every_s=self._breath_s):
            if cursor is None:
                cursor = await self._place_of(after)
                if cursor is None:
                    reset = await self._reset(account_id)
                    cursor = reset.event or 0
                    yield reset
                else:
                    yield None
            if change is not None and change.progress is not None and change.status is Status.RUNNING:
                yield self._progress(change)
                continue
            # The ring only says that there is something: the table has it in order, so that no id is passed over.
            while True:
                page = await self._store.account_events(account_id, cursor, limit=PAGE)
                cursor = page.newest
                for sequence, status, generation in page.events:
                    yield _state(generation, status=status, event=sequence)
                if not page.is_cut:
                    break
            if change is None:
                yield None

    async def _place_of(self, after: str | None) -> int | None:
        if after is None:
            return None
        sequence = _sequence(after)
        return sequence if await self._store.knows_event(sequence) else None

    async def _reset(self, account_id: str) -> Told:
        # First the place, then the look: what changes between is told twice rather than never.
        newest = await self._store.newest_event(account_id)
        wanted = List(status=(Status.QUEUED, Status.RUNNING), limit=MOST_UNFINISHED)
        page = await self._store.list_generations(account_id, wanted, now=self._clock.now())
        unfinished = tuple(map(self._bell.with_progress, page.items))
        return Told(kind=ToldKind.RESET, unfinished=unfinished, event=newest)


def _state(generation: Generation, *, status: Status | None = None, event: int = 0) -> Told:
    return Told(
        kind=ToldKind.STATE, generation=generation, status=status or generation.status, event=event or generation.event
    )


def _is_news(change: Generation, last: int, seen: Generation) -> bool:
    """A change that was read back, without its event's number, is news where its status is."""
    return change.event > last if change.event else change.status is not seen.status


def _is_end(told: Told) -> bool:
    return told.generation is not None and told.generation.is_terminal


def _sequence(after: str) -> int:
    """What is no number of ours is before everything: a caller that is told nothing would miss something."""
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else -1
