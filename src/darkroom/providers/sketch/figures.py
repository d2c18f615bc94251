"""A face that turns and smiles: drawn from ellipses whose edges are soft by arithmetic."""

from dataclasses import dataclass

import numpy as np

from darkroom.providers.sketch.fields import BLACK, WHITE, Colour, Floats, mix, over, smooth, tone
from darkroom.providers.sketch.stage import Backdrop, Stage

SKINS: tuple[Colour, ...] = ((0.98, 0.82, 0.70), (0.87, 0.64, 0.48), (0.62, 0.42, 0.30), (0.42, 0.27, 0.20))
HAIRS: tuple[Colour, ...] = (
    (0.13, 0.09, 0.09),
    (0.36, 0.20, 0.12),
    (0.72, 0.50, 0.26),
    (0.52, 0.16, 0.12),
    (0.78, 0.78, 0.80),
)

Point = tuple[float, float]


def egg(x: Floats, y: Floats, at: Point, radii: Point, edge: float) -> Floats:
    """How much of each spot lies inside an ellipse."""
    distance = np.hypot((x - np.float32(at[0])) / np.float32(radii[0]), (y - np.float32(at[1])) / np.float32(radii[1]))
    soft = edge / min(radii)
    return 1 - smooth(1 - soft, 1 + soft, distance)


@dataclass(frozen=True, slots=True)
class Easel:
    """A part of a picture with its own coordinates; `edge` is how soft an outline is, in these."""

    region: Floats
    x: Floats
    y: Floats
    edge: float

    def near(self, at: Point, radii: Point) -> "Easel":
        """The part that an ellipse covers: all drawing happens in such small windows."""
        reach = self.edge * 2
        top, bottom = np.searchsorted(self.y[:, 0], (at[1] - radii[1] - reach, at[1] + radii[1] + reach))
        left, right = np.searchsorted(self.x[0], (at[0] - radii[0] - reach, at[0] + radii[0] + reach))
        window = self.region[top:bottom, left:right]
        return Easel(window, self.x[:, left:right], self.y[top:bottom], self.edge)

    def egg(self, at: Point, radii: Point) -> Floats:
        return egg(self.x, self.y, at, radii, self.edge)

    def draw(self, colour: Colour, at: Point, radii: Point, strength: float = 1.0) -> None:
        window = self.near(at, radii)
        over(window.region, colour, window.egg(at, radii) * np.float32(strength))


@dataclass(frozen=True, slots=True)
class Person:
    skin: Colour
    hair: Colour
    coat: Colour
    has_long_hair: bool


@dataclass(frozen=True, slots=True)
class Pose:
    """`turn` is where the head looks (-1 to 1), `smile` from 0 to 1."""

    turn: float
    smile: float
    is_blinking: bool


def portrait(stage: Stage, behind: Backdrop) -> Backdrop:
    """A person from the shoulders up, who turns the head slowly and begins to smile."""
    person = _person(stage)
    size = min(0.30, stage.aspect * 0.30)
    columns = np.flatnonzero(np.abs(stage.x[0]) < size * 1.9)
    box = slice(columns[0], columns[-1] + 1)
    x, y = stage.x[:, box] / np.float32(size), (stage.y - np.float32(0.46)) / np.float32(size)
    edge = 1.5 / stage.unit / size

    def paint(second: float) -> Floats:
        picture = behind(second)
        easel = Easel(picture[:, box], x, y, edge)
        pose = _pose(stage, second)
        _bust(easel, person, pose)
        lifted = Easel(easel.region, x, y - np.float32(0.03 * stage.pace.wave(0.17, second)), edge)
        _head(lifted, person, pose)
        _features(lifted, person, pose)
        return picture

    return paint


def _person(stage: Stage) -> Person:
    chance = stage.reading.seed
    return Person(
        skin=SKINS[chance % len(SKINS)],
        hair=HAIRS[(chance >> 4) % len(HAIRS)],
        coat=stage.reading.tints[0] if stage.reading.tints else mix(stage.light.far, stage.light.near, 0.4),
        has_long_hair=(chance >> 8) % 2 == 0,
    )


def _pose(stage: Stage, second: float) -> Pose:
    return Pose(
        turn=0.30 * stage.pace.wave(0.11, second, -0.12),
        smile=0.25 + 0.75 * min(1.0, max(0.0, 0.5 + 0.8 * stage.pace.wave(0.11, second, -0.30))),
        # The first frame is the thumbnail: nobody wants to blink there.
        is_blinking=(stage.pace.turns(0.31, second) + 0.5) % 1.0 < 0.035,
    )


def _bust(easel: Easel, person: Person, pose: Pose) -> None:
    if person.has_long_hair:
        easel.draw(mix(person.hair, BLACK, 0.25), (pose.turn * 0.1, 0.20), (0.82, 1.12))
    window = easel.near((0.0, 1.95), (1.6, 1.2))
    shoulders = np.maximum(window.egg((0.0, 1.95), (1.42, 0.98)), window.egg((0.0, 2.4), (1.5, 1.2)))
    shade = tone(person.coat) * (1.05 - 0.35 * np.clip(window.x * 0.5 + 0.5, 0, 1))[..., None]
    over(window.region, np.clip(shade, 0, 1), shoulders)
    neck = mix(person.skin, BLACK, 0.22)
    easel.draw(neck, (0.0, 0.82), (0.30, 0.46))
    easel.draw(neck, (0.0, 1.14), (0.42, 0.22))


