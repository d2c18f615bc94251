"""Reads a prompt the way a set designer would: where are we, in what light, who is there, what is in the air."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.providers.sketch.fields import Colour

Vocabulary = Mapping[str, tuple[str, ...]]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# A word of the prompt counts when it begins with one of these: "bloom" hears "blooming" and "blooms".
# A trailing "$" asks for the whole word: "sun$" must not hear "sunset", nor "cat$" "catalogue".
PLACES: Vocabulary = {
    "city": _words(
        "city cities street urban skyline skyscraper downtown tokyo york$ neon cyberpunk traffic building "
        "rooftop metropolis futuristic london paris город улиц"
    ),
    "sea": _words("ocean sea$ seas$ beach wave coast sail ship$ boat lake harbo island shore surf river море океан"),
    "underwater": _words(
        "underwater jellyfish coral reef fish$ fishes whale diver diving deep$ aquarium octopus turtle shark "
        "dolphin медуз"
    ),
    "forest": _words(
        "forest wood$ woods$ tree jungle pine firefl fox$ deer owl$ bear$ leaf leaves autumn woodland лес$ лесу"
    ),
    "flower": _words(
        "flower bloom petal rose$ roses$ tulip blossom macro lotus garden daisy orchid bee$ butterfl lily цвет"
    ),
    "space": _words(
        "space galax planet cosm nebula star$ stars$ astronaut orbit universe rocket moon$ mars$ comet alien космос"
    ),
    "fire": _words("fire$ flame burn lava volcan ember bonfire campfire torch inferno dragon phoenix огонь"),
    "mountains": _words(
        "mountain snow alps peak glacier winter ski$ skiing himalaya valley cliff aurora northern iceland "
        "fjord hill landscape горы"
    ),
    "desert": _words("desert dune sahara camel cactus canyon sand$ oasis egypt pyramid пустын"),
    "portrait": _words(
        "portrait character face$ faces woman man$ girl boy$ person people smile smiling actor speaker human "
        "child dancer king queen robot wizard presenter avatar"
    ),
    "cat": _words("cat$ cats$ kitten kitty feline pet$ pets$ кот$ кошк кошеч"),
    "silk": _words(
        "abstract silk fluid liquid smoke pattern gradient marble paint ink$ swirl fractal geometr dream logo product"
    ),
}

LIGHTS: Vocabulary = {
    "night": _words("night midnight moonl dark starry aurora northern firefl ноч"),
    "neon": _words("neon cyberpunk futuristic synthwave retrowave vaporwave club$ hologra glow"),
    "sunset": _words("sunset dusk golden evening twilight warm закат"),
    "dawn": _words("dawn sunrise morning pastel soft$ gentle dream рассвет"),
    "day": _words("day$ daylight sunny noon bright summer clear blue$ spring"),
    "mist": _words("mist fog cloud overcast moody storm grey gray rain туман"),
}

FALLING: Vocabulary = {
    "snow": _words("snow winter blizzard frost christmas снег"),
    "rain": _words("rain storm drizzle monsoon wet$ дожд"),
    "petals": _words("petal blossom sakura cherry confetti"),
    "leaves": _words("autumn leaf leaves fall$"),
    "embers": _words("ember fire$ flame spark lava volcan dragon phoenix campfire"),
    "fireflies": _words("firefl magic fairy glow enchant"),
    "birds": _words("bird gull seagull crow flock eagle swallow drone$"),
}

COLOURS: Mapping[str, Colour] = {
    "red": (0.86, 0.16, 0.18), "crimson": (0.75, 0.06, 0.20), "orange": (0.97, 0.52, 0.14),
    "gold": (0.96, 0.74, 0.28), "yellow": (0.98, 0.85, 0.30), "green": (0.22, 0.66, 0.33),
    "emerald": (0.06, 0.58, 0.42), "teal": (0.08, 0.56, 0.58), "turquoise": (0.15, 0.75, 0.74),
    "cyan": (0.20, 0.80, 0.92), "blue": (0.16, 0.40, 0.88), "navy": (0.06, 0.13, 0.40),
    "indigo": (0.29, 0.20, 0.66), "purple": (0.52, 0.22, 0.74), "violet": (0.58, 0.34, 0.88),
    "magenta": (0.88, 0.18, 0.66), "pink": (0.97, 0.52, 0.70), "rose": (0.93, 0.38, 0.52),
    "brown": (0.47, 0.30, 0.18), "black": (0.05, 0.05, 0.08), "white": (0.96, 0.96, 0.97),
    "silver": (0.74, 0.77, 0.82), "grey": (0.50, 0.53, 0.57), "gray": (0.50, 0.53, 0.57),
}  # fmt: skip

PLACE_FOR_STRANGERS = ("silk", "mountains", "sea", "silk", "desert", "space", "silk", "flower")
LIGHTS_OF: Mapping[str, tuple[str, ...]] = {
    "city": ("night", "sunset", "neon"),
    "sea": ("sunset", "day", "dawn"),
    "forest": ("mist", "dawn", "day"),
    "mountains": ("dawn", "sunset", "day"),
    "desert": ("sunset", "day", "dawn"),
    "cat": ("night", "sunset"),
    "portrait": ("dawn", "sunset", "day"),
}
FAST = ("fast", "quick", "rapid", "energetic", "time-lapse", "timelapse", "speed", "racing", "hyperlapse", "dynamic")
SLOW = ("slow", "calm", "gentle", "serene", "peaceful", "still", "tranquil", "soft")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`tints` are the colours that the prompt names, in its order. `tempo` is 1 at the usual pace."""

    place: str
    light: str
    falling: str
    tints: tuple[Colour, ...]
    tempo: float
    seed: int


def read(prompt: str, seed: int | None) -> Reading:
    words = re.findall(r"[\w-]+", prompt.lower())
    chance = fingerprint(prompt)
    place = best(words, PLACES) or PLACE_FOR_STRANGERS[chance % len(PLACE_FOR_STRANGERS)]
    lights = LIGHTS_OF.get(place, tuple(LIGHTS))
    return Reading(
        place=place,
        light=best(words, LIGHTS) or lights[(chance >> 8) % len(lights)],
        falling=best(words, FALLING) or "",
        tints=tuple(COLOURS[word] for word in dict.fromkeys(words) if word in COLOURS),
        tempo=1.0 + 0.7 * any(_hears(word, FAST) for word in words) - 0.45 * any(_hears(word, SLOW) for word in words),
        seed=fingerprint(f"{prompt}\n{seed}"),
    )


def fingerprint(text: str) -> int:
    """The same number for the same text in every process: Python's own hash is salted anew in each."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def best(words: list[str], vocabulary: Vocabulary) -> str | None:
    """The entry of a vocabulary that most words speak for; among equals the one that is heard first."""
    heard = [name for word in words for name, beginnings in vocabulary.items() if _hears(word, beginnings)]
    return max(dict.fromkeys(heard), key=heard.count, default=None)


def _hears(word: str, beginnings: tuple[str, ...]) -> bool:
    return any(word == b[:-1] if b.endswith("$") else word.startswith(b) for b in beginnings)
