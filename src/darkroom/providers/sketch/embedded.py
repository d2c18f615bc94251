"""The renderer as the settings want it."""

import os

from darkroom.clock import Clock
from darkroom.config import Settings
from darkroom.providers.sketch.pool import RenderPool
from darkroom.providers.sketch.provider import Sketch


def embedded(settings: Settings, clock: Clock) -> Sketch:
    size = settings.render_processes or os.cpu_count() or 1
    return Sketch(
        RenderPool(size),
        clock=clock,
        # Waiting for the typical time costs no process, so paced work may overlap; the pool itself bounds the renders.
        slots=size * 2 if settings.pace == "fast" else 1_000,
        is_paced=settings.pace == "typical",
    )
