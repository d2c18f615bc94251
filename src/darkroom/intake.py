"""Input media: a caller's file, data URI, URL or earlier generation becomes a stored asset, then a local file.

At submit everything that can be told without the network is checked, and bytes that came along are stored. URLs are
fetched by the worker, once: a later attempt finds the copy.
"""

from collections.abc import Iterator, Mapping, Set
from copy import deepcopy
from pathlib import Path
from typing import Any

from darkroom.asset import ASSET, MEDIA_TYPES
from darkroom.assets.link import Links
from darkroom.catalogue import Model
from darkroom.catalogue.media import MediaInput
from darkroom.clock import Clock
from darkroom.errors import InputUnusable, InvalidInput, NotFound, Problem
from darkroom.generation import Generation, Status
from darkroom.guarded import GuardedClient, Limits, Refused
from darkroom.media_type import kind_of, parse_data_uri, sniff
from darkroom.ports import Assets, Store
from darkroom.wire import FormFile

GENERATION = "generation:"
LIMITS = Limits(size_bytes=100 * 1024 * 1024, seconds=30)
ENDINGS = {media_type: ending for ending, media_type in reversed(MEDIA_TYPES.items())}


class Admission:
    """The media of one submit: what to store before the generation is, and what to delete if it never is."""

    def __init__(self, generation_id: str) -> None:
        self.generation_id = generation_id
        self.blobs: dict[str, bytes] = {}

    def take(self, content: bytes) -> str:
        key = f"inputs/{self.generation_id}/given-{len(self.blobs) + 1}"
        self.blobs[key] = content
        return ASSET + key


class Intake:
    def __init__(self, *, store: Store, assets: Assets, client: GuardedClient, links: Links, clock: Clock) -> None:
        self._store = store
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
        problems = _strays(inputs, {medium.source for medium in media})
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
            if source.removeprefix(ASSET) not in admission.blobs:
                raise ValueError("must be an http(s) URL or a data URI")
            _check_kind(admission.blobs[source.removeprefix(ASSET)][:64], medium)
            return source
        if source.startswith(GENERATION):
            await self._result_of(account_id, source.removeprefix(GENERATION))
            return source
        if source.startswith("data:"):
            content = parse_data_uri(source, LIMITS.size_bytes)
            _check_kind(content[:64], medium)
            return admission.take(content)
        own = self._links.key_of(source, now=self._clock.now())
        if own is not None:
            await self._size(own)
            return ASSET + own
        self._client.check(source)
        return source

    async def store(self, admission: Admission) -> None:
        for key, content in admission.blobs.items():
            await self._assets.put(key, content)

    async def withdraw(self, admission: Admission) -> None:
        await self._assets.delete(list(admission.blobs))

    async def collect(self, generation: Generation, model: Model, folder: Path) -> Mapping[str, tuple[Path, ...]]:
        """Every input medium as a local file, by field; raises `InputUnusable`."""
        collected = {}
        for index, medium in enumerate(model.media_fields(generation.inputs), 1):
            target = folder / f"input-{index}"
            try:
                await self._fetch(generation, medium, f"inputs/{generation.id}/fetched-{index}", target)
                with target.open("rb") as file:
                    media_type = _check_kind(file.read(64), medium)
            except (Refused, ValueError, NotFound) as error:
                raise InputUnusable(f"{medium.field}: {error}") from None
            named = target.with_suffix(f".{ENDINGS.get(media_type, media_type.rsplit('/', 1)[-1])}")
            target.rename(named)
            collected[medium.field] = (named,)
        return collected

    async def _fetch(self, generation: Generation, medium: MediaInput, key: str, target: Path) -> None:
        if medium.source.startswith(ASSET):
            await self._assets.fetch(medium.source.removeprefix(ASSET), target)
        elif medium.source.startswith(GENERATION):
            result = await self._result_of(generation.account_id, medium.source.removeprefix(GENERATION))
            await self._assets.fetch(result, target)
        else:
            try:
                await self._assets.fetch(key, target)
            except NotFound:
                await self._client.download(medium.source, target, LIMITS)
                await self._assets.put(key, target)

    async def _result_of(self, account_id: str, generation_id: str) -> str:
        try:
            earlier = await self._store.get(generation_id)
        except NotFound:
            earlier = None
        if earlier is None or earlier.account_id != account_id or earlier.is_hidden:
            raise ValueError(f"there is no generation '{generation_id}'")
        if earlier.status is not Status.COMPLETED or not earlier.outputs:
            raise ValueError(f"the generation '{generation_id}' is {earlier.status}; only a completed one can be used")
        return earlier.outputs[0].key

    async def _size(self, key: str) -> int:
        try:
            return await self._assets.size(key)
        except NotFound:
            raise ValueError("this result is no longer stored here") from None


def _plant(value: Any, admission: Admission) -> Any:
    if isinstance(value, FormFile):
        return admission.take(value.content)
    if isinstance(value, list):
        # A form is flat: no deeper, as what a caller nests may be deeper than Python's stack.
        return [admission.take(item.content) if isinstance(item, FormFile) else item for item in value]
    return value


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
    # An earlier video may stand where a picture is asked for: its frame is used.
    if kind_of(media_type) != medium.kind and not medium.source.startswith(GENERATION):
        raise ValueError(f"must be {_article(medium.kind)}, and is {media_type}")
    return media_type


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
