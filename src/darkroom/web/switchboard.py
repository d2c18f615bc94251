"""From a request to a dialect and back: authenticate, limit, parse, perform, render."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import structlog
from msgspec.structs import replace

from darkroom.account import Principal, Statement
from darkroom.asset import Asset
from darkroom.catalogue import Catalogue
from darkroom.clock import Clock
from darkroom.errors import NotFound, Rejected, StoreAway, Unauthenticated, Unavailable, WrongMethod
from darkroom.generation import Generation
from darkroom.ids import new_id
from darkroom.retries import Retries
from darkroom.service import Service
from darkroom.verbs import Fetch, FetchMany, Submit
from darkroom.web.body import Disconnected, Inbox, Receive, read_body, read_file
from darkroom.web.fingerprint import asking_of
from darkroom.web.limiter import Limiter
from darkroom.web.line import Line, Moments, UnlessDisconnected
from darkroom.web.metrics import Metrics
from darkroom.web.rendered import Rendered
from darkroom.web.repeats import Repeats
from darkroom.web.respond import Content, Send, content_of, preflight, respond, respond_surely
from darkroom.web.router import Place, Router
from darkroom.web.tags import has_tag, tagged, unchanged
from darkroom.web.teller import Teller
from darkroom.wire import Dialect, Reply, Route, WireRequest

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HOST = re.compile(r"[A-Za-z0-9.\-_]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")


AWAY = (
    "the database does not answer, and whether this was done is not known; ask again, a submit with an Idempotency-Key"
)


class Switchboard:
    """An ASGI application for every dialect's routes. `link` makes an asset's URL from key, base and instant;
    `spool` is the folder where what comes in large is put aside."""

    def __init__(
        self,
        *,
        dialects: Mapping[str, Dialect],
        service: Service,
        catalogue: Catalogue,
        clock: Clock,
        limiter: Limiter,
        metrics: Metrics,
        link: Callable[..., str],
        url: str,
        public_url: str,
        retries: Retries,
        hold_s: float,
        spool: Path,
        retry_after_s: Callable[[Generation, datetime], int],
        otherwise: Application,
    ) -> None:
        self._router = Router(dialects)
        self._dialects = dialects
        self._service = service
        self._catalogue = catalogue
        self._clock = clock
        self._limiter = limiter
        self._metrics = metrics
        self._link = link
        self._url = url
        self._public_url = public_url.rstrip("/")
        self._spool = spool
        self._otherwise = otherwise
        self._retries = retries
        self._moments = Moments(hold_s)
        self._retry_after_s = retry_after_s
        self._rendered: Rendered[Content] = Rendered()
        self._repeats = Repeats(service, metrics)
        self._teller = Teller(service, clock)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine around those that answer: each of ten thousand that wait is the smaller for it.
        now = self._clock.now()
        repeat = self._repeats.find(scope, now=now)
        if repeat is not None:
            return self._repeats.answer(repeat, send)
        match = self._router.find(scope["path"]) if scope["type"] == "http" else None
        if match is None:
            return self._turn_page(scope, receive, send)
        if scope["method"] == "OPTIONS":
            return preflight(send)
        places, values = match
        return self._answer(places, self._request(scope, values, now), receive, send)

    async def _turn_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._otherwise(scope, receive, send)
        except Exception:
            log.exception("a bug answered a request", path=scope.get("path"))

    async def nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A path that nobody serves, refused in the words of the dialect whose prefix it has, or whose key it seems."""
        request = self._request(scope, {}, self._clock.now())
        error = NotFound(f"{request.method} {request.url[:200]}")
        await respond(send, content_of(self._speaker(request).refuse(error, request)), request, {})

    def _speaker(self, request: WireRequest) -> Dialect:
        by_prefix = self._dialects.get(request.url.split("/")[1])
        if by_prefix is not None:
            return by_prefix
        secret = _bearer(request.headers.get("authorization", "")) or ""
        likely = (dialect for dialect in self._dialects.values() if dialect.key_form.fits(secret))
        return next(likely, self._dialects["native"])

    async def _answer(
        self, places: Mapping[str, Sequence[Place]], request: WireRequest, receive: Receive, send: Send
    ) -> None:
        candidates = places.get("GET" if request.method == "HEAD" else request.method)
        if candidates is None:
            await self._refuse_method(places, request, send)
            return
        place, principal = _guess(candidates, request), None
        inbox = Inbox(receive, self._spool) if request.method in ("POST", "PUT", "PATCH") else None
        try:
            principal = await self._authenticate(candidates, request)
            place = _choose(candidates, principal)
            if principal is not None and place.route.counts_for(principal.plan):
                await self._limiter.count(principal)
            if inbox is not None:
                if principal is not None and place.route.takes_file:
                    body, is_form = await read_file(inbox, request.headers, principal.plan)
                else:
                    body, is_form = await read_body(inbox, request.headers)
                request = replace(request, body=body, is_form=is_form)
            await self._serve(place, principal, request, receive, send)
        except (Rejected, StoreAway) as error:
            refusal = error if isinstance(error, Rejected) else _away(error, request)
            self._metrics.refused(place.dialect.name, refusal.code)
            if inbox is not None:
                await inbox.discard(request.headers)
            content = content_of(place.dialect.refuse(refusal, request))
            await respond(send, content, request, self._extra(place, principal, request))
        except Disconnected:
            # A caller that hangs up gets no answer; what it asked for stays asked for.
            if inbox is not None and inbox.is_whole:
                inbox = None  # what it asked for goes on without it, and may not have stored the files yet
        except Exception:
            log.exception("a bug answered a request", request=request.id, method=request.method, path=request.url)
            await respond(send, content_of(place.dialect.crash(request)), request, {})
        finally:
            if inbox is not None:
                inbox.clear()

    def _extra(self, place: Place, principal: Principal | None, request: WireRequest) -> Mapping[str, str]:
        return place.dialect.decorate(self._reply(request, principal, None)) if principal is not None else {}

    async def _refuse_method(self, places: Mapping[str, Sequence[Place]], request: WireRequest, send: Send) -> None:
        dialect = next(iter(places.values()))[0].dialect
        error = WrongMethod(request.method[:20], request.url[:200], allowed=sorted(places))
        refused = replace(dialect.refuse(error, request), status=405)
        await respond(send, content_of(refused), request, {"allow": ", ".join(error.allowed)})

    async def _authenticate(self, candidates: Sequence[Place], request: WireRequest) -> Principal | None:
        secret = _bearer(request.headers.get("authorization", ""))
        if secret is None:
            if candidates[0].route.is_open:
                return None
            raise Unauthenticated
        return await self._service.access.authenticate(secret)

    async def _serve(
        self, place: Place, principal: Principal | None, request: WireRequest, receive: Receive, send: Send
    ) -> None:
        route, dialect = place.route, place.dialect
        verb = route.parse(request)
        answer: Any
        self._metrics.asked(dialect.name, type(verb).__name__)
        if isinstance(verb, Submit) and principal is not None:
            asking = asking_of(request, principal, dialect.name, keyless=self._retries.knows_the_keyless)
            verb = replace(verb, dialect=dialect.name, asking=asking)
            await self._submit(place, principal, verb, request, receive, send)
            return
        if isinstance(verb, Fetch | FetchMany) and verb.may_wait:
            with UnlessDisconnected(receive):
                answer = await self._service.perform(principal, verb)
        else:
            answer = await self._service.perform(principal, verb)
        content = self._known(place, principal, answer, request)
        if content is not None:
            await respond(send, content, request, {})
            return
        statement = await self._statement(principal, answer) if route.needs_statement else None
        reply, extra = self._frame(place, principal, answer, statement, request)
        if route.tell is not None and principal is not None:
            await self._teller.stream(route.tell, principal, answer, reply, extra, receive, send)
        else:
            await respond(send, self._show(place, principal, answer, reply, extra), request, extra)

    async def _submit(
        self, place: Place, principal: Principal, verb: Submit, request: WireRequest, receive: Receive, send: Send
    ) -> None:
        """What nobody is there any more to hear of stays submitted; who asks for it again is told.

        A connection that dies in the middle of the answer looks like one that is closed after it, unless the answer
        has not ended yet. So the end is held back for a moment, and who hangs up in that moment does not have it.
        """
        asking, may_wait = verb.asking, self._service.may_wait(verb)
        lose, is_guessing = partial(self._retries.lose, asking), self._retries.is_guessing(asking)
        line = Line(receive, lose) if is_guessing and not may_wait else None
        try:
            if may_wait:
                answer = await self._wait_for(self._service.submit(principal, verb), receive, lose)
            else:
                answer = await self._service.accept(principal, verb)
            if is_guessing and line is None:
                line = Line(receive, lose)
            statement = await self._statement(principal, answer) if place.route.needs_statement else None
            reply, extra = self._frame(place, principal, answer, statement, request)
            if asking is not None and asking.is_replay:
                extra = {**extra, "idempotency-replayed": "true"}
            if place.route.tell is not None:
                if line is not None:
                    line.close()
                await self._teller.stream(place.route.tell, principal, answer, reply, extra, receive, send)
                return
            content = self._show(place, principal, answer, reply, extra)
            if line is None:
                await respond(send, content, request, extra)
            else:
                await respond_surely(send, content, request, extra, line, self._moments)
        finally:
            if line is not None:
                line.close()

    async def _wait_for(
        self, submitting: Awaitable[Generation], receive: Receive, lose: Callable[[], object]
    ) -> Generation:
        try:
            with UnlessDisconnected(receive):
                return await submitting
        except Disconnected:
            lose()
            raise

    async def _statement(self, principal: Principal | None, answer: Any) -> Statement | None:
        if principal is None or isinstance(answer, Statement):
            return None
        return await self._service.access.show_account(principal)

    def _frame(
        self,
        place: Place,
        principal: Principal | None,
        answer: Any,
        statement: Statement | None,
        request: WireRequest,
    ) -> tuple[Reply, Mapping[str, str]]:
        """What an answer is shown with, and the headers that its dialect adds."""
        reply = self._reply(request, principal, answer if isinstance(answer, Statement) else statement)
        return reply, place.dialect.decorate(reply) if principal is not None else {}

    def _known(self, place: Place, principal: Principal | None, answer: Any, request: WireRequest) -> Content | None:
        """What was told of an ended generation before: of a thousand who wait for its end, all but the first are
        answered without a frame of their own, where their dialect adds nothing to it."""
        route = place.route
        if place.dialect.decorates or route.tell is not None or principal is None:
            return None
        if not isinstance(answer, Generation) or not answer.is_terminal:
            return None
        now = self._clock.now()
        content = self._rendered.find(_told_at(route, self._url_of(request)), answer, now=now)
        if content is None:
            return None
        self._repeats.keep(place, principal, answer, content, request, now=now)
        return _or_unchanged(route, content, request)

    def _show(
        self, place: Place, principal: Principal | None, answer: Any, reply: Reply, extra: Mapping[str, str]
    ) -> Content:
        content = self._content(place.route, answer, reply)
        if principal is not None and not extra and isinstance(answer, Generation):
            self._repeats.keep(place, principal, answer, content, reply.request, now=reply.now)
        return _or_unchanged(place.route, content, reply.request)

    def _content(self, route: Route, answer: Any, reply: Reply) -> Content:
        if not isinstance(answer, Generation) or not answer.is_terminal:
            return self._make(route, answer, reply)
        place = _told_at(route, reply.url)
        content = self._rendered.find(place, answer, now=reply.now)
        if content is None:
            content = self._make(route, answer, reply)
            self._rendered.keep(place, answer, content, size_bytes=len(content.body), now=reply.now)
        return content

    def _make(self, route: Route, answer: Any, reply: Reply) -> Content:
        content = content_of(route.render(answer, reply))
        return tagged(content) if route.is_tagged else content

    def _reply(self, request: WireRequest, principal: Principal | None, statement: Statement | None) -> Reply:
        now, url = self._clock.now(), self._url_of(request)
        return Reply(
            request=request,
            now=now,
            url=url,
            link=Link(self._link, url, now),
            catalogue=self._catalogue,
            principal=principal,
            statement=statement,
            limits=self._limiter.states(principal) if principal is not None else (),
            retry_after_s=self._retry_after_s,
        )

    def _url_of(self, request: WireRequest) -> str:
        return self._public_url or _address(request.headers.get("host", "")) or self._url

    def _request(self, scope: Scope, values: Mapping[str, str], now: datetime) -> WireRequest:
        query = scope["query_string"]
        return WireRequest(
            method=scope["method"],
            url=scope["path"],
            path=values,
            query=parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else (),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            id=f"req_{new_id()}",
            at=now,
        )


