"""Where the command line's generations go: a server far away, the one on this data folder, or this very process."""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec

from darkroom.account import Principal
from darkroom.asset import Arrival
from darkroom.config import Settings
from darkroom.credits import in_credits
from darkroom.dialects import native_bodies as bodies
from darkroom.dialects.native_bodies import GenerationBody, ModelBody
from darkroom.errors import DarkroomError, InvalidInput, NotFound
from darkroom.generation import Generation, Status
from darkroom.ids import new_id
from darkroom.lock import FolderInUse
from darkroom.media_type import sniff
from darkroom.verbs import Cancel, List, Reference, Submit
from darkroom.wiring import Engine

Body = TypeVar("Body")

SUBMIT_TRIES = 3

INLINE_LIMIT_BYTES = 700_000
"""A data URI of more than this is over a server's limit for a body."""


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

    async def available(self) -> int | float: ...


class LocalSession:
    """Beside a running server or without one, on the data folder itself."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine = engine
        self._principal = principal

    async def model(self, slug: str) -> ModelBody:
        return bodies.show_model(self._engine.catalogue.find(slug))

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody:
        given = {name: _as_file(value) for name, value in inputs.items()}
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
        given = {name: _as_data_uri(name, value) for name, value in inputs.items()}
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

    async def available(self) -> int | float:
        return (await self._ask("GET", "/v1/account", bodies.AccountBody)).available

    async def _ask(
        self, method: str, path: str, kind: type[Body], body: object = None, headers: Mapping[str, str] | None = None
    ) -> Body:
        sent = {**self._headers, **(headers or {})}
        try:
            async with self._client.request(method, self._url + path, json=body, headers=sent) as answer:
                content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise Refused(f"no server answers at {self._url}: {error.os_error.strerror}") from None
        if answer.status >= 400:
            raise Refused(_refusal(content, answer.status))
        return msgspec.json.decode(content, type=kind)


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


def _as_file(value: Any) -> Any:
    """A path becomes the file's bytes; everything else is the value itself."""
    if not isinstance(value, Path):
        return value
    content = _read(value)
    digest = hashlib.sha256(content).hexdigest()
    return Arrival(source=content, size_bytes=len(content), sha256=digest, head=content[:64], name=value.name)


def _as_data_uri(name: str, value: Any) -> Any:
    if not isinstance(value, Path):
        return value
    content = _read(value)
    if len(content) > INLINE_LIMIT_BYTES:
        raise InvalidInput.of(
            name, f"{value} is larger than {INLINE_LIMIT_BYTES} bytes, the most that is sent along; give a URL"
        )
    return f"data:{sniff(content[:64]) or 'application/octet-stream'};base64,{base64.b64encode(content).decode()}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput.of(str(path), f"cannot be read: {error.strerror}") from None
