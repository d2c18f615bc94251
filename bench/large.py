"""A large asset through a small process: uploaded, uploaded as a form, each downloaded by a reader that pauses."""

import hashlib
import http.client
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench.processes import Server, darkroom

MEBIBYTE = 1 << 20
HEAD = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"
"""What makes it an MP4 to who looks at the first bytes."""

SIZE_BYTES = 2048 * MEBIBYTE
LIMIT_BYTES = 200 * MEBIBYTE


def content(size_bytes: int, *, seed: int) -> Iterator[bytes]:
    """So many bytes that begin like a video, no two mebibytes alike."""
    block = HEAD + os.urandom(MEBIBYTE - len(HEAD) - 8)
    for number in range(-(-size_bytes // MEBIBYTE)):
        whole = block + (seed << 32 | number).to_bytes(8, "big")
        yield whole[: size_bytes - number * MEBIBYTE]


def peak_bytes(process_id: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def upload(server: Server, size_bytes: int, *, is_form: bool) -> tuple[str, str]:
    """The asset's URL, and the SHA-256 of what was sent."""
    digest = hashlib.sha256()
    before = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' if is_form else b""
    after = b"\r\n--x--\r\n" if is_form else b""
    media_type = "multipart/form-data; boundary=x" if is_form else "video/mp4"
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=300)
    connection.putrequest("POST", "/v1/assets")
    connection.putheader("authorization", f"Bearer {server.key}")
    connection.putheader("content-type", media_type)
    connection.putheader("content-length", str(len(before) + size_bytes + len(after)))
    connection.endheaders()
    connection.send(before)
    for chunk in content(size_bytes, seed=int(is_form)):
        digest.update(chunk)
        connection.send(chunk)
    connection.send(after)
    answer = connection.getresponse()
    told = json.load(answer)
    assert answer.status == 201, told
    assert told["sha256"] == digest.hexdigest()
    connection.close()
    return str(told["url"]), digest.hexdigest()


def download(url: str, *, pause_s: float) -> tuple[str, int]:
    """The SHA-256 and the number of the bytes; pauses once, for whoever buffers to show it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=300)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert answer.status == 200
    digest, count = hashlib.sha256(answer.read(MEBIBYTE)), MEBIBYTE
    time.sleep(pause_s)
    while chunk := answer.read(MEBIBYTE):
        digest.update(chunk)
        count += len(chunk)
    connection.close()
    return digest.hexdigest(), count


def run(size_bytes: int = SIZE_BYTES, limit_bytes: int = LIMIT_BYTES) -> Iterator[str]:
    """A line for each way; ends the benchmark where the process has had more memory than `limit_bytes`."""
    with tempfile.TemporaryDirectory() as folder, darkroom(Path(folder)) as server:
        idle = peak_bytes(server.process.pid)
        yield f"large: {size_bytes / MEBIBYTE:.0f} MiB through a process of {idle / MEBIBYTE:.0f} MiB"
        for name, is_form in (("body", False), ("form", True)):
            started = time.monotonic()
            url, sha256 = upload(server, size_bytes, is_form=is_form)
            up_s = time.monotonic() - started
            started = time.monotonic()
            assert download(url, pause_s=2.0) == (sha256, size_bytes)
            down_s = time.monotonic() - started - 2.0
            peak = peak_bytes(server.process.pid)
            yield (
                f"  as a {name}: peak {peak / MEBIBYTE:.0f} MiB, up {size_bytes / MEBIBYTE / up_s:.0f} MiB/s, "
                f"down {size_bytes / MEBIBYTE / down_s:.0f} MiB/s"
            )
            if peak > limit_bytes:
                raise SystemExit(f"{peak / MEBIBYTE:.0f} MiB, which is more than {limit_bytes / MEBIBYTE:.0f} MiB")


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
