"""Keys at work: made and revoked by the API and by another process; and no account sees anything of another."""

import asyncio
import os
import sys
from typing import Any

import pytest

from darkroom.testing import an_output
from tests.harness import Answer, Running, running
from tests.web.scene import BOTH, ELUMENTA, NATIVE, PROMPT, Phrases, a_video_at

GONE_WITHIN_S = 5
"""It is seen in a fraction of a second; a busy machine gets more."""


async def _darkroom(server: Running, *words: str) -> str:
    """A command of an operator who has the same settings as the server."""
    settings = server.engine.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "darkroom", *words, "--data", settings.data),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "DARKROOM_DATABASE": settings.database},
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode().strip()


async def _until(server: Running, key: str, status: int) -> Answer:
    """The first answer with that status: the API is asked again and again, as its caller would."""
    async with asyncio.timeout(GONE_WITHIN_S):
        while (answer := await server.ask("GET", "/v1/account", key=key)).status != status:
            pass
    return answer


def test_another_process_makes_and_revokes_a_key() -> None:
    async def run() -> None:
        async with running() as server:
            key = await _darkroom(server, "key", "create", "default", "--name", "laptop")
            await _until(server, key, 200)
            listed = await _darkroom(server, "key", "list", "default")
            number = next(line.split()[0] for line in listed.splitlines() if "laptop" in line)
            await _darkroom(server, "key", "revoke", "default", number)
            answer = await _until(server, key, 401)
            assert NATIVE.code(answer) == "key_revoked"

    asyncio.run(run())


def test_a_key_of_the_api_lives_until_it_is_revoked() -> None:
    async def run() -> None:
        async with running() as server:
            made = await server.ask("POST", "/api/v2/keys", {"name": "Laptop"}, dialect="elumenta")
            assert (made.status, set(made.body)) == (201, {"id", "name", "key", "created_at"})
            assert len(made.body["key"]) == 48
            path = f"/api/v2/keys/{made.body['id']}"
            assert (await server.ask("GET", "/api/v2/balance", key=made.body["key"])).status == 200
            renamed = await server.ask("PATCH", path, {"name": "Home"}, dialect="elumenta")
            assert renamed.body["name"] == "Home"
            listed = await server.ask("GET", "/api/v2/keys", dialect="elumenta")
            assert made.body["key"] not in str(listed.body)
            assert "Home" in [item["name"] for item in listed.body["items"]]
            assert (await server.ask("DELETE", path, dialect="elumenta")).status == 204
            assert (await server.ask("GET", "/api/v2/balance", key=made.body["key"])).status == 401
            listed = await server.ask("GET", "/api/v2/keys", dialect="elumenta")
            assert "Home" not in [item["name"] for item in listed.body["items"]]

    asyncio.run(run())


def test_the_user_may_be_renamed() -> None:
    async def run() -> None:
        async with running() as server:
            changed = await server.ask("PATCH", "/api/v2/user/me", {"username": "Anna"}, dialect="elumenta")
            assert (changed.status, changed.body["name"]) == (200, "Anna")
            seen = await server.ask("GET", "/api/v2/user/me", dialect="elumenta")
            assert seen.body["name"] == "Anna"
            assert (await server.ask("GET", "/v1/account")).body["name"] == "Anna"

    asyncio.run(run())


def test_a_plan_without_the_api() -> None:
    async def run() -> None:
        async with running() as server:
            await server.account("web only", plan="vivix-free")
            for dialect in BOTH:
                answer = await server.ask(
                    "POST", dialect.submit, dialect.body(prompt=PROMPT), dialect=dialect.name, account="web only"
                )
                code = "plan_too_low" if dialect is NATIVE else "insufficient_plan"
                assert (answer.status, dialect.code(answer)) == (403, code)

    asyncio.run(run())


# Isolation: for every verb, another account's id looks exactly like one that was never given out.

