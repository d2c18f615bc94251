"""An account's events, forwarded to a program on this machine as a webhook would bring them."""

import aiohttp
import msgspec

from darkroom import signing
from darkroom.cli import show
from darkroom.cli.remote import RemoteSession
from darkroom.clock import SystemClock
from darkroom.errors import InvalidInput
from darkroom.guarded import GuardedClient, Refused
from darkroom.webhook import Parcel

TOLD = "generation."
NOT_TOLD = frozenset({"generation.progress"})
"""Streams tell more than webhooks do."""


async def listen_to(url: str, key: str, forward: str) -> None:
    """Runs until it is stopped."""
    client = GuardedClient(allow_loopback=True)
    await client.open()
    secret = signing.new_secret()
    try:
        if forward:
            _check(client, forward)
        print(secret, flush=True)
        async with aiohttp.ClientSession() as http:
            async for name, id, data in RemoteSession(http, url, key).listen():
                if name == "reset":
                    show.console.print("listening")
                if name.startswith(TOLD) and name not in NOT_TOLD:
                    outcome = await _tell(client, forward, secret, name, id, data) if forward else ""
                    told = msgspec.json.decode(data)
                    show.console.print(f"{name}  {told['id']}  {outcome}", soft_wrap=True)
    finally:
        await client.close()


def _check(client: GuardedClient, forward: str) -> None:
    try:
        client.check(forward)
    except Refused as error:
        raise InvalidInput.of("--forward", str(error)) from None


async def _tell(client: GuardedClient, forward: str, secret: str, name: str, id: str, data: bytes) -> str:
    now = SystemClock().now()
    body = msgspec.json.encode({"type": name, "timestamp": now, "data": msgspec.Raw(data)})
    parcel = Parcel(id=f"event_{id}", url=forward, secret=secret, dialect="native", tries=0, created_at=now)
    try:
        answered = await client.post(forward, body=body, headers=signing.headers(parcel, body, now=now))
    except Refused as refusal:
        return refusal.reason
    return f"answered {answered.status}"
