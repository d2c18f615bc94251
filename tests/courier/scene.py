"""A courier at work between the doubles of its ports."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from darkroom.clock import Clock
from darkroom.courier import Courier, usual_schedule
from darkroom.guarded import GuardedClient
from darkroom.ports import Delivery
from darkroom.wire import Dialect, Message, Reply

from .doubles import FrozenClock, MemoryOutbox, OneMessageDialect, Receiver, a_reply, receiving


class ThisMachine:
    """Every name is one of this machine's."""

    async def resolve(self, host: str, port: int) -> list[str]:
        return ["127.0.0.1"]


class Scene:
    """A courier with what it works between. `broken` is a dialect whose message cannot be made; `mute` sends none."""

    def __init__(self, receiver: Receiver, clock: Clock, schedule_for: Callable[[str], Sequence[float]]) -> None:
        self.receiver = receiver
        self.outbox = MemoryOutbox()
        self.client = GuardedClient(allow_loopback=True, resolver=ThisMachine())
        dialects: Mapping[str, Dialect] = {
            "plain": OneMessageDialect(),
            "signed": OneMessageDialect(standard_webhook),
            "mute": OneMessageDialect(lambda delivery, reply: None),
            "broken": OneMessageDialect(cannot_be_made),
        }

        async def reply_for(delivery: Delivery) -> Reply:
            return a_reply(clock.now())

        self.courier = Courier(self.outbox, self.client, dialects, reply_for, clock, schedule_for, stretch=lambda: 1.0)


@contextlib.asynccontextmanager
async def a_scene(
    *statuses: int,
    clock: Clock | None = None,
    schedule_for: Callable[[str], Sequence[float]] = usual_schedule,
    retry_after: str = "",
) -> AsyncIterator[Scene]:
    async with receiving(*statuses) as receiver:
        receiver.retry_after = retry_after
        scene = Scene(receiver, clock or FrozenClock(), schedule_for)
        await scene.client.open()
        running = asyncio.create_task(scene.courier.run())
        try:
            yield scene
        finally:
            await scene.courier.close()
            await running
            await scene.client.close()


def play(act: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(8):
            await act()

    asyncio.run(in_time())


def standard_webhook(delivery: Delivery, reply: Reply) -> Message:
    """Standard Webhooks, written from its specification."""
    body = b'{"type":"generation.completed"}'
    at = str(int(reply.now.timestamp()))
    key = base64.b64decode(delivery.secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{delivery.id}.{at}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": delivery.id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
    return Message(body=body, headers=headers)


def cannot_be_made(delivery: Delivery, reply: Reply) -> Message | None:
    raise KeyError(delivery.id)


async def look(scene: Scene) -> None:
    """Wake the courier and wait until it has put its question."""
    while not scene.outbox.looks.empty():
        scene.outbox.looks.get_nowait()
    scene.courier.wake()
    await scene.outbox.looks.get()


async def look_again(scene: Scene) -> None:
    """Wake the courier and wait until it has had an answer, and come back for another."""
    await look(scene)
    await look(scene)
