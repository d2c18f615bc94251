"""Callers that do as our documents say: a submit without an answer is sent again, with the same idempotency key."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import aiohttp

from tests.chaos.upstream import KINDS
from tests.chaos.ward import Ward

Body = dict[str, Any]

UNHEARD = (aiohttp.ClientError, ConnectionError, TimeoutError)
PATIENCE_S = 5.0


class Callers:
    """`accepted` has what each key led to, `refused` what others were answered. `doors` are the processes to ask."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.doors: list[tuple[Ward, str]] = []
        self.key = ""
        self.accepted: dict[str, str] = {}
        self.canceled: set[str] = set()
        self.refused: Counter[str] = Counter()
        self.unheard = 0
        self.is_over = False
        self._answers = 0
        self._answered = asyncio.Condition()

    async def answers(self, count: int) -> None:
        """Return after so many more answers, or when there have been none for a while."""
        goal = self._answers + count
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S), self._answered:
                await self._answered.wait_for(lambda: self._answers >= goal)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Raises one of `UNHEARD`."""
        url = await self._door()
        sent = {"authorization": f"Bearer {self.key}", **headers}
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(headers=sent, timeout=timeout) as client,
            client.request(method, url + path, json=body) as answer,
        ):
            return answer.status, await answer.json()

    async def surely(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Body]:
        """Ask until there is an answer."""
        while True:
            try:
                status, said = await self.ask(method, path, body, **headers)
            except UNHEARD:
                self.unheard += 1
                continue
            async with self._answered:
                self._answers += 1
                self._answered.notify_all()
            if status < 500:
                return status, said

    async def _door(self) -> str:
        """Where somebody seems to answer."""
        up = [url for ward, url in self.doors if ward.up.is_set()]
        if up:
            return self._chance.choice(up)
        ward, url = self._chance.choice(self.doors)
        await ward.up.wait()
        return url

    async def go_on(self, name: str, chance: random.Random) -> None:
        """One caller, until it is over."""
        number = 0
        while not self.is_over:
            number += 1
            await self._submit(f"{name}-{number}", chance)

    async def _submit(self, key: str, chance: random.Random) -> None:
        body = {"model": chance.choice(KINDS), "inputs": {"prompt": "a fox"}}
        for _ in range(chance.choice((1, 1, 2))):
            status, said = await self.surely("POST", "/v1/generations", body, **{"idempotency-key": key})
            if status not in (200, 202):
                self.refused[said["error"]["code"]] += 1
                return
            assert self.accepted.setdefault(key, said["id"]) == said["id"], "one key has led to two generations"
        match chance.randrange(5):
            case 0:
                _, canceled = await self.surely("POST", f"/v1/generations/{said['id']}/cancel")
                if canceled["status"] == "canceled":
                    self.canceled.add(said["id"])
            case 1 | 2:
                await self.surely("GET", f"/v1/generations/{said['id']}?wait=2")
