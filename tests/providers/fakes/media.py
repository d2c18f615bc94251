"""Real media, a second long and small, made once."""

import io
from functools import cache

import av
import numpy
from PIL import Image


@cache
def mp4() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for index in range(8):
            pixels = numpy.full((36, 64, 3), index * 30, dtype=numpy.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@cache
def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), (200, 80, 40)).save(buffer, "PNG")
    return buffer.getvalue()


@cache
def mp3() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=22050, layout="mono")
        tone = (numpy.sin(numpy.arange(22050) / 8) * 9000).astype(numpy.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(tone, format="s16p", layout="mono")
        frame.sample_rate = 22050
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


MEDIA = {"video": mp4, "image": png, "music": mp3, "speech": mp3, "sound": mp3}
ENDING = {"video": "mp4", "image": "png", "music": "mp3", "speech": "mp3", "sound": "mp3"}
TYPE = {
    "video": "video/mp4",
    "image": "image/png",
    "music": "audio/mpeg",
    "speech": "audio/mpeg",
    "sound": "audio/mpeg",
}
