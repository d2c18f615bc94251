"""`darkroom generate`: from a prompt to a file on disk, with progress on the way."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from darkroom.cli import show
from darkroom.cli.session import Session
from darkroom.clock import SystemClock
from darkroom.dialects.native_bodies import GenerationBody
from darkroom.dialects.native_waiting import ProgressBody
from darkroom.errors import InvalidInput
from darkroom.generation import Status


def parse_inputs(given: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs; a value is JSON where it can be read so, a text otherwise."""
    inputs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput.of("-i", f"'{pair}' is not name=value, such as duration=10")
        try:
            inputs[name] = json.loads(value)
        except json.JSONDecodeError:
            inputs[name] = value
    return inputs


def image_field(schema: Mapping[str, Any], model: str) -> tuple[str, bool]:
    """Which input takes the picture to start from, and whether it is a list; raises `InvalidInput`."""
    for name, field in schema["properties"].items():
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        is_picture = any(word in name for word in ("image", "frame", "photo", "picture"))
        if is_picture and ("string" in kinds or "array" in kinds):
            return name, "array" in kinds
    raise InvalidInput.of("--image", f"the model '{model}' takes no picture")


async def generate(
    session: Session, *, model: str, inputs: dict[str, Any], image: str | None, output: Path | None, is_json: bool
) -> bool:
    """Returns whether it was completed."""
    described = await session.model(model)
    if image is not None:
        name, is_list = image_field(described.input_schema, model)
        source = image if "://" in image or image.startswith("data:") else Path(image)
        inputs[name] = [source] if is_list else source
    started = time.monotonic()
    generation = await session.submit(model, inputs)
    generation = await follow(session, generation, is_quiet=is_json)
    saved = []
    if generation.status is Status.COMPLETED:
        for target, item in zip(_targets(generation, output), generation.outputs, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            await session.save(item.url, target)
            saved.append(target)
    if is_json:
        print(msgspec.json.encode({**msgspec.to_builtins(generation), "saved": [str(path) for path in saved]}).decode())
    else:
        _report(generation, saved, seconds=time.monotonic() - started, left=await session.available())
    return generation.status is Status.COMPLETED


async def follow(session: Session, generation: GenerationBody, *, is_quiet: bool) -> GenerationBody:
    """To its end, with live progress."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=show.errors, disable=is_quiet, transient=True) as progress:
        bar = progress.add_task(f"{generation.model} {generation.status}", total=1.0)
        async for told in session.watch(generation.id):
            if isinstance(told, GenerationBody):
                generation = told
                progress.update(bar, description=f"{told.model} {told.status}", completed=told.progress or 0.0)
            else:
                about = f"{generation.model} {_where(told)}"
                progress.update(bar, description=about, completed=told.progress or 0.0)
    return generation


def _where(told: ProgressBody) -> str:
    """How far it is, and when it is likely to end."""
    before = f", {told.queue_position} before it" if told.queue_position else ""
    if told.expected_end_at is None:
        return told.stage + before
    left_s = (told.expected_end_at - SystemClock().now()).total_seconds()
    return f"{told.stage}{before}, about {max(left_s, 1):.0f} s left"


def _targets(generation: GenerationBody, output: Path | None) -> list[Path]:
    """Where each result goes: the path asked for (a folder, or a file), or the id in the current folder."""
    endings = [Path(item.url.split("?")[0]).suffix for item in generation.outputs]
    if output is None or output.is_dir():
        folder = output or Path()
        stem = generation.id
        named = [folder / f"{stem}{ending}" for ending in endings]
    else:
        stem = output.stem
        named = [output.with_suffix(output.suffix or ending) for ending in endings]
    if len(named) == 1:
        return named
    return [path.with_name(f"{stem}-{index}{path.suffix}") for index, path in enumerate(named, 1)]


def _report(generation: GenerationBody, saved: Sequence[Path], *, seconds: float, left: int | float) -> None:
    if generation.error is not None:
        reason = f"{generation.error.code}: {generation.error.message}"
        show.errors.print(Text(generation.status, "red"), f"{reason}; nothing was spent")
        return
    for item, path in zip(generation.outputs, saved, strict=True):
        size = f"{item.width}x{item.height}, " if item.width else ""
        length = f"{item.duration_s:g} s, " if item.duration_s else ""
        show.console.print(Text("saved", "green"), f"{path} ({size}{length}{item.size_bytes:,} bytes)", soft_wrap=True)
    show.console.print(f"{generation.model} took {seconds:.1f} s and cost {generation.spent} credits; {left} left")