NATIVE_VERBS = (
    ("GET", "/v1/generations/{id}", None),
    ("GET", "/v1/generations/{id}?wait=5", None),
    ("DELETE", "/v1/generations/{id}", None),
    ("POST", "/v1/generations/{id}/cancel", None),
    ("GET", "/v1/generations/{id}/events", None),
)
ELUMENTA_VERBS = (
    ("GET", "/api/v2/generate/{id}", None),
    ("GET", "/api/v2/generate/status/{id}", None),
    ("POST", "/api/v2/user/history/{id}/favorite", None),
    ("POST", "/api/v2/user/history/{id}/rate", {"rating": 5}),
    ("DELETE", "/api/v2/user/history/{id}", None),
)


def _without(body: Any, id: str | int) -> Any:
    """The answer with nothing of the request's own in it."""
    body = dict(body["error"]) if isinstance(body["error"], dict) else dict(body)
    body.pop("request_id", None)
    return {**body, "message": body["message"].replace(str(id), "ID")}


@pytest.mark.parametrize(("dialect", "verbs"), [(NATIVE, NATIVE_VERBS), (ELUMENTA, ELUMENTA_VERBS)])
def test_another_accounts_generation_is_not_there(dialect: Phrases, verbs: Any) -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            await server.account("stranger")
            generation = await server.reach(await a_video_at(server))
            mine = generation.id if dialect is NATIVE else generation.number
            absent = "01958a11-0000-7000-8000-000000018502" if dialect is NATIVE else 4711
            for method, path, body in verbs:
                answers = [
                    await server.ask(method, path.format(id=id), body, dialect=dialect.name, account="stranger")
                    for id in (mine, absent)
                ]
                assert [answer.status for answer in answers] == [404, 404], path
                assert _without(answers[0].body, mine) == _without(answers[1].body, absent), path
            after = await server.engine.store.get(generation.id)
            assert (after.is_hidden, after.is_favorite, after.rating, after.status) == (False, False, None, "completed")

    asyncio.run(run())


def test_lists_accounts_entries_and_keys_are_ones_own() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            await server.account("stranger", amount=5)
            await server.reach(await a_video_at(server))
            mine = await server.ask("GET", "/v1/generations")
            assert len(mine.body["items"]) == 1
            theirs = await server.ask("GET", "/v1/generations", account="stranger")
            assert theirs.body == {"items": [], "next_cursor": None}
            history = await server.ask("GET", "/api/v2/user/history", dialect="elumenta", account="stranger")
            assert (history.body["items"], history.body["total"]) == ([], 0)
            account = await server.ask("GET", "/v1/account", account="stranger")
            assert (account.body["name"], account.body["available"], account.body["spent"]) == ("stranger", 5, 0)
            entries = await server.ask("GET", "/v1/account/entries", account="stranger")
            assert [entry["amount"] for entry in entries.body["items"]] == [5]
            keys = await server.ask("GET", "/api/v2/keys", dialect="elumenta", account="stranger")
            owner = await server.engine.store.find_account("default")
            for key in await server.engine.store.keys(owner.id):
                assert key.number not in [item["id"] for item in keys.body["items"]]
                for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
                    answer = await server.ask(
                        method, f"/api/v2/keys/{key.number}", body, dialect="elumenta", account="stranger"
                    )
                    assert answer.status == 404
            assert (await server.ask("GET", "/v1/account")).status == 200

    asyncio.run(run())


def test_a_result_of_another_account_is_no_input() -> None:
    """A signed URL opens its bytes to whoever holds it, as its owner chose; a reference by id does not."""

    async def run() -> None:
        async with running([an_output()]) as server:
            await server.account("stranger")
            generation = await server.reach(await a_video_at(server))
            for source in (f"generation:{generation.id}", f"darkroom-asset:{generation.outputs[0].key}"):
                answer = await server.ask(
                    "POST", "/v1/generations", NATIVE.body(prompt=PROMPT, image_url=source), account="stranger"
                )
                assert (answer.status, list(NATIVE.problems(answer))) == (422, ["image_url"])
                prompted = await server.ask("POST", "/v1/generations", NATIVE.body(prompt=source), account="stranger")
                assert "http" not in str(prompted.body.get("inputs", ""))

    asyncio.run(run())
