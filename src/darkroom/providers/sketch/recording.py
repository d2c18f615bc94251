"""Sound as numbers, and as files: writes every format that we make, reads whatever comes along."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from darkroom.errors import InputUnusable
from darkroom.providers.sketch.fields import Floats, singles

CODECS = {"mp3": "libmp3lame", "wav": "pcm_s16le", "flac": "flac", "opus": "libopus", "ogg": "libopus", "aac": "aac"}
CONTAINERS = {"opus": "ogg", "aac": "adts"}
"""File ending to what libav calls it."""
BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Recording:
    """`samples` are (channels, samples) in -1..1."""

    samples: Floats
    rate: int

    @property
    def duration_s(self) -> float:
        return float(self.samples.shape[1] / self.rate)


def record(recording: Recording, path: Path) -> None:
    ending = path.suffix[1:]
    with av.open(str(path), "w", format=CONTAINERS.get(ending, ending)) as container:
        # Opus knows five rates, and 48,000 is the only one of them that is used for music.
        rate = 48_000 if ending in ("opus", "ogg") else recording.rate
        layout = "stereo" if recording.samples.shape[0] == 2 else "mono"
        stream: Any = container.add_stream(CODECS[ending], rate=rate, layout=layout)
        if ending not in ("wav", "flac"):
            stream.bit_rate = 192_000 if layout == "stereo" else 96_000
        if ending == "mp3":
            # LAME's default costs three times as much for a difference that these instruments do not have.
            stream.options = {"compression_level": "8"}
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 0,
        )
        for block in _blocks(recording, layout):
            for frame in resampler.resample(block):
                container.mux(stream.encode(frame))
        for frame in resampler.resample(None):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _blocks(recording: Recording, layout: str) -> Iterator[av.AudioFrame]:
    for start in range(0, recording.samples.shape[1], BLOCK):
        part = np.ascontiguousarray(recording.samples[:, start : start + BLOCK], np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = recording.rate, start, Fraction(1, recording.rate)
        yield frame


def listen(path: Path, *, rate: int) -> Floats:
    """The sound of a file in stereo (2, samples); `InputUnusable` when there is none."""
    parts: list[Floats] = []
    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
            for frame in container.decode(audio=0):
                parts.extend(singles(piece.to_ndarray()) for piece in resampler.resample(frame))
            parts.extend(singles(piece.to_ndarray()) for piece in resampler.resample(None))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputUnusable(f"the sound of '{path.name}' cannot be decoded") from error
    if not parts:
        raise InputUnusable(f"'{path.name}' holds no sound")
    return np.concatenate(parts, axis=1)


def measured_s(path: Path) -> float:
    """A file's length by decoding it: headers of compressed sound only estimate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return sum(frame.samples for frame in container.decode(stream)) / stream.rate


def fitted(samples: Floats, count: int) -> Floats:
    """Exactly `count` samples: cut, or followed by silence."""
    if samples.shape[1] >= count:
        return samples[:, :count]
    return np.pad(samples, ((0, 0), (0, count - samples.shape[1])))


def resampled(samples: Floats, *, rate: int, to: int) -> Floats:
    if rate == to:
        return samples
    count = round(samples.shape[1] * to / rate)
    at = np.linspace(0, samples.shape[1] - 1, count)
    before = np.arange(samples.shape[1])
    return np.stack([np.interp(at, before, channel) for channel in samples]).astype(np.float32)
