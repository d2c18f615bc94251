"""One render process: orders come as lines of JSON on its input, progress and results go out the same way.

It imports nothing of its parent's, shares nothing with it but two pipes, and ends when they do.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO

from darkroom.errors import DarkroomError
from darkroom.providers.sketch import wire

PROGRESS_EVERY_S = 0.2


def main() -> None:
    _settle_in()
    # The answers get a file of their own: a library that chats on standard output must not garble them.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()

    # Imported only now: numpy reads the settings above while it is imported.
    from darkroom.providers.sketch.render import render

    answers.write(wire.line(wire.Ready()))
    # Should the answers' pipe break first, the parent is gone just as well.
    with contextlib.suppress(BrokenPipeError):
        while True:
            order = wire.order_of(orders.get())
            try:
                results = render(order.brief, Path(order.folder), _Teller(answers).tell)
            except DarkroomError as error:
                answers.write(wire.line(wire.failed(error)))
            else:
                answers.write(wire.line(wire.Finished(results)))


def _settle_in() -> None:
    # Ctrl-C goes to the whole group, but when to stop is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    # A render can wait a moment; a caller who asks the server something should not.
    os.nice(5)


def _listen(orders: "queue.SimpleQueue[bytes]") -> None:
    """Hand on orders until the pipe closes: it does when the parent is gone, however it went. Then so are we."""
    for order in sys.stdin.buffer:
        orders.put(order)
    os._exit(0)


class _Teller:
    """Reports progress a few times a second, however often the renderer mentions it."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._told_at = 0.0

    def tell(self, share: float) -> None:
        now = time.monotonic()
        if share >= 1.0 or now - self._told_at >= PROGRESS_EVERY_S:
            self._told_at = now
            self._answers.write(wire.line(wire.Progress(share)))
