"""How things look in a terminal."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from darkroom.catalogue import Model
from darkroom.credits import show
from darkroom.dialects.native_bodies import GenerationBody
from darkroom.ledger import Entry

# What goes into a pipe is read by programs: it is not folded at a terminal's 80 columns. Prompts, names and paths hold
# square brackets, which must stay what they are: styles are given as `Text`.
console = Console(markup=False, width=None if sys.stdout.isatty() else 200)
errors = Console(markup=False, width=None if sys.stderr.isatty() else 200, stderr=True)

COLOURS = {"completed": "green", "failed": "red", "canceled": "yellow", "running": "cyan", "queued": "blue"}


def band(model: Model) -> str:
    least, most = model.price_band
    return show(least) if least == most else f"{show(least)}-{show(most)}"


def models(found: Iterable[Model]) -> None:
    table = Table("model", "name", "maker", "makes", "credits", "usual wait", box=None, header_style="bold")
    for model in found:
        low, high = model.expected_wait_s
        table.add_row(model.slug, model.name, model.maker, model.modality, band(model), f"{low}-{high} s")
    console.print(table)


def model(found: Model) -> None:
    console.print(Text(found.slug, "bold"), f" {found.name}, by {found.maker}")
    console.print(found.description)
    console.print(f"does     {', '.join(found.tasks)}")
    console.print(f"costs    {band(found)} credits ({found.price.kind.replace('_', ' ')})")
    console.print(f"takes    {found.expected_wait_s[0]}-{found.expected_wait_s[1]} s with the real provider")
    for dialect, names in found.names.items():
        console.print(f"known as {', '.join(names)} in {dialect}")
    table = Table("input", "type", "allowed", "default", "what it is", box=None, header_style="bold")
    properties = found.schema["properties"]
    assert isinstance(properties, dict)
    required = found.schema.get("required", [])
    assert isinstance(required, Sequence)
    for name, field in properties.items():
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        default = "required" if name in required else str(field.get("default", ""))
        table.add_row(name, " or ".join(kinds), _allowed(field), default, field.get("description", ""))
    console.print()
    console.print(table)


def _allowed(field: dict[str, object]) -> str:
    choices = field.get("enum")
    if isinstance(choices, list):
        return ", ".join(str(choice) for choice in choices if choice is not None)
    parts = [
        f"{word} {field[name]}"
        for name, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to"), ("maxItems", "up to"))
        if name in field
    ]
    return " ".join(parts)


def generation(found: GenerationBody) -> None:
    console.print(Text(found.id, "bold"), "", Text(found.status, COLOURS[found.status]), "", found.model)
    console.print(f"spent {found.spent} of {found.quote} credits held")
    if found.error is not None:
        console.print(Text(f"{found.error.code}:", "red"), found.error.message)
    for output in found.outputs:
        console.print(_measures(output.media_type, output.width, output.height, output.duration_s))
        console.print(output.url, soft_wrap=True)


def _measures(media_type: str, width: int | None, height: int | None, duration_s: float | None) -> str:
    parts = [media_type]
    if width and height:
        parts.append(f"{width}x{height}")
    if duration_s:
        parts.append(f"{duration_s:g} s")
    return ", ".join(parts)


def generations(found: Iterable[GenerationBody]) -> None:
    table = Table(box=None, header_style="bold")
    for name in ("id", "status", "model", "spent", "submitted"):
        table.add_column(name, no_wrap=True)
    table.add_column("prompt", no_wrap=True, overflow="ellipsis")
    for item in found:
        prompt = str(item.inputs.get("prompt", ""))
        shown = prompt if len(prompt) <= 48 else prompt[:47] + "…"
        status = Text(item.status, COLOURS[item.status])
        table.add_row(item.id, status, item.model, str(item.spent), f"{item.created_at:%Y-%m-%d %H:%M:%S}", shown)
    console.print(table)


def entries(found: Iterable[Entry]) -> None:
    table = Table("entry", "at", "kind", "purse", "credits", "generation", "note", box=None, header_style="bold")
    for entry in found:
        at = f"{entry.at:%Y-%m-%d %H:%M:%S}" if entry.at else ""
        generation_id = entry.generation_id or ""
        table.add_row(str(entry.sequence), at, entry.kind, entry.purse, show(entry.amount), generation_id, entry.note)
    console.print(table)
