"""What every fake upstream shares: a real server on this machine, jobs that move on when polled, and troubles."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, ClassVar

from aiohttp import web

from tests.providers.fakes.media import ENDING, MEDIA, TYPE

SECRET = "sk-test-0123456789abcdef"
"""The key that every fake knows; those with a pair know `ID:SECRET`."""


@dataclass
class Job:
    """`states` are what the next polls tell, in our words; the last one stays. `body` is what was submitted, `key` and
    `reference` what its caller calls it: one that is honoured, and one that is only remembered."""

    id: str
    body: Any
    key: str = ""
    reference: str = ""
    states: deque[str] = field(default_factory=lambda: deque(["queued", "running", "completed"]))
    is_canceled: bool = False

    def step(self) -> str:
        return self.states.popleft() if len(self.states) > 1 else self.states[0]


@dataclass(frozen=True)
class Seen:
    """A request: `body` is JSON, or the fields of a form, in which a file is its bytes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    match: Mapping[str, str]


@dataclass(frozen=True)
class Told:
    """An answer: `body` is JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one call. `when` is before the upstream has done anything, or after. With a status it
    answers so; without one it cuts the connection, `inside` in the middle of its answer, `chunk` in the middle of one
    whose length it has not told."""

    when: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


Handler = Callable[[Seen], Told]


class Fake:
    """An upstream. A subclass says its routes and speaks its words; `PREFIX` is what its base URL has after the host,
    `submitted` the body that a submit of the scene's fox must have, typed from the upstream's own documents."""

    submitted: ClassVar[Any]

    name: ClassVar[str]
    modality: ClassVar[str] = "video"
    PREFIX: ClassVar[str] = ""
    secret: ClassVar[str] = SECRET
    is_sync: ClassVar[bool] = False
    """Answers a submit with the result."""
    has_files: ClassVar[bool] = True
    """Its results are fetched, and do not stand in its answers."""
    has_status_words: ClassVar[bool] = True
    has_content_rules: ClassVar[bool] = True
    """Refuses content; a server of one's own makes what it is asked."""
    tells_absence: ClassVar[bool] = True
    """Its look-ups can say that something was never taken."""
    cost_micro_usd: ClassVar[int | None] = None
    """What it says that one fox costs."""

    def __init__(self) -> None:
        self.url = ""
        self.jobs: dict[str, Job] = {}
        self.seen: list[tuple[str, Seen]] = []
        self.troubles: dict[str, deque[Trouble]] = {}
        self.states: tuple[str, ...] = ("queued", "running", "completed")
        self.hold = asyncio.Event()
        self.hold.set()
        self.media = MEDIA[self.modality]()
        # What has come about: work was taken, a result is being fetched.
        self.taken = asyncio.Event()
        self.fetched = asyncio.Event()

    # What a subclass says.

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Method, path, kind (submit, poll, result, cancel, lookup, file), handler."""
        raise NotImplementedError

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("Authorization") == f"Bearer {self.secret}"

    def shut_out(self) -> Told:
        return Told(401, {"error": {"message": f"Incorrect API key provided: {self.secret}"}})

    # What it can use.

    def accept(self, body: Any, *, key: str = "") -> Job:
        """A new job; the one of the same idempotency key where there is one."""
        known = next((job for job in self.jobs.values() if key and job.key == key), None)
        if known is not None:
            return known
        number = len(self.jobs) + 1
        job = Job(id=self.new_id(number), body=body, key=key, states=deque(self.states))
        self.jobs[job.id] = job
        self.taken.set()
        return job

    def new_id(self, number: int) -> str:
        return f"{self.name}-job-{number}"

    @property
    def file_url(self) -> str:
        return f"{self.url}/files/result.{ENDING[self.modality]}"

    def is_refused(self, seen: Seen) -> bool:
        return "forbidden" in json.dumps(seen.body, default=str)

    @property
    def counts(self) -> Counter[str]:
        return Counter(kind for kind, _ in self.seen)

    def trouble(self, kind: str, *troubles: Trouble) -> None:
        self.troubles.setdefault(kind, deque()).extend(troubles)

    # The server.

    async def _file(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": TYPE[self.modality]})
        response.content_length = len(self.media)
        await response.prepare(request)
        self.fetched.set()
        media = self.media
        await response.write(media[: len(media) // 2])
        await self.hold.wait()
        if self.troubles.get("file"):
            self.troubles["file"].popleft()
            assert request.transport is not None
            request.transport.abort()
            raise web.HTTPInternalServerError
        await response.write(media[len(media) // 2 :])
        return response

    def _has_result(self, told: Told) -> bool:
        return isinstance(told.body, bytes) or (self.is_sync and self.url not in str(told.body))

    def _serve(self, kind: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            trouble = next(iter(self.troubles.get(kind, ())), None)
            if trouble is not None:
                self.troubles[kind].popleft()
            if trouble is not None and trouble.when == "before":
                self.seen.append((kind, await _seen(request, with_body=False)))
                return await _trouble(request, trouble)
            seen = await _seen(request)
            self.seen.append((kind, seen))
            told = handler(seen) if self.is_let_in(seen) else self.shut_out()
            if trouble is not None:
                return await _trouble(request, trouble, told)
            if kind in ("submit", "poll", "result") and self._has_result(told):
                await self.hold.wait()
            return _response(told)

        return serve

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Fake"]:
        application = web.Application(client_max_size=64 << 20)
        for method, path, kind, handler in self.routes():
            application.router.add_route(method, self.PREFIX + path, self._serve(kind, handler))
        application.router.add_get("/files/{name:.*}", self._file)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self.hold.set()
            await runner.cleanup()


async def _seen(request: web.Request, *, with_body: bool = True) -> Seen:
    body: Any = None
    if with_body and request.can_read_body:
        raw = await request.read()
        if request.content_type == "multipart/form-data":
            body = _fields(raw, request.headers["Content-Type"])
        else:
            body = json.loads(raw)
    return Seen(request.method, request.path, dict(request.query), request.headers, body, request.match_info)


def _fields(raw: bytes, content_type: str) -> dict[str, Any]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        value = content if part.get_filename() else content.decode()
        fields[name] = [fields[name], value] if name in fields else value
    return fields


async def _trouble(request: web.Request, trouble: Trouble, told: Told | None = None) -> web.StreamResponse:
    if trouble.status:
        body = {"message": "trouble"} if trouble.body is None else trouble.body
        return _response(Told(trouble.status, body, trouble.headers))
    assert request.transport is not None
    if trouble.when in ("inside", "chunk") and told is not None:
        whole = _response(told)
        content = whole.body
        assert isinstance(content, bytes)
        partial = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
        if trouble.when == "chunk":
            partial.enable_chunked_encoding()
        else:
            partial.content_length = len(content)
        await partial.prepare(request)
        await partial.write(content[: len(content) // 2])
    request.transport.abort()
    raise web.HTTPInternalServerError


def _response(told: Told) -> web.Response:
    if isinstance(told.body, bytes):
        return web.Response(status=told.status, body=told.body, headers=told.headers)
    if told.body is None:
        return web.Response(status=told.status, headers=told.headers)
    return web.Response(
        status=told.status,
        body=json.dumps(told.body).encode(),
        headers={"Content-Type": "application/json", **told.headers},
    )
