"""What one generation asks for in our own words, whatever a model's maker calls it; and what is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Modality(StrEnum):
    VIDEO = "video"
    IMAGE = "image"
    MUSIC = "music"
    SPEECH = "speech"
    SOUND = "sound"


class Task(StrEnum):
    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    FRAMES_TO_VIDEO = "frames-to-video"
    REFERENCE_TO_VIDEO = "reference-to-video"
    VIDEO_TO_VIDEO = "video-to-video"
    EDIT = "edit"
    EXTEND = "extend"
    RETAKE = "retake"
    MOTION_CONTROL = "motion-control"
    LIP_SYNC = "lip-sync"
    UPSCALE = "upscale"
    TRY_ON = "try-on"
    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    MUSIC = "music"
    SPEECH = "speech"
    SOUND = "sound"


class Role(StrEnum):
    """What an input medium is for. `IMAGE` is the picture to start from, or the one to change."""

    IMAGE = "image"
    LAST_IMAGE = "last_image"
    REFERENCE = "reference"
    VIDEO = "video"
    AUDIO = "audio"
    PERSON = "person"
    GARMENT = "garment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """`width` and `height` in pixels, `duration_s` in seconds. `media` holds local files, in the order given. `prepend`
    tells an extension to go before the given video instead of after it. `start_s` and `end_s` bound a retake."""

    model: str
    task: Task
    modality: Modality
    prompt: str = ""
    negative_prompt: str = ""
    lyrics: str = ""
    seed: int | None = None
    count: int = 1
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    fps: int = 24
    format: str = ""
    voice: str = ""
    language: str = ""
    speed: float = 1.0
    scale: float = 2.0
    start_s: float | None = None
    end_s: float | None = None
    loop: bool = False
    prepend: bool = False
    with_audio: bool = False
    keep_audio: bool = True
    instrumental: bool = False
    media: Mapping[Role, tuple[Path, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """A finished file on local disk, which is handed over: it is moved from there. Width and height in pixels, duration
    in seconds, all read from the file. `sha256` in hexadecimal; `origin_url` is where an upstream had it."""

    path: Path
    media_type: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    thumbnail: Path | None = None
    sha256: str | None = None
    origin_url: str | None = None
