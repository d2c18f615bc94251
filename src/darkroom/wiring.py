"""Puts the parts together: the only file that names concrete classes."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

import structlog

from darkroom import catalogue, plans
from darkroom.access import Access
from darkroom.account import Key, KeyForm, Principal
from darkroom.assets import Links, kept_secret, open_assets
from darkroom.attempts import Rules
from darkroom.catalogue import Catalogue
from darkroom.clock import Clock, SystemClock
from darkroom.config import Settings
from darkroom.costs import Costs
from darkroom.courier import Courier
from darkroom.deadlines import Deadlines
from darkroom.dialects import DIALECTS
from darkroom.endpoints import Endpoints
from darkroom.errors import InvalidInput
from darkroom.generation import Generation
from darkroom.guarded import GuardedClient, Refused
from darkroom.history import History
from darkroom.intake import Intake
from darkroom.lock import FolderLock, open_folder
from darkroom.notify import Bell, FrontDesk
from darkroom.observing import Observing
from darkroom.outside import Outside
from darkroom.pace import Pacer
from darkroom.patience import USUAL_SCHEDULE_S
from darkroom.ports import Assets, Delivery, Lanes, Provider, Store
from darkroom.providers.configured import Configured, let_go, make, read_folder, share_limits, tell_budgets
from darkroom.providers.sketch.embedded import embedded
from darkroom.queue import Dispatcher
from darkroom.retention import Retention
from darkroom.retries import Retries
from darkroom.routing import Routing
from darkroom.service import Service
from darkroom.shared_queue import SharedQueue
from darkroom.shelf import Shelf
from darkroom.store.opening import choose
from darkroom.streams import Streams
from darkroom.sweeper import Sweeper
from darkroom.tracing import OtelTracer
from darkroom.uploads import Uploads
from darkroom.web.limiter import Limiter, OwnLimiter
from darkroom.web.shared_limiter import SharedLimiter
from darkroom.welcome import first_key, welcome
from darkroom.wire import Dialect, Reply, WireRequest
from darkroom.worker import Worker

log = structlog.get_logger(__name__)

SCHEDULES_S: Mapping[str, Sequence[float]] = {
    # Luma's callbacks are tried four times and then forgotten: who waits for them polls as well.
    "aimlapi": (0.1, 5.0, 60.0),
}
"""Seconds between the tries of a webhook, for the dialects whose documents promise less than the usual."""


class Engine:
    """Everything behind the web and the command line. `store` puts something around the store, on either database."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        providers: Mapping[str, Provider] | None = None,
        client: GuardedClient | None = None,
        store: Callable[[Store], Store] | None = None,
        assets: Assets | None = None,
        models: Catalogue | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.folder = open_folder(settings.folder)
        configured = self._configured = configured_of(settings)
        self.catalogue = configured.join(models or catalogue_of(settings, with_providers=False))
        self.plans = plans.load(Path(settings.plans) if settings.plans else None)
        self.dialects: Mapping[str, Dialect] = {dialect.name: dialect for dialect in DIALECTS}
        self._chosen = choose(settings, clock=self.clock)
        self.database, self.cluster = self._chosen.database, self._chosen.cluster
        self.store = store(self._chosen.store) if store is not None else self._chosen.store
        self.assets = assets or open_assets(settings.assets or str(self.folder / "assets"))
        secret = kept_secret(Path(settings.secret) if settings.secret else self.folder / "secret")
        self.links = Links(secret)
        self.outside = Outside(secret=secret, links=self.links, public_url=settings.public_url, clock=self.clock)
        self.client = client or GuardedClient(allow_loopback=settings.allow_loopback)
        self.providers = providers if providers is not None else self._make_providers(configured)
        self.bell = Bell()
        self.history = History(self.catalogue, rounds_before=self._rounds_before)
        self.routing = Routing(providers=self.providers, clock=self.clock)
        self.pacer = Pacer(history=self.history, clock=self.clock)
        self.desk = FrontDesk(self.bell.changed, self.history.changed)
        self.queue = self._make_queue()
        self.shelf = Shelf(store=self.store, assets=self.assets, clock=self.clock)
        self.uploads = Uploads(store=self.store, shelf=self.shelf, clock=self.clock, folder=self.folder / "uploads")
        self.retention = Retention(
            store=self.store, assets=self.assets, shelf=self.shelf, uploads=self.uploads, clock=self.clock
        )
        self.streams = Streams(store=self.store, bell=self.bell, history=self.history, clock=self.clock)
        self.intake = Intake(
            store=self.store,
            assets=self.assets,
            shelf=self.shelf,
            client=self.client,
            links=self.links,
            clock=self.clock,
        )
        self.limiter: Limiter = SharedLimiter(settings.limits) if settings.limits else OwnLimiter()
        self.access = Access(store=self.store, plans=self.plans, clock=self.clock, key_forms=self.key_forms)
        self.retries = Retries(store=self.store, clock=self.clock, window_s=settings.repeat_window_s)
        self.endpoints = self._make_endpoints()
        told = partial(tell_budgets, self.providers)
        self.costs = Costs(store=self.store, clock=self.clock, credit_usd=settings.credit_usd, told=told)
        self.service = self._make_service()
        self.worker = self._make_worker()
        self.sweeper = Sweeper(
            store=self.store,
            retention=self.retention,
            queue=self.queue,
            desk=self.desk,
            access=self.access,
            clock=self.clock,
        )
        self.deadlines = Deadlines(store=self.store, queue=self.queue, desk=self.desk, clock=self.clock)
        self.courier = self._make_courier()
        self._lock = FolderLock(self.folder)
        self._tasks: list[asyncio.Task[None]] = []

    def _make_providers(self, configured: Configured) -> Mapping[str, Provider]:
        sketch = embedded(self.settings, self.clock)
        made = {
            name: make(manifest, guarded=self.client, clock=self.clock)
            for name, manifest in configured.manifests.items()
        }
        return {sketch.name: sketch, **made}

    def _make_queue(self) -> Lanes:
        slots = {name: provider.slots for name, provider in self.providers.items()}
        if self._chosen.connections is None:
            return Dispatcher(slots)
        queue = SharedQueue(self._chosen.connections, slots)
        self._chosen.connections.on_queued = queue.wake
        self._chosen.connections.on_nudge = self.pacer.nudge
        self.desk.listen(queue.changed)
        return queue

    def nudge(self, generation_id: str) -> None:
        """Have its work looked at now, by whichever process watches it."""
        if not self.pacer.nudge(generation_id) and self.cluster is not None:
            self.cluster.nudge(generation_id)

    def _make_courier(self) -> Courier:
        return Courier(
            store=self.store,
            client=self.client,
            dialects=self.dialects,
            reply_for=self._reply_for,
            clock=self.clock,
            schedule_for=lambda dialect: SCHEDULES_S.get(dialect, USUAL_SCHEDULE_S),
        )

    def _make_endpoints(self) -> Endpoints:
        return Endpoints(
            store=self.store,
            client=self.client,
            clock=self.clock,
            secret_for={name: dialect.new_secret for name, dialect in self.dialects.items()},
            wake=lambda: self.courier.wake(),
        )

    def _make_service(self) -> Service:
        return Service(
            store=self.observing.submits(self.store),
            catalogue=self.catalogue,
            plans=self.plans,
            queue=self.queue,
            desk=self.desk,
            bell=self.bell,
            streams=self.streams,
            access=self.access,
            retries=self.retries,
            intake=self.intake,
            client=self.client,
            shelf=self.shelf,
            uploads=self.uploads,
            endpoints=self.endpoints,
            retention=self.retention,
            clock=self.clock,
            routing=self.routing,
            costs=self.costs,
            billed={name for name, provider in self.providers.items() if provider.bills_canceled},
        )

    def _make_worker(self) -> Worker:
        rules = Rules(
            max_attempts=self.settings.max_attempts,
            limit_s=self.settings.generation_limit_s,
            when_ambiguous=self.settings.when_ambiguous,
            hold_s=self.settings.ambiguous_hold_s,
        )
        own = {name: manifest.form.when_ambiguous for name, manifest in self._configured.manifests.items()}
        return Worker(
            store=self.observing.store(self.store),
            assets=self.assets,
            catalogue=self.catalogue,
            providers={name: self.observing.provider(provider) for name, provider in self.providers.items()},
            queue=self.queue,
            desk=self.desk,
            bell=self.bell,
            intake=self.intake,
            outside=self.outside,
            pacer=self.pacer,
            routing=self.routing,
            clock=self.clock,
            rules=rules,
            rules_for={name: replace(rules, when_ambiguous=policy) for name, policy in own.items() if policy},
            folder=self._work_folder,
        )

    @property
    def _work_folder(self) -> Path:
        """Other processes may work in the same data folder, each in a folder of its own."""
        return self.folder / "work" / (self.cluster.name if self.cluster else "")

    async def principal(self, account: str) -> Principal:
        """An operator at the command line, acting for an account; raises `NotFound`."""
        found = await self.store.find_account(account)
        key = Key(
            number=0,
            account_id=found.id,
            name="command line",
            hint="",
            dialect="native",
            hash=b"",
            created_at=found.created_at,
        )
        return Principal(account=found, key=key, plan=self.plans.get(found.plan, self.plans["blocked"]))

    @property
    def key_forms(self) -> Mapping[str, KeyForm]:
        return {name: dialect.key_form for name, dialect in self.dialects.items()}

    def claim(self, about: str) -> None:
        """Take the data folder for this process; raises `FolderInUse`."""
        self._lock.take(about)

    def is_in_use(self) -> bool:
        """Whether some process has claimed the data folder."""
        return self._lock.is_taken()

    async def open(self) -> None:
        """The store and the outbound client: enough to ask and to submit."""
        await self.database.open()
        self.history.prime(await self.store.took())
        if self.cluster is not None and not self.settings.secret:
            secret = await self.cluster.secret()
            self.links.rekey(secret)
            self.outside.rekey(secret)
        await self.client.open()

    async def follow(self) -> None:
        """Hear of what another process, which carries generations out, does."""
        await self.sweeper.prepare()
        self.database.on_foreign_change = self.sweeper.notice
        self._tasks = [asyncio.create_task(self.sweeper.follow())]

    async def work(self) -> None:
        """Carry generations out, beginning with those that an earlier process left. Claim the folder first."""
        await asyncio.to_thread(shutil.rmtree, self._work_folder, ignore_errors=True)
        if self._lock.was_left:
            await self.retries.recall()
        for provider in self.providers.values():
            await provider.open()
        await self.costs.tell()
        await self.sweeper.prepare()
        self.desk.listen(self.worker.changed, self.deadlines.changed, partial(let_go, self.providers))
        self.database.on_foreign_change = self.sweeper.notice
        self.database.on_message = self.courier.wake if self.cluster is None else self.courier.stir
        self._tasks = [asyncio.create_task(run) for run in await self._runs()]
        self.queue.start(self.observing.handler(self.worker.handle))

    async def _runs(self) -> Sequence[Coroutine[None, None, None]]:
        """What goes on beside the work: here, or at the one of many processes that leads."""
        if self.cluster is None:
            rescued = await self.store.rescue(now=self.clock.now())
            if rescued:
                log.info("queued again what was cut off", generations=rescued)
            return self.sweeper.run(), self.courier.run(), self.deadlines.run(), self.costs.run()
        # Seen before anything is begun: what a worker that nobody has seen carries out is handed back.
        await self.cluster.show()
        self.cluster.share = partial(share_limits, self.providers)
        await self.cluster.look_around()
        return self.sweeper.follow(), self.cluster.live(), self.cluster.leadership.run(self._lead), self.costs.run()

    async def _lead(self) -> None:
        assert self.cluster is not None
        async with asyncio.TaskGroup() as group:
            for run in (self.sweeper.lead(self.cluster.recover), self.courier.run(), self.deadlines.run()):
                group.create_task(run)

    def _rounds_before(self, generation: Generation) -> tuple[float, int] | None:
        position = self.queue.position(generation.id)
        if position is None:
            return None
        return position / max(self.providers[generation.provider].slots, 1), position

    @cached_property
    def observing(self) -> Observing:
        return Observing(OtelTracer() if self.settings.tracing else None)

    @property
    def is_at_work(self) -> bool:
        """Whether this process does its part: its queue is served, where it has one, and all beside it goes on."""
        return (self.queue.is_served or self.settings.role == "api") and not any(task.done() for task in self._tasks)

    async def close(self, *, after_answers: Callable[[], Awaitable[None]] | None = None) -> None:
        """Answer who waits, let what runs end or hand it back, then stop everything."""
        self.service.close()
        self.bell.close()
        if after_answers is not None:
            await after_answers()
        await self.worker.close(limit_s=self.settings.shutdown_limit_s)
        await self.courier.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for provider in self.providers.values():
            await provider.close()
        if self.cluster is not None:
            await self.cluster.leave()
        await self.client.close()
        await self.limiter.close()
        await self.database.close()
        await asyncio.to_thread(self.observing.close)
        self._lock.release()

    def check_address(self, url: str) -> None:
        """Raises `InvalidInput` for an address that nothing will be sent to."""
        try:
            self.client.check(url)
        except Refused as error:
            raise InvalidInput.of("url", str(error)) from None

    def link(self, key: str, *, url: str, now: datetime) -> str:
        return url + self.links.path(key, now=now)

    @property
    def url(self) -> str:
        """Where this server says it is, for those who have no request to take it from."""
        return self.settings.public_url.rstrip("/") or f"http://{self.settings.host}:{self.settings.port}"

    async def _reply_for(self, delivery: Delivery) -> Reply:
        return self.reply()

    def reply(self) -> Reply:
        """What a dialect needs to render something that no request asked for."""
        now = self.clock.now()
        return Reply(
            request=WireRequest(),
            now=now,
            url=self.url,
            link=lambda asset: self.link(asset if isinstance(asset, str) else asset.key, url=self.url, now=now),
            catalogue=self.catalogue,
            retry_after_s=self.history.retry_after_s,
        )

    async def welcome(self) -> None:
        """An empty store gets an account `default` with sandbox credits."""
        await welcome(self.store, sandbox=self.settings.sandbox_credits, now=self.clock.now())

    async def first_key(self) -> str | None:
        """A key for the account `default`, if it has never had one: the only time that it is seen."""
        await self.welcome()
        return await first_key(self.store, self.access)


def catalogue_of(settings: Settings, *, with_providers: bool = True) -> Catalogue:
    """The models of an installation: the shipped ones, the operator's own, and those of its upstreams."""
    found = catalogue.load(*([Path(settings.models)] if settings.models else []))
    return configured_of(settings).join(found) if with_providers else found


def configured_of(settings: Settings) -> Configured:
    return read_folder(settings.providers_folder)
