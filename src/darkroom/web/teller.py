"""Streams of server-sent events: what the service tells, in a dialect's words."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from darkroom.account import Principal
from darkroom.clock import Clock
from darkroom.generation import TERMINAL, Generation
from darkroom.service import Service
from darkroom.told import Told, ToldKind
from darkroom.web.body import Receive
from darkroom.web.line import UnlessDisconnected
from darkroom.web.rendered import Rendered
from darkroom.web.respond import ENDED, KEEP_ALIVE, Send, lines_of, open_stream, respond
from darkroom.wire import Event, Reply

Tell = Callable[[Told, Reply], Event | None]


class Teller:
    """A thousand that watch one generation are told of its end in the same bytes, made once."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._ends: Rendered[bytes] = Rendered()

    async def stream(
        self,
        tell: Tell,
        principal: Principal,
        watched: Generation | None,
        reply: Reply,
        extra: Mapping[str, str],
        receive: Receive,
        send: Send,
    ) -> None:
        """Tell of a generation until its end, or of all of an account's until the caller hangs up."""
        told = self._service.watch(principal, watched, after=reply.request.headers.get("last-event-id"))
        before, is_open, is_last = b"", False, False
        with UnlessDisconnected(receive):
            async for each in told:
                lines = KEEP_ALIVE
                if each is not None:
                    lines = self._lines_of(tell, each, reply)
                    # A dialect that tells no progress has nothing new to say when there is some.
                    if not lines or lines == before:
                        continue
                    before, is_last = lines, watched is not None and _is_end(each)
                if not is_open:
                    await open_stream(send, reply.request, extra)
                    is_open = True
                    if reply.request.method == "HEAD":
                        is_last = False
                        break
                # The end of what is told ends the answer too, where it is known that nothing comes after it.
                await send({"type": "http.response.body", "body": lines, "more_body": not is_last})
            if not is_open:
                # The caller has seen the end: this is how a browser's EventSource is told to ask no more.
                await respond(send, ENDED, reply.request, extra)
            elif not is_last:
                await send({"type": "http.response.body", "body": b""})

    def _lines_of(self, tell: Tell, told: Told, reply: Reply) -> bytes:
        now = self._clock.now()
        if not _is_end(told):
            return lines_of(tell(told, replace(reply, now=now)))
        assert told.generation is not None
        place = (tell, reply.url, told.status, told.event)
        lines = self._ends.find(place, told.generation, now=now)
        if lines is None:
            lines = lines_of(tell(told, replace(reply, now=now)))
            self._ends.keep(place, told.generation, lines, size_bytes=len(lines), now=now)
        return lines


def _is_end(told: Told) -> bool:
    """Whether it tells that a generation has come to its end: nothing comes after that."""
    return told.kind is ToldKind.STATE and told.status in TERMINAL
