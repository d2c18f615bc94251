"""The retry loops that people's programs have, each as its library does it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import httpx
import openai
import requests
from fal_client.client import _maybe_retry_request
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from darkroom.cli.remote import RemoteSession

BODY: dict[str, Any] = {"model": "kling-v2.1", "inputs": {"prompt": "A blooming flower"}}

Client = Callable[[str, str, Mapping[str, str]], Awaitable[dict[str, Any]]]
"""Submits `BODY` to a server's native API with a key and more headers; gives what it was answered."""


async def with_openai(url: str, key: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Three tries, and each retry says which one it is."""
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=3)
    async with client:
        answer: Any = await client.post("/generations", body=BODY, cast_to=object, options={"headers": dict(headers)})
    return dict(answer)


async def with_fal(url: str, key: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Ten tries, and none says that it is one."""

    def submit() -> Any:
        with httpx.Client(headers={"authorization": f"Key {key}", **headers}) as client:
            return _maybe_retry_request(client, "POST", f"{url}/v1/generations", json=BODY).json()

    return dict(await asyncio.to_thread(submit))


async def with_requests(url: str, key: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The adapter that every how-to about retries shows, with POST allowed; a cut body it leaves to its user's loop."""

    def submit() -> Any:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=Retry(total=3, allowed_methods=None, backoff_factor=0.01)))
            sent = {"authorization": f"Bearer {key}", **headers}
            while True:
                with suppress(requests.exceptions.ChunkedEncodingError):
                    return session.post(f"{url}/v1/generations", json=BODY, headers=sent, timeout=20).json()

    return dict(await asyncio.to_thread(submit))


async def with_aiohttp(url: str, key: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """It retries no POST by itself, so people write the loop."""
    sent = {"authorization": f"Bearer {key}", **headers}
    async with aiohttp.ClientSession() as session:
        for tries_left in (2, 1, 0):
            try:
                async with session.post(f"{url}/v1/generations", json=BODY, headers=sent) as answer:
                    return dict(await answer.json())
            except aiohttp.ClientError:
                if not tries_left:
                    raise
    raise AssertionError


async def with_our_own(url: str, key: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """`darkroom generate` against a server: it brings a key of its own."""
    async with aiohttp.ClientSession() as session:
        made = await RemoteSession(session, url, key).submit(BODY["model"], BODY["inputs"])
    return {"id": made.id}


EVERY: Mapping[str, Client] = {
    "openai": with_openai,
    "fal-client": with_fal,
    "requests": with_requests,
    "aiohttp": with_aiohttp,
}
