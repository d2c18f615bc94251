"""Where the command line's generations go: a server far away, the one on this data folder, or this very process."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from darkroom.account import Principal
from darkroom.cli.files import as_file, put_aside
from darkroom.cli.patience import PATIENCE_S, Patience
from darkroom.cli.remote import RemoteSession
from darkroom.config import Settings
from darkroom.credits import in_credits
from darkroom.dialects import native_bodies as bodies
from darkroom.dialects.native_assets import AssetBody, show_asset
from darkroom.dialects.native_bodies import GenerationBody, ModelBody
from darkroom.dialects.native_waiting import ProgressBody, show_progress
from darkroom.errors import InvalidInput, NotFound
from darkroom.generation import Generation, Status
from darkroom.lock import FolderInUse
from darkroom.told import Told, ToldKind
from darkroom.verbs import Cancel, DeleteAsset, List, ListAssets, Reference, StoreAsset, Submit
from darkroom.web.spool import Tray
from darkroom.wiring import Engine

LOOK_S = 0.5
"""How often one who waits beside a server looks whether the server is still there."""


class Session(Protocol):
    """What the commands need, wherever it is done."""

    async def model(self, slug: str) -> ModelBody: ...

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody: ...

    def watch(self, id: str) -> AsyncIterator[GenerationBody | ProgressBody]: ...

    async def get(self, id: str) -> GenerationBody: ...

    async def cancel(self, id: str) -> GenerationBody: ...

    async def list(self, *, limit: int, status: str | None) -> "list[GenerationBody]": ...

    async def save(self, url: str, target: Path) -> None: ...

    async def upload(self, path: Path, *, name: str, expires_after_s: int | None) -> AssetBody: ...

    async def assets(self, *, limit: int) -> Sequence[AssetBody]: ...

    async def delete_asset(self, id: str) -> None: ...

    async def available(self) -> int | float: ...


class LocalSession:
    """Beside a running server or without one, on the data folder itself."""

    def __init__(
        self, engine: Engine, principal: Principal, *, is_worker: bool, patience_s: float = PATIENCE_S
    ) -> None:
        self._engine = engine
        self._principal = principal
        self._is_worker = is_worker
        self._patience_s = patience_s

    async def model(self, slug: str) -> ModelBody:
        return bodies.show_model(self._engine.catalogue.find(slug))

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody:
        with self._tray() as tray:
            given = {name: await as_file(value, tray) for name, value in inputs.items()}
            verb = Submit(model=model, inputs=given, dialect="native")
            return self._body(await self._engine.service.submit(self._principal, verb))

    async def watch(self, id: str) -> AsyncIterator[GenerationBody | ProgressBody]:
        """Each change until the end; raises `GaveUp` when nobody has carried anything out here for too long."""
        generation = await self._engine.store.get(id)
        async for told in self._while_someone_works(self._engine.service.watch(self._principal, generation), id):
            if told.generation is not None:
                is_progress = told.kind is ToldKind.PROGRESS
                yield show_progress(told) if is_progress else self._body(told.generation)

    async def _while_someone_works(self, watched: AsyncIterator[Told | None], id: str) -> AsyncIterator[Told]:
        patience = Patience(
            self._patience_s,
            f"no server has worked on {self._engine.folder} for {self._patience_s:g} s; the generation is kept there: "
            f"`darkroom wait {id}` carries it out, or a server does",
        )
        ended = object()
        while True:
            coming = asyncio.ensure_future(_next(watched, ended))
            try:
                while not (await asyncio.wait((coming,), timeout=LOOK_S))[0]:
                    if self._is_worker or self._engine.is_in_use():
                        patience.renew()
                    patience.check()
            finally:
                coming.cancel()
            told = coming.result()
            if told is ended:
                return
            if isinstance(told, Told):
                yield told

    async def get(self, id: str) -> GenerationBody:
        return self._body(await self._engine.store.get(_reference(id)))

    async def cancel(self, id: str) -> GenerationBody:
        generation = await self._engine.store.get(_reference(id))
        owner = await self._engine.principal(generation.account_id)
        return self._body(await self._engine.service.cancel(owner, Cancel(id=generation.id)))

    async def list(self, *, limit: int, status: str | None) -> "list[GenerationBody]":
        wanted = List(limit=limit, status=(Status(status),) if status else ())
        page = await self._engine.service.list_generations(self._principal, wanted)
        return [self._body(generation) for generation in page.items]

    async def save(self, url: str, target: Path) -> None:
        key = self._engine.links.key_of(url, now=self._engine.clock.now())
        if key is None:
            raise NotFound("the result")
        await self._engine.assets.fetch(key, target)

    async def upload(self, path: Path, *, name: str, expires_after_s: int | None) -> AssetBody:
        with self._tray() as tray:
            arrival = await put_aside(path, tray)
            verb = StoreAsset(arrival=arrival, name=name, expires_after_s=expires_after_s)
            return show_asset(await self._engine.shelf.store_asset(self._principal, verb), self._engine.reply())

    async def assets(self, *, limit: int) -> Sequence[AssetBody]:
        page = await self._engine.shelf.list_assets(self._principal, ListAssets(limit=limit))
        return [show_asset(owned, self._engine.reply()) for owned in page.items]

    async def delete_asset(self, id: str) -> None:
        await self._engine.shelf.delete_asset(self._principal, DeleteAsset(id=id))

    @contextmanager
    def _tray(self) -> Iterator[Tray]:
        tray = Tray(self._engine.uploads.folder)
        try:
            yield tray
        finally:
            tray.clear()

    async def available(self) -> int | float:
        return in_credits((await self._engine.access.show_account(self._principal)).available)

    def _body(self, generation: Generation) -> GenerationBody:
        return bodies.show_generation(generation, self._engine.reply())


@asynccontextmanager
async def open_session(settings: Settings, *, account: str, works: bool) -> AsyncIterator[Session]:
    """`works` says that what is submitted should be carried out here, unless a server does it already."""
    if settings.url:
        async with aiohttp.ClientSession() as client:
            yield RemoteSession(client, settings.url, settings.key)
        return
    engine = Engine(settings)
    is_worker = works
    if works and engine.cluster is None:
        try:
            engine.claim("the command line")
        except FolderInUse:
            is_worker = False  # the server there will see what we store and carry it out
    await engine.open()
    if engine.cluster is not None:
        is_worker = works and not await engine.cluster.has_workers()
    try:
        await (engine.work() if is_worker else engine.follow())
        await engine.welcome()
        yield LocalSession(engine, await _principal(engine, account), is_worker=is_worker)
    finally:
        await engine.close()


async def _next(watched: AsyncIterator[Told | None], ended: object) -> object:
    return await anext(watched, ended)


def _reference(id: str) -> Reference:
    """A generation's number where it is one, its id otherwise."""
    return int(id) if id.isascii() and id.isdigit() and len(id) <= 18 else id


async def _principal(engine: Engine, account: str) -> Principal:
    try:
        return await engine.principal(account)
    except NotFound:
        names = ", ".join(found.name for found in await engine.store.accounts())
        raise InvalidInput.of("--account", f"there is no account '{account}'; there are {names}") from None
