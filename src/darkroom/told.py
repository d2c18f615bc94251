"""What a stream tells: a state that was come to, how far it is, or that what was before is not known any more."""

from datetime import datetime
from enum import StrEnum

import msgspec

from darkroom.generation import Generation, Status


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of one that is unfinished. `queue_position` is how many wait before it, where it waits here."""

    stage: str
    queue_position: int | None
    expected_end_at: datetime | None


class ToldKind(StrEnum):
    STATE = "state"
    PROGRESS = "progress"
    RESET = "reset"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a stream tells. A state is what a generation came to, with the generation as it is now; `event` is
    where to go on after it. A reset says that what was before is not known: what is now is the generation, or all of an
    account's unfinished ones."""

    kind: ToldKind
    generation: Generation | None = None
    status: Status | None = None
    event: int | None = None
    outlook: Outlook | None = None
    unfinished: tuple[Generation, ...] = ()
