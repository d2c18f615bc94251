"""What the renderer hands back for each finished file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One finished file. Pixels and seconds are read back from it with a decoder."""

    path: Path
    media_type: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    thumbnail: Path | None = None
