"""What a finished file is, read from the file: pixels, seconds, and a first frame to show."""

from dataclasses import dataclass
from pathlib import Path

THUMBNAIL_PIXELS = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    thumbnail: Path | None = None


def probe(path: Path, media_type: str) -> Measures:
    """What can be read without the media libraries (the extra `render`) is nothing: then nothing is told."""
    try:
        import av
    except ImportError:
        return Measures()
    try:
        with av.open(str(path)) as container:
            duration_s = None if container.duration is None else container.duration / 1_000_000
            if not container.streams.video:
                return Measures(duration_s=duration_s)
            stream = container.streams.video[0]
            width, height = stream.codec_context.width or None, stream.codec_context.height or None
            if media_type.startswith("image/"):
                return Measures(width=width, height=height)
            thumbnail = _thumbnail(next(iter(container.decode(stream)), None), path.with_suffix(".thumbnail.jpg"))
            return Measures(width=width, height=height, duration_s=duration_s, thumbnail=thumbnail)
    except (av.FFmpegError, ValueError, OSError):
        # An upstream's file that our decoder does not read may well be read by its caller's.
        return Measures()


def _thumbnail(frame: "object | None", target: Path) -> Path | None:
    if frame is None:
        return None
    picture = frame.to_image()  # type: ignore[attr-defined]
    picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    picture.save(target, "JPEG", quality=80)
    return target
