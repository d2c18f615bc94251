"""A server from start to stop: engine, application, signals."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable

import structlog

from darkroom.config import Settings
from darkroom.errors import DarkroomError, Misconfigured
from darkroom.readiness import Checks, NotReady, Readiness, disk_check
from darkroom.web import openapi
from darkroom.web.app import build_pages
from darkroom.web.callbacks import Callbacks
from darkroom.web.media import Media
from darkroom.web.metrics import Metrics
from darkroom.web.server import HttpServer, raise_file_limit
from darkroom.web.surveyor import Surveyor
from darkroom.web.switchboard import Switchboard
from darkroom.wiring import Engine

log = structlog.get_logger(__name__)

DRAIN_S = 1.0
"""How long answers may still be on their way out once everyone who waited has been answered."""


def build_application(engine: Engine) -> Switchboard:
    """Everything that answers. Call it in the event loop that will serve: its lag is looked at from then on."""
    metrics = Metrics()
    surveyor = Surveyor(engine.store, metrics.registry, clock=engine.clock)
    engine.observing.listen(metrics)
    metrics.watch_loop()
    # Of many processes each hears of every end, and the one that made it counts it. What the command line ends beside a
    # single server is counted by the server.
    tell = engine.desk.count if engine.cluster is not None else engine.desk.listen
    tell(metrics.changed)
    engine.retries.told = metrics.repeated
    metrics.watch("darkroom_queue_depth", "Generations that wait for a slot", lambda: engine.queue.depths)
    metrics.watch("darkroom_running", "Attempts in hand", lambda: {"all": engine.queue.in_hand})
    metrics.watch("darkroom_waiters", "Requests that wait for a change", lambda: {"all": engine.bell.waiters})
    metrics.watch("darkroom_provider_resting", "1: it failed again and again", lambda: engine.routing.health.resting)
    metrics.watch("darkroom_limits_shared", "0: not shared now", lambda: {"all": float(engine.limiter.is_shared)})
    metrics.watch("darkroom_lost_answers", "Submits whose callers hung up", lambda: {"all": engine.retries.lost})

    pages = build_pages(
        openapi=openapi.document(),
        media=Media(
            assets=engine.assets,
            links=engine.links,
            clock=engine.clock,
            is_direct=engine.settings.assets_direct,
        ),
        callbacks=Callbacks(generation_of=engine.outside.generation_of, nudge=engine.nudge),
        metrics=metrics,
        surveyor=surveyor,
        readiness=readiness_of(engine),
        nowhere=lambda scope, receive, send: switchboard.nowhere(scope, receive, send),
    )
    switchboard = Switchboard(
        dialects=engine.dialects,
        service=engine.service,
        catalogue=engine.catalogue,
        clock=engine.clock,
        limiter=engine.limiter,
        metrics=metrics,
        link=engine.link,
        url=engine.url,
        public_url=engine.settings.public_url,
        retries=engine.retries,
        hold_s=engine.settings.answer_hold_s,
        spool=engine.uploads.folder,
        retry_after_s=engine.history.retry_after_s,
        otherwise=pages,
    )
    return switchboard


def readiness_of(engine: Engine) -> Callable[[], Awaitable[Readiness]]:
    async def store() -> None:
        await engine.store.newest_event()

    async def queue() -> None:
        if not engine.is_at_work:
            raise NotReady("nobody carries generations out")

    async def assets() -> None:
        try:
            await engine.assets.check()
        except OSError as error:
            raise NotReady("nothing can be stored or read there") from error

    checks = Checks({"store": store, "queue": queue, "disk": disk_check(engine.folder), "assets": assets})

    async def look() -> Readiness:
        if engine.service.is_closing:
            return Readiness({"stopping": "the server is stopping"})
        return await checks.look()

    return look


async def serve(settings: Settings, *, started: Callable[[Engine, str | None], None]) -> None:
    """Run until SIGTERM or SIGINT. `started` is told the engine, and the first key where one was made."""
    raise_file_limit()
    engine = Engine(settings)
    if engine.cluster is None:
        engine.claim(f"serving {engine.url}")
    _check_address(settings.host, settings.port)
    await engine.open()
    try:
        await (engine.follow() if settings.role == "api" else engine.work())
    except DarkroomError:
        await engine.close()  # such as a secret that is not where its file says
        raise
    server = HttpServer(build_application(engine), host=settings.host, port=settings.port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server.start()
    started(engine, await engine.first_key())
    stopped = asyncio.ensure_future(server.wait())
    asked = asyncio.ensure_future(stop.wait())
    await asyncio.wait({stopped, asked}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping", running=engine.queue.in_hand)
    asked.cancel()
    stopped.cancel()
    await engine.close(after_answers=lambda: _drain(server))


async def _drain(server: HttpServer) -> None:
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(server.close())), DRAIN_S)
    except TimeoutError:
        log.warning("some connections did not end in time")


def _check_address(host: str, port: int) -> None:
    """Granian shares ports between processes: without this look, two servers would take turns at answering."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Misconfigured(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
            ) from None
