"""Input media: a caller's file, data URI, asset, URL or earlier generation becomes stored bytes, then a local file.

At submit everything that can be told without the network is checked, and bytes that came along are stored. URLs are
fetched by the worker, once: a later attempt finds the copy.
"""

import hashlib
from collections.abc import Iterator, Mapping, Set
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from darkroom.asset import ASSET, ENDINGS, Arrival
from darkroom.assets.link import Links
from darkroom.catalogue import Model
from darkroom.catalogue.media import MediaInput
from darkroom.clock import Clock
from darkroom.errors import InputUnusable, InvalidInput, NotFound, Problem
from darkroom.generation import Generation, Status
from darkroom.guarded import GuardedClient, Limits, Refused
from darkroom.media_type import kind_of, parse_data_uri, sniff
from darkroom.owned import ASSET_ID, Allowance, Content, GenerationHolder
from darkroom.ports import Assets, NewGeneration, Store, Work
from darkroom.shelf import Shelf

GENERATION = "generation:"
ASSET_BYTES = ASSET.encode()
LIMITS = Limits(size_bytes=100 * 1024 * 1024, seconds=30)


class Admission:
    """The media of one submit: what came along, and which fields it is for. `fields` has an arrival or an asset's id
    for each path among the inputs."""

    def __init__(self, generation_id: str) -> None:
        self.generation_id = generation_id
        self.arrivals: dict[str, Arrival] = {}
        self.fields: dict[str, Arrival | str] = {}

    def take(self, arrival: Arrival) -> str:
        """What stands for it among the inputs until it is stored."""
        placeholder = f"{ASSET}given-{len(self.arrivals) + 1}"
        self.arrivals[placeholder] = arrival
        return placeholder

    @property
    def has_media(self) -> bool:
        return bool(self.fields)


@dataclass(frozen=True, slots=True)
class Collected:
    """Input media as local files, by field; and the keys of the assets that they are copies of, by file."""

    files: Mapping[str, tuple[Path, ...]]
    keys: Mapping[Path, str]


