"""A question that was asked before, word for word, by the same caller, about a generation that is as it was."""

import hashlib
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, NamedTuple

from darkroom.account import Principal
from darkroom.generation import Generation
from darkroom.ids import new_id
from darkroom.service import Service
from darkroom.web.metrics import Metrics
from darkroom.web.respond import Content, Send
from darkroom.web.router import Place
from darkroom.wire import WireRequest

MOST = 10_000
LARGEST_BYTES = 16 * 1024

Question = tuple[str, str, bytes]
"""Path, host, and the SHA-256 of what it authorizes itself by."""


class Repeat(NamedTuple):
    dialect: str
    verb: str
    principal: Principal
    generation: Generation
    content: Content
    day: int


class Repeats:
    """Polling asks the same question again and again. What is found here is answered without a route, a parse or a
    render: measured, that is four fifths of a status read.

    It forgets nothing that protects: the key must still be good, the generation the very object that was shown, the day
    the same (links are signed by the day). Calls that a plan counts are not answered from here.
    """

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics
        self._kept: dict[Question, Repeat] = {}

    def find(self, scope: MutableMapping[str, Any], *, now: datetime) -> Repeat | None:
        """What a request is a repeat of."""
        question = _question(scope)
        repeat = self._kept.get(question) if question is not None else None
        if repeat is None:
            return None
        if repeat.day != now.toordinal() or not self._service.is_as_told(repeat.principal, repeat.generation, now=now):
            del self._kept[question]  # type: ignore[arg-type]
            return None
        return repeat

    async def answer(self, repeat: Repeat, send: Send) -> None:
        self._metrics.asked(repeat.dialect, repeat.verb)
        content = repeat.content
        headers = [*content.headers, (b"x-request-id", f"req_{new_id()}".encode())]
        await send({"type": "http.response.start", "status": content.status, "headers": headers})
        await send({"type": "http.response.body", "body": content.body})

    def keep(
        self,
        place: Place,
        principal: Principal,
        generation: Generation,
        content: Content,
        request: WireRequest,
        *,
        now: datetime,
    ) -> None:
        if request.method != "GET" or request.query or len(content.body) > LARGEST_BYTES:
            return
        is_counted = place.route.counts_for(principal.plan) and any(principal.plan.windows.values())
        if is_counted or not (generation.is_terminal or place.route.is_timeless):
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        authorization = request.headers.get("authorization", "").encode("latin-1")
        question = request.url, request.headers.get("host", ""), hashlib.sha256(authorization).digest()
        self._kept[question] = Repeat(place.dialect.name, "Fetch", principal, generation, content, now.toordinal())


def _question(scope: MutableMapping[str, Any]) -> Question | None:
    """What a request asks, where it asks for nothing but a path: no query, no condition, no body."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    host = authorization = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"host":
            host = value
        elif name in (b"if-none-match", b"prefer"):
            return None
    return scope["path"], host.decode("latin-1"), hashlib.sha256(authorization).digest()
