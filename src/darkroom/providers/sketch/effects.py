"""Sound effects from a few noises and bells, chosen by the prompt's words."""

from collections.abc import Callable, Mapping

import numpy as np

from darkroom.brief import Brief
from darkroom.providers.sketch.fields import Floats, singles
from darkroom.providers.sketch.reading import best, fingerprint
from darkroom.providers.sketch.recording import Recording, resampled
from darkroom.providers.sketch.synth import RATE, add, mastered, pitch, room, seconds, sine, swell

Maker = Callable[[np.random.Generator, float], Floats]
"""Chance and seconds to one channel of sound."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "rain": ("rain", "drizzle", "shower", "downpour", "water", "stream", "дожд"),
    "wind": ("wind", "breeze", "storm", "whoosh", "swoosh", "swish", "air", "fly", "pass", "transition", "ветер"),
    "sea": ("sea$", "ocean", "wave", "beach", "surf", "море"),
    "impact": (
        "impact",
        "explo",
        "boom",
        "hit$",
        "punch",
        "crash",
        "thunder",
        "bang",
        "drum",
        "door",
        "slam",
        "gun",
        "cannon",
    ),
    "bell": ("bell", "chime", "ding", "notif", "alert", "ring", "gong", "coin", "success", "magic", "sparkle"),
    "laser": ("laser", "beep", "robot", "sci-fi", "zap", "blaster", "computer", "alarm", "siren", "ufo", "game"),
    "steps": (
        "step",
        "footstep",
        "walk",
        "knock",
        "clock",
        "tick",
        "heart",
        "typing",
        "keyboard",
        "horse",
        "gallop",
        "click",
    ),
    "fire": ("fire", "crackl", "burn", "flame", "camp", "popcorn", "static"),
    "birds": ("bird", "chirp", "forest", "morning", "cricket", "tweet", "nature", "jungle"),
    "engine": ("engine", "motor", "car$", "truck", "machine", "hum$", "drone", "plane", "train", "rumble", "factory"),
}


def effect(brief: Brief) -> Recording:
    """A sound of exactly the asked length (5 s unless asked)."""
    length_s = brief.duration_s or 5.0
    rng = np.random.default_rng(fingerprint(f"sound\n{brief.prompt}\n{brief.seed}"))
    words = brief.prompt.lower().replace(",", " ").replace(".", " ").split()
    kind = best(words, WORDS) or list(WORDS)[fingerprint(brief.prompt) % len(WORDS)]
    left, right = MAKERS[kind](rng, length_s), MAKERS[kind](rng, length_s)
    # Mostly the same in both ears, and a little of each ear's own: wide, and still one sound.
    track = np.stack([left * 0.8 + right * 0.2, left * 0.35 + right * 0.65]).astype(np.float32)
    track = mastered(room(track, rng, length_s=0.9, level=0.2), fade_in_s=0.01, fade_out_s=min(0.5, length_s / 5))
    if brief.format.lower() == "opus":
        return Recording(resampled(track, rate=RATE, to=48_000), 48_000)
    return Recording(track, RATE)


def hiss(rng: np.random.Generator, length_s: float, *, low: float, high: float) -> Floats:
    """Noise between two pitches, in hertz."""
    count = max(2, round(length_s * RATE))
    # The transform likes round numbers: a prime length would take minutes.
    size = 1 << (count - 1).bit_length()
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    shape = (1 / (1 + (low / np.maximum(frequency, 1e-3)) ** 4)) / (1 + (frequency / high) ** 4)
    spectrum = np.fft.rfft(rng.standard_normal(size)) * shape
    sound = np.fft.irfft(spectrum, size)[:count]
    return (sound / (np.abs(sound).max() or 1.0)).astype(np.float32)


def slowly(rng: np.random.Generator, length_s: float, *, hertz: float) -> Floats:
    """A curve in 0..1 that wanders, `hertz` times a second at most."""
    t = seconds(length_s)
    knots = rng.random(max(4, int(length_s * hertz) + 3))
    return np.interp(t, np.linspace(0, length_s, len(knots)), knots).astype(np.float32)


def scattered(rng: np.random.Generator, length_s: float, *, each_second: float, make: Callable[[], Floats]) -> Floats:
    """Many small sounds at random times."""
    track = np.zeros((2, max(1, round(length_s * RATE))), np.float32)
    for at in rng.random(max(1, round(length_s * each_second))) * length_s:
        add(track, make(), float(at), float(rng.uniform(0.2, 1.0)))
    return singles(track[0])


def _rain(rng: np.random.Generator, length_s: float) -> Floats:
    def drop() -> Floats:
        t = seconds(0.02)
        return sine(float(rng.uniform(1800, 5200)), t) * np.exp(-t * 260)

    return hiss(rng, length_s, low=900, high=9000) * 0.5 + scattered(
        rng, length_s, each_second=90, make=drop
    ) * np.float32(0.35)


def _wind(rng: np.random.Generator, length_s: float) -> Floats:
    gusts = slowly(rng, length_s, hertz=0.8)
    return singles(
        hiss(rng, length_s, low=120, high=700) * (0.3 + gusts) + hiss(rng, length_s, low=700, high=2600) * gusts**3
    )


def _sea(rng: np.random.Generator, length_s: float) -> Floats:
    t = seconds(length_s)
    wave = (0.5 + 0.5 * np.sin(t * np.float32(2 * np.pi * 0.17) - np.float32(1.2))) ** 3
    return singles(
        hiss(rng, length_s, low=80, high=900) * (0.25 + 0.6 * wave)
        + hiss(rng, length_s, low=1200, high=8000) * wave * np.float32(0.5)
    )


def _impact(rng: np.random.Generator, length_s: float) -> Floats:
    t = seconds(length_s)
    fall = np.sin(np.cumsum(38 + 90 * np.exp(-t * 12)) / RATE * 2 * np.pi).astype(np.float32) * np.exp(-t * 2.6)
    return singles(
        fall
        + hiss(rng, length_s, low=60, high=3500) * np.exp(-t * 7)
        + hiss(rng, length_s, low=40, high=260) * np.exp(-t * 1.5) * np.float32(0.6)
    )


def _bell(rng: np.random.Generator, length_s: float) -> Floats:
    t = seconds(length_s)
    base = pitch(float(rng.choice([72, 74, 76, 79, 81])))
    sound = np.zeros_like(t)
    for partial, level in ((1, 1.0), (2.0, 0.6), (2.76, 0.5), (5.4, 0.25), (8.93, 0.12)):
        sound += sine(base * partial, t) * np.exp(-t * np.float32(0.9 + partial * 0.35)) * np.float32(level)
    return sound * swell(t, attack=0.002, release=0.05)


def _laser(rng: np.random.Generator, length_s: float) -> Floats:
    def zap() -> Floats:
        t = seconds(0.35)
        top = float(rng.uniform(1400, 3200))
        return np.sin(np.cumsum(120 + top * np.exp(-t * 11)) / RATE * 2 * np.pi).astype(np.float32) * np.exp(-t * 6)

    return scattered(rng, length_s, each_second=2.5, make=zap)


def _steps(rng: np.random.Generator, length_s: float) -> Floats:
    track = np.zeros((2, max(1, round(length_s * RATE))), np.float32)
    pace = float(rng.uniform(0.45, 0.6))
    for index in range(int(length_s / pace) + 1):
        t = seconds(0.14)
        thud = sine(float(rng.uniform(85, 110)), t) * np.exp(-t * 38) + hiss(rng, 0.14, low=500, high=3500) * np.exp(
            -t * 60
        ) * np.float32(0.5)
        add(track, thud, index * pace + 0.05, 0.9 if index % 2 else 0.75)
    return singles(track[0])


def _fire(rng: np.random.Generator, length_s: float) -> Floats:
    def crack() -> Floats:
        return hiss(rng, float(rng.uniform(0.004, 0.03)), low=1200, high=7000) * np.float32(rng.random() ** 2)

    return hiss(rng, length_s, low=90, high=600) * (0.2 + 0.2 * slowly(rng, length_s, hertz=3)) + scattered(
        rng, length_s, each_second=28, make=crack
    )


def _birds(rng: np.random.Generator, length_s: float) -> Floats:
    def chirp() -> Floats:
        t = seconds(float(rng.uniform(0.08, 0.22)))
        sweep = float(rng.uniform(2600, 4600)) + float(rng.uniform(-900, 1200)) * np.sin(t * float(rng.uniform(30, 80)))
        return np.sin(np.cumsum(sweep) / RATE * 2 * np.pi).astype(np.float32) * swell(t, attack=0.02, release=0.04)

    return scattered(rng, length_s, each_second=3.2, make=chirp) * np.float32(0.6) + hiss(
        rng, length_s, low=200, high=1500
    ) * np.float32(0.06)


def _engine(rng: np.random.Generator, length_s: float) -> Floats:
    t = seconds(length_s)
    turning = np.cumsum(52 + 26 * slowly(rng, length_s, hertz=0.7)) / RATE * 2 * np.pi
    tone = sum(np.sin(turning * n).astype(np.float32) / np.float32(n) for n in range(1, 9))
    return (
        np.tanh(tone * np.float32(1.4)) * np.float32(0.6)
        + hiss(rng, length_s, low=60, high=900) * np.float32(0.25)
        + t * 0
    )


MAKERS: Mapping[str, Maker] = {
    "rain": _rain, "wind": _wind, "sea": _sea, "impact": _impact, "bell": _bell,
    "laser": _laser, "steps": _steps, "fire": _fire, "birds": _birds, "engine": _engine,
}  # fmt: skip