def _head(easel: Easel, person: Person, pose: Pose) -> None:
    turn = pose.turn
    easel.draw(person.hair, (-turn * 0.15, -0.18), (0.80, 0.90))
    for side in (-1, 1):
        easel.draw(mix(person.skin, BLACK, 0.12), (side * 0.66 - turn * 0.25, 0.10), (0.10, 0.17))
    window = easel.near((turn * 0.14, 0.0), (0.80, 0.92))
    face = np.maximum(window.egg((turn * 0.12, -0.02), (0.66, 0.72)), window.egg((turn * 0.16, 0.30), (0.50, 0.56)))
    lit = np.clip(1.06 - 0.22 * (window.x + np.float32(turn)) - 0.10 * window.y, 0.6, 1.12)
    over(window.region, np.clip(tone(person.skin) * lit[..., None], 0, 1), face)
    # The fringe may stand out over the face's edge: behind it there is hair anyway.
    hairline = np.maximum(
        window.egg((-0.20 + turn * 0.3, -0.70), (0.66, 0.36)), window.egg((0.42 + turn * 0.3, -0.64), (0.34, 0.30))
    )
    behind = window.egg((-turn * 0.15, -0.18), (0.80, 0.90))
    over(window.region, person.hair, hairline * behind)


def _features(easel: Easel, person: Person, pose: Pose) -> None:
    shift = pose.turn * 0.72
    for side in (-1, 1):
        at = side * 0.25 * (1 - 0.25 * abs(pose.turn)) + shift
        _eye(easel, at, pose)
        _brow(easel, mix(person.hair, BLACK, 0.2), at, 0.235 + 0.02 * pose.smile)
        _blush(easel, (at + side * 0.10, 0.26), 0.12 + 0.20 * pose.smile)
    easel.draw(mix(person.skin, (0.6, 0.25, 0.2), 0.30), (shift * 1.22 + 0.03, 0.165), (0.07, 0.042), 0.7)
    _mouth(easel, shift, pose.smile)


def _blush(easel: Easel, at: Point, strength: float) -> None:
    window = easel.near(at, (0.22, 0.16))
    away = ((window.x - np.float32(at[0])) / np.float32(0.13)) ** 2 + (
        (window.y - np.float32(at[1])) / np.float32(0.09)
    ) ** 2
    over(window.region, (0.95, 0.42, 0.40), np.exp(-away) * np.float32(strength))


def _brow(easel: Easel, colour: Colour, at: float, height: float) -> None:
    window = easel.near((at, -height), (0.17, 0.10))
    x = (window.x - np.float32(at)) / np.float32(0.16)
    arch = window.y + np.float32(height) - x * x * np.float32(0.045)
    thick = np.float32(0.030) * np.sqrt(np.clip(1 - x * x, 0, 1))
    over(window.region, colour, (1 - smooth(-easel.edge, easel.edge, np.abs(arch) - thick)) * (np.abs(x) < 1))


def _eye(easel: Easel, at: float, pose: Pose) -> None:
    if pose.is_blinking:
        easel.draw((0.18, 0.10, 0.09), (at, 0.01), (0.125, 0.022))
        return
    tall = 0.078 - 0.014 * pose.smile
    easel.draw((0.16, 0.09, 0.08), (at, -0.018), (0.132, tall + 0.014))
    window = easel.near((at, 0.0), (0.12, tall))
    white = window.egg((at, 0.0), (0.118, tall))
    look = at + pose.turn * 0.16
    over(window.region, (0.98, 0.97, 0.95), white)
    over(window.region, (0.26, 0.36, 0.40), window.egg((look, 0.0), (0.068, 0.072)) * white)
    over(window.region, (0.04, 0.04, 0.05), window.egg((look, 0.0), (0.036, 0.038)) * white)
    easel.draw(WHITE, (look - 0.025, -0.028), (0.017, 0.017))


def _mouth(easel: Easel, middle: float, smile: float) -> None:
    half = 0.15 + 0.08 * smile
    window = easel.near((middle, 0.45), (half, 0.14))
    x = (window.x - np.float32(middle)) / np.float32(half)
    curve = np.float32(0.47) - np.float32(0.055 * smile) * x * x * (half / 0.15)
    room = np.clip(1 - x * x, 0, 1)
    edge = easel.edge
    for colour, opening in (((0.74, 0.30, 0.30), 0.040 + 0.012 * smile), ((0.97, 0.95, 0.93), 0.040 * smile - 0.016)):
        if opening > 0:
            over(
                window.region,
                colour,
                1 - smooth(-edge, edge, np.abs(window.y - curve) - np.float32(opening) * room + edge * (room <= 0) * 4),
            )