class Intake:
    def __init__(
        self, *, store: Store, assets: Assets, shelf: Shelf, client: GuardedClient, links: Links, clock: Clock
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._assets = assets
        self._client = client
        self._links = links
        self._clock = clock

    def plant(self, inputs: Mapping[str, Any], admission: Admission) -> dict[str, Any]:
        """The inputs with every file of a form put aside, and its key in its place."""
        return {name: _plant(value, admission) for name, value in inputs.items()}

    async def admit(
        self, account_id: str, model: Model, inputs: dict[str, Any], admission: Admission
    ) -> dict[str, Any]:
        """Accepted inputs with data URIs and our own URLs turned into assets; raises `InvalidInput`."""
        media = model.media_fields(inputs)
        # Nearly no inputs hold a key of ours: then there is nothing to walk through.
        may_stray = ASSET_BYTES in msgspec.json.encode(inputs)
        problems = _strays(inputs, {medium.source for medium in media}) if may_stray else []
        admitted = inputs
        for medium in media:
            try:
                source = await self._admit(account_id, medium, admission)
            except (Refused, ValueError) as error:
                problems.append(Problem(medium.field, str(error)))
                continue
            if source != medium.source:
                admitted = deepcopy(inputs) if admitted is inputs else admitted
                _replace(admitted, medium.field, source)
        if problems:
            raise InvalidInput(*problems)
        return admitted

    async def _admit(self, account_id: str, medium: MediaInput, admission: Admission) -> str:
        source = medium.source
        if source.startswith(ASSET):
            if source not in admission.arrivals:
                raise ValueError("must be an http(s) URL, a data URI or the id of an asset")
            _check_kind(admission.arrivals[source].head, medium)
            admission.fields[medium.field] = admission.arrivals[source]
            return source
        if source.startswith(ASSET_ID):
            _check_media_type(await self._media_type_of(account_id, source), medium)
            admission.fields[medium.field] = source
            return source
        if source.startswith(GENERATION):
            await self._result_of(account_id, source.removeprefix(GENERATION))
            return source
        if source.startswith("data:"):
            content = parse_data_uri(source, LIMITS.size_bytes)
            _check_kind(content[:64], medium)
            arrival = _arrival(content)
            admission.fields[medium.field] = arrival
            return admission.take(arrival)
        own = self._links.key_of(source, now=self._clock.now())
        if own is not None:
            await self._size(own)
            return ASSET + own
        self._client.check(source)
        return source

    async def store(self, admission: Admission, new: NewGeneration, allowance: Allowance) -> dict[str, Any]:
        """Let the generation hold its media before it is stored itself; returns its inputs with their keys. Raises
        `StorageFull`, and `InvalidInput` for an asset that has been deleted just now."""
        inputs = deepcopy(dict(new.inputs))
        holder = GenerationHolder(id=new.id)
        kept: dict[int, Content] = {}
        for field, given in admission.fields.items():
            if isinstance(given, str):
                try:
                    content = await self._store.claim(new.account_id, given, new.id, now=self._clock.now())
                except NotFound as error:
                    raise InvalidInput.of(field, str(error)) from None
            elif id(given) in kept:
                content = kept[id(given)]
            else:
                content = kept[id(given)] = await self._shelf.hold(new.account_id, given, holder, allowance)
            _replace(inputs, field, ASSET + content.key)
        return inputs

    async def withdraw(self, admission: Admission) -> None:
        """What was held for a generation that is not stored after all."""
        if not admission.has_media:
            return
        await self._store.let_go([admission.generation_id])
        await self._shelf.delete_doomed()

    async def collect(self, generation: Generation, model: Model, work: Work) -> Collected:
        """Every input medium as a local file; raises `InputUnusable`."""
        files: dict[str, tuple[Path, ...]] = {}
        keys = {}
        for index, medium in enumerate(model.media_fields(generation.inputs), 1):
            target = work.folder / f"input-{index}"
            try:
                key = await self._fetch(generation, medium, f"inputs/{generation.id}/fetched-{index}", target)
                with target.open("rb") as file:
                    media_type = _check_kind(file.read(64), medium)
            except (Refused, ValueError, NotFound) as error:
                raise InputUnusable(f"{medium.field}: {error}") from None
            named = target.with_suffix(f".{ENDINGS.get(media_type, media_type.rsplit('/', 1)[-1])}")
            target.rename(named)
            files[medium.field] = (named,)
            keys[named] = key
        return Collected(files, keys)

    async def _fetch(self, generation: Generation, medium: MediaInput, copy: str, target: Path) -> str:
        """Into a local file; returns the key of the asset. `copy` is that of a URL's bytes, which are fetched once."""
        if medium.source.startswith(ASSET):
            key = medium.source.removeprefix(ASSET)
        elif medium.source.startswith(GENERATION):
            key = await self._result_of(generation.account_id, medium.source.removeprefix(GENERATION))
        else:
            try:
                await self._assets.fetch(copy, target)
            except NotFound:
                await self._client.download(medium.source, target, LIMITS)
                await self._assets.put(copy, target)
            return copy
        await self._assets.fetch(key, target)
        return key

    async def _result_of(self, account_id: str, generation_id: str) -> str:
        try:
            earlier = await self._store.get(generation_id)
        except NotFound:
            earlier = None
        if (
            earlier is None
            or earlier.account_id != account_id
            or earlier.is_hidden
            or self._is_past(earlier.expires_at)
        ):
            raise ValueError(f"there is no generation '{generation_id}'")
        if earlier.status is not Status.COMPLETED or not earlier.outputs:
            raise ValueError(f"the generation '{generation_id}' is {earlier.status}; only a completed one can be used")
        return earlier.outputs[0].key

    async def _media_type_of(self, account_id: str, asset_id: str) -> str:
        try:
            owned = await self._store.owned_asset(asset_id)
        except NotFound:
            owned = None
        if owned is None or owned.account_id != account_id:
            raise ValueError(f"there is no asset '{asset_id[:64]}'")
        is_past = self._is_past(owned.expires_at)
        if owned.ended_at is not None or is_past:
            raise ValueError(f"the asset '{asset_id}' {'expired' if is_past else 'was deleted'}")
        return owned.asset.media_type

    def _is_past(self, expires_at: datetime | None) -> bool:
        return expires_at is not None and expires_at <= self._clock.now()

    async def _size(self, key: str) -> int:
        try:
            return await self._assets.size(key)
        except NotFound:
            raise ValueError("this result is no longer stored here") from None


def _plant(value: Any, admission: Admission) -> Any:
    if isinstance(value, Arrival):
        return admission.take(value)
    if isinstance(value, list):
        # A form is flat: no deeper, as what a caller nests may be deeper than Python's stack.
        return [admission.take(item) if isinstance(item, Arrival) else item for item in value]
    return value


def _arrival(content: bytes) -> Arrival:
    digest = hashlib.sha256(content).hexdigest()
    return Arrival(source=content, size_bytes=len(content), sha256=digest, head=content[:64])


def _strays(inputs: Mapping[str, Any], sources: Set[str]) -> list[Problem]:
    """Files in fields that take none. A caller that writes a key of ours as a text would be shown a link to the bytes
    behind it, whoever they belong to: it is refused here too."""
    return [
        Problem(name, "takes no file")
        for name, value in inputs.items()
        if any(text.startswith(ASSET) and text not in sources for text in _texts(value))
    ]


def _texts(value: Any) -> Iterator[str]:
    # A stack, as what a caller nests may be deeper than Python's.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _replace(inputs: Any, path: str, value: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        inputs = inputs[int(name)] if isinstance(inputs, list) else inputs[name]
    inputs[int(last) if isinstance(inputs, list) else last] = value


def _check_kind(head: bytes, medium: MediaInput) -> str:
    media_type = sniff(head)
    if media_type is None:
        raise ValueError(f"is not {_article(medium.kind)} that can be read here")
    return _check_media_type(media_type, medium)


def _check_media_type(media_type: str, medium: MediaInput) -> str:
    # An earlier video may stand where a picture is asked for: its frame is used.
    if kind_of(media_type) != medium.kind and not medium.source.startswith(GENERATION):
        raise ValueError(f"must be {_article(medium.kind)}, and is {media_type}")
    return media_type


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
