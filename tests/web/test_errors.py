"""Every way to ask wrongly, over a real socket, in both dialects: its own shape, the field, and nothing held."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from typing import Any

import pytest

from darkroom.errors import StoreAway
from darkroom.generation import Generation
from darkroom.records import NewGeneration
from tests.around import Around
from tests.harness import Running, running
from tests.web.scene import BOTH, ELUMENTA, NATIVE, PROMPT, Phrases, untouched

both = pytest.mark.parametrize("dialect", BOTH, ids=lambda dialect: dialect.name)


NAMED = ((422, "invalid_input"), (422, "validation_error"))
"""What a field that is wrong is answered with, by the native API and by Elumenta."""

CASES: tuple[tuple[Any, Mapping[str, Any], tuple[tuple[int, str], tuple[int, str]], str, str], ...] = (
    # model, inputs, (status and code of each dialect), the field, what its message tells
    ("klin-v2.1", {"prompt": "x"}, ((404, "unknown_model"), (404, "not_found")), "", "kling-v2.1"),
    ("gpt-5", {"prompt": "x"}, ((404, "model_unavailable"), (503, "model_unavailable")), "", "text models"),
    (5, {"prompt": "x"}, NAMED, "model", "string"),
    ("kling-v2.1", {}, NAMED, "prompt", "required"),
    ("kling-v2.1", {"prompt": 5}, NAMED, "prompt", "string"),
    ("kling-v2.1", {"prompt": ""}, NAMED, "prompt", "empty"),
    ("kling-v2.1", {"prompt": "x" * 5001}, NAMED, "prompt", "5000"),
    ("kling-v2.1", {"prompt": "x", "duration": 7}, NAMED, "duration", "5, 10"),
    ("kling-v2.1", {"prompt": "x", "duration": True}, NAMED, "duration", "5, 10"),
    ("kling-v2.1", {"prompt": "x", "aspect_ratio": "19:9"}, NAMED, "aspect_ratio", "16:9, 9:16, 1:1"),
    ("musicgen", {"prompt": "x", "duration": 121}, NAMED, "duration", "120"),
    ("kling-v2.1", {"prompt": "x", "colour": 1}, NAMED, "colour", "allowed"),
    ("kling-v2.1", {"prompt": "x", "image_url": "http://127.0.0.1/x.png"}, NAMED, "image_url", "public"),
    ("kling-v2.1", {"prompt": "x", "image_url": "file:///etc/passwd"}, NAMED, "image_url", "http"),
    ("kling-v2.1", {"prompt": "x", "image_url": "data:image/png;base64,AAAA"}, NAMED, "image_url", "image"),
)


@both
def test_inputs(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            for model, inputs, answers, field, told in CASES:
                about = f"{model} {str(inputs)[:60]}"
                answer = await dialect.ask_for(server, model, **inputs)
                assert (answer.status, dialect.code(answer)) == answers[BOTH.index(dialect)], about
                words = dialect.problems(answer)[field] if field else dialect.message(answer)
                assert told in words, about
            await untouched(server)

    asyncio.run(run())


@both
def test_every_problem_is_told_at_once(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            answer = await dialect.ask_for(server, duration=7, aspect_ratio="4:3")
            assert set(dialect.problems(answer)) == {"prompt", "duration", "aspect_ratio"}
            await untouched(server)

    asyncio.run(run())


BAD_BODIES: tuple[tuple[bytes, str], ...] = (
    (b"", "empty"),
    (b"   ", "empty"),
    (b"{", "not JSON"),
    (b"model=kling", "not JSON"),
    (b'{"model": "kling-v2.1", "prompt": "\xff"}', "not JSON"),
    (b'{"model": "\\ud800"}', "not JSON"),
    (b'{"a": NaN}', "not JSON"),
    (b"[" * 10_000, "not JSON"),
    (b'"text"', "object"),
    (b"[1]", "object"),
    (b"null", "empty"),
)


@both
def test_a_body_that_is_no_json_object(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            for body, hint in BAD_BODIES:
                answer = await server.ask(
                    "POST",
                    dialect.submit,
                    data=body,
                    dialect=dialect.name,
                    headers={"content-type": "application/json"},
                )
                status, code = (422, "invalid_input") if dialect is NATIVE else (400, "bad_request")
                assert (answer.status, dialect.code(answer)) == (status, code), body
                assert hint in dialect.message(answer), body
            await untouched(server)

    asyncio.run(run())


def blanks(size_bytes: int) -> BytesIO:
    return BytesIO(b" " * size_bytes)


async def some_blanks(size_bytes: int) -> AsyncIterator[bytes]:
    """Without a length in the header."""
    for _ in range(0, size_bytes, 65_536):
        yield b" " * 65_536


@both
def test_a_body_that_is_too_large(dialect: Phrases) -> None:
    """By its header, and by what comes where there is none; just under the limit it is read."""

    async def run() -> None:
        async with running() as server:
            for sent in (blanks(1024 * 1024 + 1), some_blanks(20 * 65_536)):
                answer = await server.ask("POST", dialect.submit, data=sent, dialect=dialect.name)
                code = "body_too_large" if dialect is NATIVE else "bad_request"
                assert (answer.status, dialect.code(answer)) == (413, code)
                assert "1048576" in dialect.message(answer)
            answer = await server.ask("POST", dialect.submit, data=blanks(1024 * 1024), dialect=dialect.name)
            assert "empty" in dialect.message(answer)
            await untouched(server)

    asyncio.run(run())


@both
def test_ids_that_name_nothing(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            for id in (
                "1",
                "0",
                "99999999999999999999",
                "x",
                "%00",
                "%ff",
                "é",
                "01958a11-0000-7000-8000-000000018502",
            ):
                path = dialect.fetch.format(id=id, number=id)
                answer = await server.ask("GET", path, dialect=dialect.name)
                assert (answer.status, dialect.code(answer)) == (404, "not_found"), id
            await untouched(server)

    asyncio.run(run())


@both
def test_no_credits(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            await server.account("poor", amount=25)
            path, body = dialect.submit, dialect.body(prompt=PROMPT)
            answer = await server.ask("POST", path, body, dialect=dialect.name, account="poor")
            code = "insufficient_credits" if dialect is NATIVE else "insufficient_tokens"
            assert (answer.status, dialect.code(answer)) == (402, code)
            assert "26" in dialect.message(answer)
            assert "25" in dialect.message(answer)
            if dialect is ELUMENTA:
                assert answer.body["details"] == {"needed": 26, "available": 25}
            await untouched(server, "poor")

    asyncio.run(run())


@both
def test_wrong_methods(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            for method in ("DELETE", "PUT", "PATCH"):
                answer = await server.ask(method, dialect.submit, dialect=dialect.name)
                assert answer.status == 405
                assert "POST" in answer.headers["allow"]
                assert dialect.code(answer) == ("wrong_method" if dialect is NATIVE else "not_found")
                assert f"allowed: {answer.headers['allow']}" in dialect.message(answer)

    asyncio.run(run())


def test_unknown_paths_are_refused_in_the_words_of_their_prefix() -> None:
    async def run() -> None:
        async with running() as server:
            for path in ("/nothing", "/native/v1/nothing", "/v1", "//", "/v1/generations/"):
                answer = await server.ask("GET", path, key="")
                assert (answer.status, NATIVE.code(answer)) == (404, "not_found"), path
            for path in ("/elumenta/api/v2/nothing", "/elumenta"):
                answer = await server.ask("GET", path, key="")
                assert (answer.status, ELUMENTA.code(answer)) == (404, "not_found"), path

    asyncio.run(run())


async def _answers_with_key(server: Running, dialect: Phrases, key: str) -> tuple[int, Any]:
    answer = await server.ask("POST", dialect.submit, dialect.body(prompt=PROMPT), key=key)
    assert set(answer.body) == ({"error"} if dialect is NATIVE else {"error", "message", "details"})
    return answer.status, dialect.code(answer)


@both
def test_keys_that_open_nothing(dialect: Phrases) -> None:
    async def run() -> None:
        async with running() as server:
            codes = ("unauthenticated", "key_invalid", "key_revoked")
            none, unknown, revoked = codes if dialect is NATIVE else ("not_authenticated",) * 3
            assert await _answers_with_key(server, dialect, "") == (401, none)
            for key in ("wrong", "nb_" + "x" * 45, "é", "a b c"):
                assert await _answers_with_key(server, dialect, key) == (401, unknown), key
            owner = await server.engine.store.find_account("default")
            made = await server.engine.access.create_key(owner, name="x", dialect=dialect.name)
            await server.engine.store.revoke_key(owner.id, made.key.number, now=server.engine.clock.now())
            assert await _answers_with_key(server, dialect, made.secret) == (401, revoked)
            for header in ("Basic YTpi", "Bearer", "Bearer  ", "nonsense"):
                answer = await server.ask("GET", "/v1/account", key="", headers={"authorization": header})
                assert (answer.status, NATIVE.code(answer)) == (401, "unauthenticated"), header
            await untouched(server)

    asyncio.run(run())


def test_a_bad_key_is_refused_before_a_body_is_read() -> None:
    async def run() -> None:
        async with running() as server:
            answer = await server.ask("POST", "/v1/generations", data=blanks(2_000_000), key="wrong")
            assert answer.status == 401

    asyncio.run(run())


def test_a_streamed_text_is_unavailable_and_a_streamed_video_is_a_mistake() -> None:
    """Text models are outside of our field and answer `model_unavailable`, streamed or not."""

    async def run() -> None:
        async with running() as server:
            text = await ELUMENTA.ask_for(server, "gpt-5", prompt=PROMPT, stream=True)
            assert (text.status, text.body["error"]) == (503, "model_unavailable")
            video = await ELUMENTA.ask_for(server, prompt=PROMPT, stream=True)
            assert (video.status, video.body["error"], set(video.body["details"])) == (
                422,
                "validation_error",
                {"stream"},
            )
            await untouched(server)

    asyncio.run(run())


class Away(Around):
    """A store whose database is away whenever something is submitted."""

    async def submit(self, new: NewGeneration) -> Generation:
        raise StoreAway("the database does not answer: ConnectionDoesNotExistError")


@pytest.mark.parametrize(("dialect", "code"), [(NATIVE, "unavailable"), (ELUMENTA, "model_unavailable")])
def test_a_database_that_is_away_is_no_bug_of_ours(dialect: Phrases, code: str) -> None:
    async def run() -> None:
        async with running(store=Away) as server:
            answer = await dialect.ask_for(server, prompt="x")
            assert (answer.status, dialect.code(answer)) == (503, code)
            # What was stored is not known: no caller may be told that nothing was.
            assert "whether this was done is not known" in dialect.message(answer)
            assert "Idempotency-Key" in dialect.message(answer)
            assert "ConnectionDoesNotExistError" not in str(answer.body)

    asyncio.run(run())
