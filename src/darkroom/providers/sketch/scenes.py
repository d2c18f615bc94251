"""From a reading to a scene: each place is one small function that puts a backdrop and its layers together."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from darkroom.providers.sketch.air import bubbles, falling
from darkroom.providers.sketch.blossom import bokeh, flower
from darkroom.providers.sketch.cosmos import nebula, planet
from darkroom.providers.sketch.creatures import cat, jellyfish
from darkroom.providers.sketch.fields import BLACK, WHITE, Colour, mix
from darkroom.providers.sketch.figures import portrait
from darkroom.providers.sketch.flows import flames, silk
from darkroom.providers.sketch.grounds import dunes, ranges, woods
from darkroom.providers.sketch.skies import aurora, sky, stars
from darkroom.providers.sketch.stage import LIGHT, Layer, Scene, Stage
from darkroom.providers.sketch.town import mirrored, skylines, traffic
from darkroom.providers.sketch.water import sea, underwater

NORTHERN: tuple[Colour, Colour, Colour] = ((0.35, 1.0, 0.62), (0.20, 0.75, 0.85), (0.62, 0.25, 0.85))


def scene(stage: Stage) -> Scene:
    built = PLACES[stage.reading.place](stage)
    built.layers.extend(falling(stage, _weather(stage)))
    return built


def _weather(stage: Stage) -> str:
    """What the prompt names, else what the place has of its own accord."""
    usual = {"fire": "embers", "mountains": "", "flower": "petals", "sea": "birds"}
    indoors = stage.reading.place in ("underwater", "space")
    return "" if indoors else stage.reading.falling or usual.get(stage.reading.place, "")


def _lamp(stage: Stage, low: float, high: float) -> tuple[float, float]:
    return float(stage.rng.uniform(-0.28, 0.28)) * stage.aspect, float(stage.rng.uniform(low, high))


def _over_stars(stage: Stage, horizon: float, layers: list[Layer]) -> list[Layer]:
    return [stars(stage, horizon=horizon), *layers] if stage.light.stars else layers


def _city(stage: Stage) -> Scene:
    shore = 0.80
    backdrop = sky(
        stage,
        horizon=shore,
        lamp=_lamp(stage, 0.22, 0.46),
        size=0.12 if stage.reading.light == "neon" else 0.06,
        clouds=0.5,
    )
    layers = _over_stars(
        stage, 0.6, [*skylines(stage, count=3, foot=shore), mirrored(stage, line=shore), traffic(stage, line=shore)]
    )
    return Scene(backdrop, layers)


def _sea(stage: Stage) -> Scene:
    line = 0.52
    lamp = _lamp(stage, 0.36, 0.46) if stage.reading.light in ("sunset", "dawn", "neon") else _lamp(stage, 0.14, 0.3)
    backdrop = sea(stage, sky(stage, horizon=line, lamp=lamp, size=0.055), line=line, lamp=lamp)
    return Scene(backdrop, _over_stars(stage, line * 0.85, []))


def _underwater(stage: Stage) -> Scene:
    return Scene(jellyfish(stage, underwater(stage)), [bubbles(stage)])


def _forest(stage: Stage) -> Scene:
    backdrop = sky(stage, horizon=0.9, lamp=_lamp(stage, 0.2, 0.4), size=0.05, clouds=0.35)
    return Scene(backdrop, _over_stars(stage, 0.5, woods(stage, count=5, top=0.52)))


def _flower(stage: Stage) -> Scene:
    greens: list[Colour] = [(0.52, 0.66, 0.34), (0.22, 0.42, 0.22), (0.05, 0.15, 0.11)]
    return Scene(flower(stage, bokeh(stage, [mix(g, stage.light.middle, 0.25) for g in greens])))


def _space(stage: Stage) -> Scene:
    side = 1 if stage.reading.seed & 2 else -1
    at = (side * 0.20 * stage.aspect, 0.54)
    # Whatever the hour of the prompt is: out there it is night.
    night = replace(stage, light=LIGHT["night"].tinted(stage.reading.tints))
    backdrop = planet(night, nebula(night), at, min(0.27, 0.27 * stage.aspect))
    return Scene(backdrop, [stars(night, horizon=1.0, density=1.6)])


def _fire(stage: Stage) -> Scene:
    return Scene(flames(stage))


def _mountains(stage: Stage) -> Scene:
    backdrop = sky(stage, horizon=0.72, lamp=_lamp(stage, 0.16, 0.36), size=0.05, clouds=0.55)
    if stage.light.stars:
        backdrop = aurora(stage, backdrop, NORTHERN)
    snowy = stage.reading.falling == "snow" or stage.reading.light in ("day", "night", "dawn")
    layers = ranges(stage, count=4, top=0.52, bottom=0.94, grain=0.6, snow=snowy)
    return Scene(backdrop, _over_stars(stage, 0.5, layers))


def _desert(stage: Stage) -> Scene:
    backdrop = sky(stage, horizon=0.62, lamp=_lamp(stage, 0.2, 0.42), size=0.075, clouds=0.3)
    return Scene(backdrop, _over_stars(stage, 0.5, dunes(stage, count=5, top=0.54)))


def _portrait(stage: Stage) -> Scene:
    colours = [mix(stage.light.middle, WHITE, 0.1), stage.light.zenith, mix(stage.light.zenith, BLACK, 0.45)]
    return Scene(portrait(stage, bokeh(stage, colours)))


def _cat(stage: Stage) -> Scene:
    side = 1 if stage.reading.seed & 1 else -1
    lamp = (side * 0.02 * stage.aspect, 0.40)
    backdrop = sky(stage, horizon=0.95, lamp=lamp, size=min(0.34, 0.34 * stage.aspect), clouds=0.4)
    return Scene(
        backdrop, _over_stars(stage, 0.7, [*skylines(stage, count=3, foot=1.05)[:1], cat(stage, (lamp[0], 0.90))])
    )


def _silk(stage: Stage) -> Scene:
    return Scene(silk(stage))


PLACES: Mapping[str, Callable[[Stage], Scene]] = {
    "city": _city,
    "sea": _sea,
    "underwater": _underwater,
    "forest": _forest,
    "flower": _flower,
    "space": _space,
    "fire": _fire,
    "mountains": _mountains,
    "desert": _desert,
    "portrait": _portrait,
    "cat": _cat,
    "silk": _silk,
}
