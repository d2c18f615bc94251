"""What an input field means: the usual names of fields, their roles, and how each role is read into our own words."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Words = dict[str, Any]
"""Our words: those of `Brief`, and a few that `brief` works out from them: `frames`, `span_s`, `size`, `resolution`,
`aspect_ratio`, `form`."""


def _whole(value: Any) -> int:
    return int(value)


def _seconds(value: Any) -> float:
    """Seconds from 5, "5" or "5s"."""
    return float(value if isinstance(value, int | float) else value.lower().removesuffix("s"))


def _seed(value: Any) -> int | None:
    # Several makers write -1 for "any seed".
    return int(value) if value >= 0 else None


def _joined(value: Any) -> str:
    """One text of several shots, each a text or an object that has a `prompt` or a `text`."""
    if isinstance(value, str):
        return value
    shots = value if isinstance(value, list) else [value]
    texts = [shot.get("prompt") or shot.get("text") or "" if isinstance(shot, dict) else shot for shot in shots]
    return " ".join(str(text) for text in texts if text)


def _format(value: Any) -> str:
    """A file ending from "mp3", "image/webp", "mp3_44100_128" or an object that has a `format`."""
    text = value.get("format", "") if isinstance(value, dict) else str(value)
    return re.split(r"[_ ]", text.lower().rpartition("/")[2])[0]


def _language(value: Any) -> str:
    return "" if value == "auto" else str(value)


def _voice(value: Any) -> str:
    return str(value.get("voice_id", "")) if isinstance(value, dict) else str(value)


READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "prompt": ("prompt", _joined),
    "negative_prompt": ("negative_prompt", str),
    "lyrics": ("lyrics", str),
    "seed": ("seed", _seed),
    "count": ("count", _whole),
    "duration": ("duration_s", _seconds),
    "milliseconds": ("duration_s", lambda value: value / 1000),
    "frames": ("frames", _whole),
    "fps": ("fps", _whole),
    "start": ("start_s", _seconds),
    "end": ("end_s", _seconds),
    "span": ("span_s", _seconds),
    "size": ("size", str),
    "resolution": ("resolution", str),
    "aspect_ratio": ("aspect_ratio", str),
    "format": ("format", _format),
    "voice": ("voice", _voice),
    "language": ("language", _language),
    "speed": ("speed", float),
    "scale": ("scale", lambda value: float(str(value).lower().removesuffix("x"))),
    "loop": ("loop", bool),
    "side": ("prepend", lambda value: value in ("start", "before")),
    "with_audio": ("with_audio", bool),
    "keep_audio": ("keep_audio", lambda value: value in (True, "origin")),
    "instrumental": ("instrumental", bool),
    "form": ("form", str),
}
"""Role of a field to the word it gives, and how its value is read."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "text", "input", "user_prompt", "multi_prompt"),
    "negative_prompt": ("negative_prompt",),
    "lyrics": ("lyrics",),
    "seed": ("seed",),
    "count": ("n", "count", "number_results", "num_images"),
    "duration": ("duration", "seconds", "seconds_total"),
    "milliseconds": ("music_length_ms",),
    "frames": ("num_frames",),
    "fps": ("fps", "frames_per_second"),
    "start": ("start_time",),
    "end": ("end_time",),
    "size": ("size", "image_size", "frame_size"),
    "resolution": ("resolution", "max_resolution"),
    "aspect_ratio": ("aspect_ratio", "ratio"),
    "format": ("format", "output_format", "response_format", "audio_setting"),
    "voice": ("voice", "voice_id"),
    "language": ("language", "language_code", "language_boost"),
    "speed": ("speed",),
    "scale": ("scale", "upscale_factor"),
    "loop": ("loop",),
    "with_audio": ("generate_audio", "audio", "generate_audio_switch"),
    "keep_audio": ("keep_audio", "keep_original_sound"),
    "instrumental": ("instrumental", "is_instrumental"),
    "form": ("feature",),
    "image": ("image_url", "image", "first_frame_url", "first_frame_image"),
    "last_image": (
        *("last_image_url", "last_frame_url", "last_frame_image"),
        *("tail_image_url", "end_image_url", "end_frame_url", "image_end_url"),
    ),
    "reference": (
        *("reference_images", "reference_image_urls", "reference_image_url"),
        *("image_urls", "image_list", "elements", "references"),
    ),
    "reference_video": ("video_urls", "reference_video_urls", "reference_video_url"),
    "video": ("video_url",),
    "audio": ("audio_url", "audio_urls", "reference_audio_url"),
    "keyframes": ("keyframes",),
    "person": ("human_image_url",),
    "garment": ("garment_image_url",),
}
"""Role to the names that its fields usually have."""

USUAL = {name: role for role, names in NAMES.items() for name in names}
"""A field's role where the model's file gives none. A name not here has none: it goes to the provider as it is."""


def read(roles: Mapping[str, str], inputs: Mapping[str, object]) -> Words:
    """Our words from accepted inputs; `roles` is each field's role."""
    words: Words = {}
    for name, value in inputs.items():
        if reader := READERS.get(roles.get(name, "")):
            word, convert = reader
            words[word] = convert(value)
    return words


def seconds(words: Words) -> float | None:
    """How long the result is to be, as far as the words say."""
    if "frames" in words:
        return float(words["frames"] / words.get("fps", 24))
    duration = words.get("duration_s")
    return None if duration is None else float(duration)