def _told_at(route: Route, url: str) -> tuple[str, str, str]:
    """What tells apart the answers about one generation."""
    return route.method, route.path, url


def _or_unchanged(route: Route, content: Content, request: WireRequest) -> Content:
    return unchanged(content) if route.is_tagged and has_tag(request, content) else content


class Link:
    """Makes an asset's URL. Not a closure: each of ten thousand that watch a stream keeps one, and is the smaller."""

    __slots__ = ("_make", "_now", "_url")

    def __init__(self, make: Callable[..., str], url: str, now: datetime) -> None:
        self._make = make
        self._url = url
        self._now = now

    def __call__(self, asset: Asset | str) -> str:
        return self._make(asset if isinstance(asset, str) else asset.key, url=self._url, now=self._now)


def _address(host: str) -> str:
    """Where the caller found us, as it says; empty for what no host is."""
    return f"http://{host}" if HOST.fullmatch(host) else ""


def _away(error: StoreAway, request: WireRequest) -> Unavailable:
    log.warning("the store did not answer a request", request=request.id, reason=str(error))
    return Unavailable(AWAY)


def _bearer(header: str) -> str | None:
    """The key, from `Bearer KEY` (or `Key KEY`, `Token KEY`); None where there is none."""
    scheme, _, key = header.partition(" ")
    if scheme.lower() in ("bearer", "key", "token") and key.strip():
        return key.strip()
    return None


def _guess(candidates: Sequence[Place], request: WireRequest) -> Place:
    """Whose words to refuse in while nobody knows who is calling: those that the key looks like."""
    if len(candidates) > 1:
        secret = _bearer(request.headers.get("authorization", "")) or ""
        for place in candidates:
            if place.dialect.key_form.fits(secret):
                return place
    return candidates[0]


def _choose(candidates: Sequence[Place], principal: Principal | None) -> Place:
    """Two dialects may share a path: the key's own one answers, and under a prefix there is no doubt."""
    if principal is not None and len(candidates) > 1:
        for place in candidates:
            if place.dialect.name == principal.key.dialect:
                return place
    return candidates[0]
