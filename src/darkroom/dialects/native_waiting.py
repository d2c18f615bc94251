"""How the native API waits: long-polls, a submit that prefers to wait, and what its streams tell."""

import re
from datetime import datetime

import msgspec

from darkroom import errors
from darkroom.dialects import wire
from darkroom.dialects.native_bodies import GenerationBody, show_generation
from darkroom.generation import Status
from darkroom.told import Told, ToldKind
from darkroom.verbs import Fetch, FetchMany
from darkroom.wire import Event, Reply, WireRequest

LONGEST_WAIT_S = 60
MOST_IDS = 100

MARGIN_S = 0.25
"""A submit that prefers to wait N seconds is answered before they are over, also where the network takes a moment."""

PREFER_WAIT = re.compile(r'\s*wait\s*=\s*"?(\d{1,6})"?\s*(;.*)?', re.IGNORECASE)


class ProgressBody(msgspec.Struct, kw_only=True):
    """How far an unfinished generation is. `progress` is from 0 to 1, where its provider tells. `stage` is queued,
    starting, generating or storing; `queue_position` is how many wait before it. `expected_end_at` is a guess, from how
    long this model has taken lately."""

    id: str
    status: Status
    stage: str
    progress: float | None
    queue_position: int | None
    expected_end_at: datetime | None


class UnfinishedBody(msgspec.Struct, kw_only=True):
    """An account's queued and running generations, the newest hundred of them."""

    unfinished: list[GenerationBody]


def preferred_wait_s(request: WireRequest) -> int | None:
    """What `Prefer: wait=N` asks for, 60 at most; None where it does not. A preference that is not understood is none
    (RFC 7240)."""
    for preference in request.headers.get("prefer", "").split(","):
        match = PREFER_WAIT.fullmatch(preference)
        if match is not None:
            return min(int(match[1]), LONGEST_WAIT_S)
    return None


def wait_before_s(seconds: int | None) -> float:
    """How long to wait for an answer that has to be there within so many seconds."""
    return max((seconds or 0) - MARGIN_S, 0.0)


def parse_fetch(request: WireRequest) -> Fetch:
    wire.only((name for name, _ in request.query), ("wait", "until"))
    until = wire.first(request, "until") or "completed"
    if until not in ("running", "completed"):
        raise errors.InvalidInput.of("until", "must be running or completed")
    return Fetch(id=request.path["id"], until=Status(until), wait_s=_wait_s(request))


def parse_fetch_many(request: WireRequest) -> FetchMany:
    wire.only((name for name, _ in request.query), ("ids", "wait", "until"))
    ids = tuple(dict.fromkeys(part for part in (wire.first(request, "ids") or "").split(",") if part))
    if not 0 < len(ids) <= MOST_IDS:
        raise errors.InvalidInput.of("ids", f"must be 1 to {MOST_IDS} ids with commas between")
    until = wire.first(request, "until") or "all"
    if until not in ("any", "all"):
        raise errors.InvalidInput.of("until", "must be any or all")
    return FetchMany(ids=ids, until=Status.COMPLETED, wait_s=_wait_s(request), is_any=until == "any")


def _wait_s(request: WireRequest) -> float:
    try:
        seconds = float(wire.first(request, "wait") or "0")
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT_S:
        raise errors.InvalidInput.of("wait", f"must be a number of seconds from 0 to {LONGEST_WAIT_S}")
    return seconds


def tell(told: Told, reply: Reply) -> Event:
    """An event's name is what happened, its data the generation as it is now."""
    if told.generation is None:
        shown = UnfinishedBody(unfinished=[show_generation(each, reply) for each in told.unfinished])
        return Event(name="reset", id=told.event, data=shown)
    if told.kind is ToldKind.PROGRESS:
        return Event(name="generation.progress", data=show_progress(told))
    name = "reset" if told.kind is ToldKind.RESET else f"generation.{told.status}"
    return Event(name=name, id=told.event, data=show_generation(told.generation, reply))


def show_progress(told: Told) -> ProgressBody:
    assert told.generation is not None
    assert told.outlook is not None
    return ProgressBody(
        id=told.generation.id,
        status=told.generation.status,
        stage=told.outlook.stage,
        progress=told.generation.progress,
        queue_position=told.outlook.queue_position,
        expected_end_at=told.outlook.expected_end_at,
    )
