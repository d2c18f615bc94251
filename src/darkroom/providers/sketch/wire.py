"""What the pool and a worker say to one another: one JSON object a line."""

from pathlib import Path
from typing import Any

import msgspec

from darkroom import errors
from darkroom.brief import Brief, Produced
from darkroom.errors import DarkroomError, Failure, InvalidInput, Problem


class Order(msgspec.Struct, frozen=True):
    brief: Brief
    folder: str

    @classmethod
    def of(cls, brief: Brief, folder: Path) -> "Order":
        return cls(brief, str(folder.absolute()))


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Everything is imported; the first order can come."""


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    share: float


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    results: list[Produced]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """An error that was raised on purpose: the name of its class, and what it says."""

    kind: str
    message: str
    problems: list[Problem] = []


Answer = Ready | Progress | Finished | Failed


def line(message: Order | Answer) -> bytes:
    return msgspec.json.encode(message, enc_hook=str) + b"\n"


def order_of(text: bytes) -> Order:
    return msgspec.json.decode(text, type=Order, dec_hook=_path)


def answer_of(text: bytes) -> Answer:
    answer: Answer = msgspec.json.decode(text, type=Answer, dec_hook=_path)
    return answer


def failed(error: DarkroomError) -> Failed:
    problems = list(error.problems) if isinstance(error, InvalidInput) else []
    return Failed(type(error).__name__, str(error), problems)


def error_of(answer: Failed) -> DarkroomError:
    if answer.problems:
        return InvalidInput(*answer.problems)
    kind = getattr(errors, answer.kind, None)
    # A Failure is made from its message alone, and a renderer raises nothing else.
    if isinstance(kind, type) and issubclass(kind, Failure):
        return kind(answer.message)
    return errors.ProviderRejected(answer.message)


def _path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind)
