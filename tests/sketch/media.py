"""Media for the renderer's tests: made and read with the libraries themselves, not with the code under test."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from darkroom.brief import Brief, Modality, Produced, Role, Task
from darkroom.providers.sketch.render import render

Picture = NDArray[np.uint8]


def a_brief(task: Task, modality: Modality = Modality.VIDEO, /, **given: Any) -> Brief:
    """Small and short, so that the tests are quick."""
    if modality is Modality.VIDEO and task is not Task.UPSCALE:
        given = {"width": 320, "height": 180, "duration_s": 1.0} | given
    return Brief(model="kling-v2.1", task=task, modality=modality, **({"prompt": "a city at night"} | given))


def rendered(brief: Brief, folder: Path) -> Produced:
    (result,) = render(brief, folder, lambda share: None)
    return result


@dataclass(frozen=True)
class Watched:
    """A video as a decoder sees it."""

    codec: str
    width: int
    height: int
    duration_s: float
    frames: list[Picture]
    has_sound: bool


def watch(path: Path) -> Watched:
    with av.open(str(path)) as container:
        video: Any = container.streams.video[0]
        frames = [frame.reformat(format="rgb24", src_colorspace=1).to_ndarray() for frame in container.decode(video)]
        return Watched(
            codec=video.codec_context.name,
            width=video.width,
            height=video.height,
            duration_s=float(video.duration * video.time_base),
            frames=frames,
            has_sound=bool(container.streams.audio),
        )


@dataclass(frozen=True)
class Heard:
    codec: str
    rate: int
    samples: NDArray[np.float32]
    peak: float

    @property
    def duration_s(self) -> float:
        return float(self.samples.shape[-1] / self.rate)

    @property
    def loudness(self) -> float:
        return float(np.sqrt(np.mean(self.samples.astype(np.float64) ** 2)))


def hear(path: Path) -> Heard:
    with av.open(str(path)) as container:
        audio: Any = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=audio.rate)
        frames = [f for frame in container.decode(audio) for f in resampler.resample(frame)] + resampler.resample(None)
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1).astype(np.float32)
        return Heard(audio.codec_context.name, audio.rate, samples.mean(axis=0), peak=float(np.abs(samples).max()))


def likeness(one: Picture, other: Picture) -> float:
    """Peak signal to noise in decibels: over 28 is the same picture, under 18 another one. The mark is left out."""
    rows = slice(0, one.shape[0] * 9 // 10)
    difference = one[rows].astype(np.float64) - other[rows]
    return float(10 * np.log10(255**2 / max(float(np.mean(difference**2)), 1e-9)))


def draw_picture(path: Path, *, size: tuple[int, int] = (320, 180), hue: str = "teal", turned: int = 0) -> Path:
    """A picture in which left and right, above and below can be told apart."""
    image = Image.new("RGB", size, hue)
    draw = ImageDraw.Draw(image)
    draw.ellipse((size[0] * 0.1, size[1] * 0.15, size[0] * 0.45, size[1] * 0.7), fill="orange")
    draw.rectangle((size[0] * 0.6, size[1] * 0.3, size[0] * 0.8, size[1] * 0.6), fill="white")
    exif = Image.Exif()
    if turned:
        exif[0x0112] = turned
    image.save(path, exif=exif)
    return path


def film(
    path: Path, *, frames: int = 24, fps: int = 24, size: tuple[int, int] = (320, 180), tone_hz: float | None = None
) -> Path:
    """A video of a bright square that travels to the right over a gradient, with a tone where asked."""
    width, height = size
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"crf": "12"}
        video.codec_context.colorspace = 1
        audio: Any = container.add_stream("aac", rate=48_000, layout="stereo") if tone_hz else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(_square(width, height, index), format="rgb24")
            shown = frame.reformat(format="yuv420p", dst_colorspace=1)
            shown.pts, shown.time_base = index, Fraction(1, fps)
            container.mux(video.encode(shown))
        container.mux(video.encode(None))
        if audio is not None and tone_hz is not None:
            _sing(container, audio, tone_hz, frames / fps)
    return path


def _square(width: int, height: int, index: int) -> Picture:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 2] = np.linspace(40, 200, height, dtype=np.uint8)[:, None]
    left = 20 + index * 4
    picture[height // 3 : height // 2, left : left + 40] = (250, 220, 90)
    return picture


def _sing(container: Any, audio: Any, tone_hz: float, duration_s: float) -> None:
    samples = tone(tone_hz, duration_s, 48_000)
    for start in range(0, len(samples), 1024):
        part = np.stack([samples[start : start + 1024]] * 2)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def tone(hertz: float, duration_s: float, rate: int) -> NDArray[np.float32]:
    return (0.4 * np.sin(np.arange(round(duration_s * rate)) / rate * hertz * 2 * np.pi)).astype(np.float32)


def voice(path: Path, *, duration_s: float = 1.5) -> Path:
    """A WAV file: half a second of tone, then silence, in turns."""
    samples = tone(220, duration_s, 24_000)
    samples[(np.arange(len(samples)) // 12_000) % 2 == 1] = 0
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=24_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 24_000, 0, Fraction(1, 24_000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_media(**paths: Path | Sequence[Path]) -> dict[Role, tuple[Path, ...]]:
    return {Role(name): (given,) if isinstance(given, Path) else tuple(given) for name, given in paths.items()}
