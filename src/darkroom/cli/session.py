"""Where the command line's generations go: a server far away, the one on this data folder, or this very process."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from darkroom.account import Principal
from darkroom.asset import Arrival
from darkroom.config import Settings
from darkroom.credits import in_credits
from darkroom.dialects import native_bodies as bodies
from darkroom.dialects.native_assets import AssetBody, AssetList, show_asset
from darkroom.dialects.native_bodies import GenerationBody, ModelBody
from darkroom.errors import DarkroomError, InvalidInput, NotFound
from darkroom.generation import Generation, Status
from darkroom.ids import new_id
from darkroom.lock import FolderInUse
from darkroom.media_type import sniff
from darkroom.verbs import Cancel, DeleteAsset, List, ListAssets, Reference, StoreAsset, Submit
from darkroom.web.spool import Tray
from darkroom.wiring import Engine

Body = TypeVar("Body")

SUBMIT_TRIES = 3

INLINE_LIMIT_BYTES = 700_000
"""A data URI of more than this is over a server's limit for a body: the file is uploaded by itself."""

INPUT_LIFE_S = 24 * 3600
"""How long what was uploaded for one generation stays an asset; the generation holds it as long as it needs it."""

PIECE_BYTES = 1024 * 1024


class Refused(DarkroomError):
    """A server's own words."""


class Session(Protocol):
    """What the commands need, wherever it is done."""

    async def model(self, slug: str) -> ModelBody: ...

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody: ...

    def watch(self, id: str) -> AsyncIterator[GenerationBody]: ...

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

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine = engine
        self._principal = principal

    async def model(self, slug: str) -> ModelBody:
        return bodies.show_model(self._engine.catalogue.find(slug))

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody:
        with self._tray() as tray:
            given = {name: await _as_file(value, tray) for name, value in inputs.items()}
            verb = Submit(model=model, inputs=given, dialect="native")
            return self._body(await self._engine.service.submit(self._principal, verb))

    async def watch(self, id: str) -> AsyncIterator[GenerationBody]:
        generation = await self._engine.store.get(id)
        async for change in self._engine.service.watch(generation):
            if change is not None:
                yield self._body(change)

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
            arrival = await _put_aside(path, tray)
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


