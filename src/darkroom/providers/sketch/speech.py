"""Speech through espeak-ng, which the espeakng-loader wheel brings along. One process speaks one text at a time."""

import ctypes
import re
from collections.abc import Mapping
from typing import Any, Self

import espeakng_loader
import numpy as np

from darkroom.brief import Brief
from darkroom.providers.sketch.fields import Floats
from darkroom.providers.sketch.reading import fingerprint
from darkroom.providers.sketch.recording import Recording

_SYNCHRONOUS = 2
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_UTF8 = 1
WORDS_A_MINUTE = 165

FEMALE = ("f1", "f2", "f3", "f4", "f5")
MALE = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8")
"""espeak-ng's own variants of a voice."""

HER = [
    "alloy",
    "nova",
    "shimmer",
    "coral",
    "sage",
    "rachel",
    "sarah",
    "alice",
    "bella",
    "domi",
    "elli",
    "emily",
    "charlotte",
    "matilda",
    "lily",
    "jessica",
    "laura",
    "aria",
    "grace",
    "dorothy",
    "freya",
    "serena",
    "nicole",
    "gigi",
    "mimi",
    "vivian",
    "serena",
    "sohee",
    "anna",
    "lovely_girl",
    "calm_woman",
    "wise_woman",
    "female",
    "woman",
    "girl",
]
HIM = [
    "echo",
    "fable",
    "onyx",
    "ash",
    "ballad",
    "verse",
    "adam",
    "antoni",
    "arnold",
    "josh",
    "sam",
    "daniel",
    "george",
    "brian",
    "bill",
    "liam",
    "charlie",
    "callum",
    "clyde",
    "dave",
    "fin",
    "harry",
    "james",
    "patrick",
    "thomas",
    "ethan",
    "ryan",
    "male",
    "man",
    "boy",
    "deep_voice_man",
    "young_knight",
    "casual_guy",
]

LANGUAGES: Mapping[str, str] = {
    "english": "en-us", "russian": "ru", "german": "de", "french": "fr-fr", "spanish": "es", "italian": "it",
    "portuguese": "pt", "chinese": "cmn", "japanese": "ja", "korean": "ko", "polish": "pl", "dutch": "nl",
    "turkish": "tr", "ukrainian": "uk", "arabic": "ar", "hindi": "hi", "en": "en-us", "zh": "cmn", "fr": "fr-fr",
}  # fmt: skip
"""What callers write to what espeak-ng calls it, where the two differ."""

SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff]"), "ja"),
    (re.compile(r"[\uac00-\ud7af]"), "ko"),
    (re.compile(r"[\u4e00-\u9fff]"), "cmn"),
    (re.compile(r"[іїєґІЇЄҐ]"), "uk"),
    (re.compile(r"[\u0400-\u04ff]"), "ru"),
    (re.compile(r"[\u0600-\u06ff]"), "ar"),
    (re.compile(r"[\u0900-\u097f]"), "hi"),
    (re.compile(r"[\u0370-\u03ff]"), "el"),
    (re.compile(r"[\u0590-\u05ff]"), "he"),
)
"""Letters that tell the language when nobody names it. Kana before Han: Japanese is written with both."""


def spoken(brief: Brief) -> Recording:
    """The words of the prompt; of the lyrics where there is no prompt."""
    return utter(brief.prompt or brief.lyrics, voice=brief.voice, language=brief.language, speed=brief.speed)


def utter(text: str, *, voice: str, language: str, speed: float, pitch: int | None = None) -> Recording:
    """Speak a text. `speed` is a factor; `pitch`, 0 to 99, follows from the voice unless given."""
    tongue = _tongue(text, language)
    variant, usual_pitch = character(voice)
    with _Engine() as engine:
        engine.choose(f"{tongue}+{variant}", f"{tongue.split('-')[0]}+{variant}", f"en-us+{variant}")
        engine.set(_RATE, round(WORDS_A_MINUTE * min(max(speed, 0.5), 2.0)))
        engine.set(_PITCH, usual_pitch if pitch is None else pitch)
        engine.set(_RANGE, 55)
        engine.set(_VOLUME, 100)
        samples = engine.speak(text)
    if not samples.size:
        # Nothing in the text can be pronounced: a moment of silence is still an honest answer of the right kind.
        samples = np.zeros(engine.rate // 2, np.float32)
    return Recording(samples[None, :], engine.rate)


def character(voice: str) -> tuple[str, int]:
    """Variant and pitch for a voice's name: the same name always sounds the same, other names sound different."""
    chance = fingerprint(f"voice\n{voice.lower()}")
    words = set(re.split(r"[^a-z]+", voice.lower())) | {voice.lower()}
    if words & set(HER) or (not words & set(HIM) and chance % 2):
        return FEMALE[(chance >> 8) % len(FEMALE)], 48 + (chance >> 16) % 28
    return MALE[(chance >> 8) % len(MALE)], 26 + (chance >> 16) % 26


def _tongue(text: str, language: str) -> str:
    asked = language.strip().lower().replace("_", "-")
    if asked and asked != "auto":
        return LANGUAGES.get(asked, asked)
    return next((tongue for letters, tongue in SCRIPTS if letters.search(text)), "en-us")


class _Engine:
    """libespeak-ng, loaded for one text. It calls back with samples while it speaks."""

    def __init__(self) -> None:
        self._library: Any = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        data = str(espeakng_loader.get_data_path()).encode()
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0))
        assert self.rate > 0, "espeak-ng did not find its data"
        self._parts: list[Floats] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        # Kept as long as the engine: the library holds the address and nothing else does.
        self._callback = kind(self._hear)
        self._library.espeak_SetSynthCallback(self._callback)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Unload it: its oscillators run on from text to text, and the same words would never sound the same again."""
        self._library.espeak_Terminate()
        unload = ctypes.CDLL(None).dlclose
        unload.argtypes = [ctypes.c_void_p]
        unload(self._library._handle)

    def _hear(self, samples: Any, count: int, events: object) -> int:
        if samples and count > 0:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / np.float32(32768))
        return 0

    def choose(self, *voices: str) -> None:
        """Take the first of these voices that there is."""
        any(self._library.espeak_SetVoiceByName(voice.encode()) == 0 for voice in voices)

    def set(self, parameter: int, value: int) -> None:
        self._library.espeak_SetParameter(parameter, value, 0)

    def speak(self, text: str) -> Floats:
        self._parts = []
        data = text.encode()
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        parts, self._parts = self._parts, []
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
