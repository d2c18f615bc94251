"""What is in the air: snow, rain, petals, embers, birds. Each is a few small pictures, placed many times."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from darkroom.providers.sketch.fields import WHITE, Colour, mix, singles, smooth, tone
from darkroom.providers.sketch.paint import Canvas, Sprite
from darkroom.providers.sketch.stage import Layer, Stage


def dot(radius: float, colour: Colour, *, core: float = 0.0, strength: float = 1.0) -> Sprite:
    """A soft round light; `core` is the share of it that is white-hot."""
    half = math.ceil(radius * 2)
    axis = np.arange(-half, half + 1, dtype=np.float32)
    distance = singles(np.hypot(axis[:, None], axis[None, :]) / np.float32(radius))
    alpha = np.exp(-distance * distance * 1.4).astype(np.float32) * np.float32(strength)
    rgb = np.broadcast_to(tone(colour), (*alpha.shape, 3)).copy()
    if core:
        rgb += (tone(mix(colour, WHITE, 0.85)) - rgb) * (1 - smooth(core, core * 2, distance))[..., None]
    return Sprite(rgb, alpha)


def drawn(
    outline: list[tuple[float, float]], size: float, colour: Colour, *, turn: float = 0.0, strength: float = 1.0
) -> Sprite:
    """A flat shape from its outline (in -1..1), `size` pixels from middle to edge, with smooth edges."""
    side, finer = max(4, math.ceil(size * 2.4)), 4
    image = Image.new("L", (side * finer, side * finer))
    cosine, sine = math.cos(turn), math.sin(turn)
    points = [
        (
            (x * cosine - y * sine) * size * finer + side * finer / 2,
            (x * sine + y * cosine) * size * finer + side * finer / 2,
        )
        for x, y in outline
    ]
    ImageDraw.Draw(image).polygon(points, fill=255)
    alpha = singles(image.resize((side, side), Image.Resampling.BOX)) / 255 * strength
    return Sprite(np.broadcast_to(tone(colour), (side, side, 3)).copy(), alpha.astype(np.float32))


PETAL = [(math.sin(t) * 0.55 * (1 - 0.3 * math.cos(t)), -math.cos(t)) for t in np.linspace(0, math.tau, 24)]
LEAF = [(math.sin(t) * 0.42 * abs(math.sin(t / 1)) ** 0.3, -math.cos(t)) for t in np.linspace(0, math.tau, 24)]


def falling(stage: Stage, kind: str) -> list[Layer]:
    """The layers for one kind of weather, or none for a word that is not known."""
    makers: dict[str, Callable[[Stage], Layer]] = {
        "snow": _snow, "rain": _rain, "petals": _petals, "leaves": _leaves,
        "embers": _embers, "fireflies": _fireflies, "birds": _birds,
    }  # fmt: skip
    return [makers[kind](stage)] if kind in makers else []


def floating(
    stage: Stage,
    looks: list[list[Sprite]],
    *,
    count: int,
    fall: float,
    sway: float,
    spin: float = 0.0,
    across: float = 0.0,
) -> Layer:
    """Particles that travel down (`fall` heights a second, or up) and swing; a look has phases to spin in."""
    number = round(count * max(0.6, stage.aspect / 1.6))
    places = stage.rng.random((number, 3))
    speeds = stage.rng.uniform(0.6, 1.4, number)

    def paint(canvas: Canvas, second: float) -> None:
        for index, (x, y, phase) in enumerate(places):
            look = looks[index % len(looks)]
            down = (y + stage.pace.turns(fall * speeds[index], second)) % 1.0
            swing = stage.pace.wave(0.22 * speeds[index], second, phase) * sway
            along = (x + stage.pace.turns(across, second)) % 1.0 if across else x
            turned = int((phase + abs(stage.pace.turns(spin, second))) * len(look)) % len(look)
            look[turned].place(canvas, (along + swing) * stage.width, (down * 1.16 - 0.08) * stage.height)

    return paint


def _snow(stage: Stage) -> Layer:
    sizes = (0.0018, 0.0028, 0.0045, 0.008)
    looks = [[dot(max(0.8, stage.height * s), (0.97, 0.98, 1.0), strength=0.92 if s < 0.006 else 0.5)] for s in sizes]
    return floating(stage, looks, count=110, fall=0.11, sway=0.02)


def _rain(stage: Stage) -> Layer:
    streak = [(-0.02, -1.0), (0.02, -1.0), (-0.06, 1.0), (-0.10, 1.0)]
    looks = [[drawn(streak, stage.height * s, (0.86, 0.91, 0.97), strength=0.4)] for s in (0.025, 0.04)]
    return floating(stage, looks, count=130, fall=1.5, sway=0.0)


def _petals(stage: Stage) -> Layer:
    tint = stage.reading.tints[0] if stage.reading.tints else (0.98, 0.70, 0.80)
    return floating(
        stage,
        _turning(stage, PETAL, (tint, mix(tint, WHITE, 0.4)), (0.010, 0.016)),
        count=34,
        fall=0.09,
        sway=0.06,
        spin=0.4,
    )


def _leaves(stage: Stage) -> Layer:
    colours: tuple[Colour, ...] = ((0.90, 0.45, 0.12), (0.80, 0.24, 0.10), (0.93, 0.68, 0.20))
    return floating(stage, _turning(stage, LEAF, colours, (0.011, 0.018)), count=30, fall=0.12, sway=0.07, spin=0.5)


def _turning(
    stage: Stage, outline: list[tuple[float, float]], colours: tuple[Colour, ...], sizes: tuple[float, ...]
) -> list[list[Sprite]]:
    """Every colour and size in twelve phases of tumbling: it turns, and shows its edge twice."""
    looks = []
    for colour in colours:
        for size in sizes:
            phases = []
            for step in range(12):
                turn = math.tau * step / 12
                thin = 0.35 + 0.65 * abs(math.cos(turn))
                phases.append(
                    drawn(
                        [(x * thin, y) for x, y in outline],
                        stage.height * size,
                        mix((0, 0, 0), colour, 0.7 + 0.3 * thin),
                        turn=turn + colour[1],
                    )
                )
            looks.append(phases)
    return looks


def _embers(stage: Stage) -> Layer:
    colours: tuple[Colour, ...] = ((1.0, 0.62, 0.18), (1.0, 0.40, 0.10), (1.0, 0.82, 0.42))
    looks = [[dot(stage.height * s, c, core=0.4)] for c in colours for s in (0.0022, 0.004)]
    return floating(stage, looks, count=70, fall=-0.24, sway=0.035)


def _fireflies(stage: Stage) -> Layer:
    colour = stage.reading.tints[0] if stage.reading.tints else (0.95, 0.95, 0.45)
    looks = [
        [
            dot(stage.height * size, colour, core=0.3, strength=0.1 + 0.9 * abs(math.sin(math.pi * p / 10)) ** 1.5)
            for p in range(10)
        ]
        for size in (0.005, 0.008, 0.012)
    ]
    return floating(stage, looks, count=34, fall=-0.02, sway=0.05, spin=0.35)


def bubbles(stage: Stage) -> Layer:
    looks = []
    for size in (0.004, 0.007, 0.012):
        axis = np.linspace(-1.2, 1.2, max(7, round(stage.height * size * 2.4)), dtype=np.float32)
        distance = np.hypot(axis[:, None], axis[None, :])
        shine = np.exp(-(((axis[None, :] + 0.35) ** 2 + (axis[:, None] + 0.35) ** 2) * 14))
        alpha = np.exp(-(((distance - 0.85) / 0.16) ** 2)) * 0.55 + shine * 0.8
        looks.append([Sprite(np.full((*alpha.shape, 3), 0.92, np.float32), np.clip(alpha, 0, 1).astype(np.float32))])
    return floating(stage, looks, count=34, fall=-0.14, sway=0.015)


def motes(stage: Stage) -> Layer:
    """Dust in a beam of light: hardly there, and the picture breathes."""
    looks = [[dot(max(1.0, stage.height * size), (1.0, 0.97, 0.88), strength=0.30)] for size in (0.0025, 0.004, 0.007)]
    return floating(stage, looks, count=22, fall=-0.02, sway=0.03)


def _birds(stage: Stage) -> Layer:
    """A loose flock that crosses the sky; the wings beat in eight phases."""
    dark = mix(stage.light.near, (0.02, 0.02, 0.04), 0.5)
    looks = [[_bird(stage.height * size, dark, math.tau * p / 8) for p in range(8)] for size in (0.013, 0.018, 0.025)]
    flock = [
        (float(stage.rng.random()), float(stage.rng.uniform(0.10, 0.42)), float(stage.rng.random()), i % 3)
        for i in range(11)
    ]

    def paint(canvas: Canvas, second: float) -> None:
        for x, y, phase, look in flock:
            along = (x * 0.4 + 0.1 + stage.pace.turns(0.05 + 0.012 * look, second)) % 1.0
            beat = int((phase + stage.pace.turns(1.6, second)) * 8) % 8
            lift = stage.pace.wave(0.2, second, phase) * 0.012
            looks[look][beat].place(canvas, (along * 1.2 - 0.1) * stage.width, (y + lift) * stage.height)

    return paint


def _bird(size: float, colour: Colour, beat: float) -> Sprite:
    lift = 0.55 * math.sin(beat)
    wing = [(-1.0, -lift), (-0.45, -0.18 - lift * 0.4), (0.0, 0.0), (0.45, -0.18 - lift * 0.4), (1.0, -lift)]
    back = [(0.45, -0.02 - lift * 0.35), (0.12, 0.16), (0.0, 0.26), (-0.12, 0.16), (-0.45, -0.02 - lift * 0.35)]
    return drawn(wing + back, size, colour)