class RemoteSession:
    """A server somewhere, over its native API."""

    def __init__(self, client: aiohttp.ClientSession, url: str, key: str) -> None:
        self._client = client
        self._url = url.rstrip("/")
        # Not the client's own header: a result's URL may lead to another host, which the key is not for.
        self._headers = {"authorization": f"Bearer {key}"}

    async def model(self, slug: str) -> ModelBody:
        return await self._ask("GET", f"/v1/models/{slug}", ModelBody)

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody:
        given = {name: await self._as_input(value) for name, value in inputs.items()}
        # With a key of its own: however often it is sent, it is one generation.
        key = {"idempotency-key": new_id()}
        body = {"model": model, "inputs": given}
        for _ in range(SUBMIT_TRIES - 1):
            with suppress(aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, TimeoutError):
                return await self._ask("POST", "/v1/generations", GenerationBody, body, key)
        return await self._ask("POST", "/v1/generations", GenerationBody, body, key)

    async def watch(self, id: str) -> AsyncIterator[GenerationBody]:
        generation = await self.get(id)
        yield generation
        while generation.status not in (Status.COMPLETED, Status.FAILED, Status.CANCELED):
            generation = await self._ask("GET", f"/v1/generations/{id}?wait_s=2", GenerationBody)
            yield generation

    async def get(self, id: str) -> GenerationBody:
        return await self._ask("GET", f"/v1/generations/{id}", GenerationBody)

    async def cancel(self, id: str) -> GenerationBody:
        return await self._ask("POST", f"/v1/generations/{id}/cancel", GenerationBody)

    async def list(self, *, limit: int, status: str | None) -> "list[GenerationBody]":
        query = f"?limit={limit}" + (f"&status={status}" if status else "")
        return (await self._ask("GET", f"/v1/generations{query}", bodies.GenerationList)).items

    async def save(self, url: str, target: Path) -> None:
        async with self._client.get(url) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                async for chunk in answer.content.iter_chunked(256 * 1024):
                    file.write(chunk)

    async def upload(self, path: Path, *, name: str, expires_after_s: int | None) -> AssetBody:
        query = {"name": name} | ({} if expires_after_s is None else {"expires_after_s": str(expires_after_s)})
        with _reading(path) as file:
            return await self._ask("POST", f"/v1/assets?{urlencode(query)}", AssetBody, data=file)

    async def assets(self, *, limit: int) -> Sequence[AssetBody]:
        return (await self._ask("GET", f"/v1/assets?limit={limit}", AssetList)).items

    async def delete_asset(self, id: str) -> None:
        await self._send("DELETE", f"/v1/assets/{id}")

    async def _as_input(self, value: Any) -> Any:
        """A file becomes a data URI where it is small, an asset's id otherwise."""
        if isinstance(value, list):
            return [await self._as_input(item) for item in value]
        if not isinstance(value, Path):
            return value
        with _reading(value) as file:
            content = file.read(INLINE_LIMIT_BYTES + 1)
        if len(content) > INLINE_LIMIT_BYTES:
            return (await self.upload(value, name=value.name, expires_after_s=INPUT_LIFE_S)).id
        media_type = sniff(content[:64]) or "application/octet-stream"
        return f"data:{media_type};base64,{base64.b64encode(content).decode()}"

    async def available(self) -> int | float:
        return (await self._ask("GET", "/v1/account", bodies.AccountBody)).available

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[Body],
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        data: BinaryIO | None = None,
    ) -> Body:
        return msgspec.json.decode(await self._send(method, path, body, headers, data), type=kind)

    async def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        data: BinaryIO | None = None,
    ) -> bytes:
        # A large file may take as long as its bytes move.
        timeout = self._client.timeout if data is None else aiohttp.ClientTimeout(total=None, sock_read=300)
        sent = {**self._headers, **(headers or {})}
        url = self._url + path
        try:
            async with self._client.request(method, url, json=body, data=data, headers=sent, timeout=timeout) as answer:
                content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise Refused(f"no server answers at {self._url}: {error.os_error.strerror}") from None
        if answer.status >= 400:
            raise Refused(_refusal(content, answer.status))
        return content


def _refusal(content: bytes, status: int) -> str:
    try:
        return str(msgspec.json.decode(content)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the server answered {status}"


@asynccontextmanager
async def open_session(settings: Settings, *, account: str, works: bool) -> AsyncIterator[Session]:
    """`works` says that what is submitted should be carried out here, unless a server does it already."""
    if settings.url:
        async with aiohttp.ClientSession() as client:
            yield RemoteSession(client, settings.url, settings.key)
        return
    engine = Engine(settings)
    is_worker = works
    if works:
        try:
            engine.claim("the command line")
        except FolderInUse:
            is_worker = False  # the server there will see what we store and carry it out
    await engine.open()
    try:
        await (engine.work() if is_worker else engine.follow())
        await engine.welcome()
        yield LocalSession(engine, await _principal(engine, account))
    finally:
        await engine.close()


def _reference(id: str) -> Reference:
    """A generation's number where it is one, its id otherwise."""
    return int(id) if id.isascii() and id.isdigit() and len(id) <= 18 else id


async def _principal(engine: Engine, account: str) -> Principal:
    try:
        return await engine.principal(account)
    except NotFound:
        names = ", ".join(found.name for found in await engine.store.accounts())
        raise InvalidInput.of("--account", f"there is no account '{account}'; there are {names}") from None


async def _as_file(value: Any, tray: Tray) -> Any:
    """A path becomes the file's bytes; everything else is the value itself."""
    if isinstance(value, list):
        return [await _as_file(item, tray) for item in value]
    return await _put_aside(value, tray) if isinstance(value, Path) else value


async def _put_aside(path: Path, tray: Tray) -> Arrival:
    """A copy, as what is stored is moved to where it stays."""
    spool = tray.add()
    with _reading(path) as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            await spool.write(piece)
    return await spool.close(name=path.name)


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput.of(str(path), f"cannot be read: {error.strerror}") from None
    with file:
        yield file
