"""One real call to an upstream, told exchange by exchange, with secrets blanked: how a manifest is brought to work."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from rich.text import Text

from darkroom.brief import Brief
from darkroom.catalogue import Catalogue, Model
from darkroom.catalogue.model import Route
from darkroom.cli import show
from darkroom.clock import SystemClock
from darkroom.errors import InvalidInput, ProviderUnavailable
from darkroom.guarded import GuardedClient
from darkroom.ids import new_id
from darkroom.ports import Output, Pending, Work
from darkroom.providers.client import Exchange, FilePart, Request
from darkroom.providers.configured import make
from darkroom.providers.credentials import BLANK
from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.provider import ManifestProvider
from darkroom.routing import lack

LONGEST_TEXT = 120
"""Of a text in a body: a picture in base64 would bury the rest."""

SIGNING = ("authorization", "x-api-key", "x-key", "xi-api-key", "x-goog-api-key")

Blank = Callable[[str], str]


async def attempt(
    manifest: Manifest,
    catalogue: Catalogue,
    *,
    model: str,
    inputs: Mapping[str, Any],
    image: Path | None,
    folder: Path,
    is_dry: bool,
    limit_s: float,
) -> Output | None:
    """Raises `Failure` for what the upstream says, `InvalidInput` for what the model does not take."""
    guarded = GuardedClient(allow_loopback=True)
    provider: ManifestProvider | None = None

    def blank(text: str) -> str:
        for credential in provider.credentials.values() if provider is not None else ():
            text = credential.blank(text)
        return text

    provider = make(manifest, guarded=guarded, clock=SystemClock(), watch=lambda exchange: tell(exchange, blank))
    try:
        await guarded.open()
        await provider.open()
        work = _work(provider, catalogue.find(model), inputs, image, folder)
        if is_dry:
            _request(await provider.rehearse(work), blank)
            return None
        async with asyncio.timeout(limit_s):
            return await _carry_out(provider, work, blank)
    finally:
        await provider.close()
        await guarded.close()


async def _carry_out(provider: ManifestProvider, work: Work, blank: Blank) -> Output:
    started = await provider.start(work)
    if isinstance(started, Output):
        return started
    show.console.print(Text("took it:", "bold"), blank(started.ref))
    misses = 0
    while True:
        try:
            state = await provider.poll(work, started, lambda progress: None)
        except ProviderUnavailable as error:
            misses += 1
            show.console.print(Text(f"asked in vain ({misses}): {error}", "yellow"))
            state = Pending(after_s=error.retry_after_s)
        if isinstance(state, Output):
            return state
        if state.word:
            show.console.print(Text(f"the status '{state.word}' is not in the manifest's poll.statuses", "yellow"))
        await asyncio.sleep(provider.pace.interval_s if state.after_s is None else state.after_s)


def _work(
    provider: ManifestProvider, model: Model, inputs: Mapping[str, Any], image: Path | None, folder: Path
) -> Work:
    given = dict(inputs)
    media: dict[str, tuple[Path, ...]] = {}
    if image is not None:
        field = next((name for name, role in model.roles.items() if role == "image"), None)
        if field is None:
            raise InvalidInput.of("image", f"the model '{model.slug}' takes no picture")
        # The schema asks for a link; the file itself is what is used.
        given[field] = "https://example.com/picture"
        media[field] = (image,)
    accepted = model.accept(given)
    folder.mkdir(parents=True, exist_ok=True)
    words = model.words(accepted)
    brief = model.brief(accepted, media, words)
    route = _route(provider.name, model, brief, words)
    return Work(
        reference=new_id(),
        attempt=1,
        upstream=model.slug if route is None else route.upstream,
        inputs=accepted,
        brief=replace(brief, media={role: paths for role, paths in brief.media.items() if paths}),
        expected_wait_s=model.expected_wait_s,
        scratch=folder,
        address=provider.address(),
        words=words,
        media=media,
    )


def _route(name: str, model: Model, brief: Brief, words: Mapping[str, object]) -> Route | None:
    """The door that these inputs would go to; None, and a word about it, where there is none."""
    routes = [route for route in model.routes if route.provider == name]
    lacks = [lack(route.reach, brief, words) for route in routes]
    for route, missing in zip(routes, lacks, strict=True):
        if not missing:
            return route
    if routes:
        raise InvalidInput.of("model", f"'{name}' does not take these inputs for '{model.slug}': {lacks[0]}")
    about = f"'{name}' has no route for '{model.slug}': our own name for it is sent"
    show.console.print(Text(about, "yellow"), soft_wrap=True)
    return None


def tell(exchange: Exchange, blank: Blank) -> None:
    _request(exchange.request, blank)
    if exchange.file is not None:
        show.console.print(Text(f"< a file of {exchange.file.size_bytes} bytes {exchange.file.media_type}", "green"))
        return
    if exchange.answer is None:
        show.console.print(Text(f"< {exchange.trouble}", "red"))
        return
    answer = exchange.answer
    show.console.print(Text(f"< {answer.status}", "green" if answer.is_fine else "red"))
    for name in ("content-type", "retry-after", "location"):
        if name in answer.headers:
            show.console.print(Text(f"< {name}: {blank(answer.headers[name])}", "dim"))
    if answer.value is not None:
        show.console.print(_json(answer.value, blank))
    elif answer.body:
        show.console.print(Text(f"  {len(answer.body)} bytes", "dim"))


def _request(request: Request, blank: Blank) -> None:
    show.console.print()
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    show.console.print(Text(blank(f"> {request.method} {request.url}{'?' if query else ''}{query}"), "bold cyan"))
    for name, value in request.headers.items():
        told = BLANK if name.lower() in SIGNING else blank(value)
        show.console.print(Text(f"> {name}: {told}", "dim"))
    if request.body is not None:
        show.console.print(_json(request.body, blank))
    for name, value in (request.form or {}).items():
        is_file = isinstance(value, FilePart)
        told = f"the file {value.path.name}, {value.media_type}" if is_file else _json(value, blank)
        show.console.print(f"  {name} = {told}")


def _json(value: Any, blank: Blank) -> str:
    return msgspec.json.format(msgspec.json.encode(_short(value, blank)), indent=2).decode()


def _short(value: Any, blank: Blank) -> Any:
    """Each text blanked before it is cut: half a secret is one still."""
    if isinstance(value, dict):
        return {blank(key): _short(item, blank) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item, blank) for item in value]
    if isinstance(value, FilePart):
        return f"the file {value.path.name}, {value.media_type}"
    if not isinstance(value, str):
        return value
    told = blank(value)
    return f"{told[:LONGEST_TEXT]}... ({len(value)} letters)" if len(told) > LONGEST_TEXT else told
