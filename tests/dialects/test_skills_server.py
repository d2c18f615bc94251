"""skills.video over real HTTP, against a whole server with a scripted provider."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from darkroom.credits import credits
from darkroom.errors import ContentRefused, ProviderTimedOut
from darkroom.ledger import Purse
from darkroom.ports import Pending, Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.harness import Answer, Running, running

pytestmark = pytest.mark.usefixtures("each_database")

IMAGE = "/api/v1/generation/google/nano-banana"
SSE = "/api/v1/generation/sse/google/nano-banana"
SPEECH = "/api/ai/tts/generate"
SPOKEN = {"modelId": "minimax/speech-2.8-hd", "input": {"text": "hello"}}
DONE = [Ticket("u1"), Pending(after_s=0.01, progress=0.5), an_output(name="cat.png")]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(64)


def play(story: Callable[[Running], Awaitable[None]], script: Any = (), **settings: Any) -> None:
    async def run() -> None:
        async with running(script, **settings) as server:
            await story(server)

    asyncio.run(run())


async def ask(server: Running, method: str, path: str, body: Any = None, **given: Any) -> Answer:
    return await server.ask(method, path, body, **{"dialect": "skills", **given})


def test_from_submit_to_result() -> None:
    async def story(server: Running) -> None:
        made = await ask(server, "POST", IMAGE, {"prompt": "a cat"})
        assert (made.status, made.body["status"]) == (202, "IN_QUEUE")
        assert made.body["input"] == {"prompt": "a cat", "n": 1, "output_format": "png", "aspect_ratio": "1:1"}
        assert made.body["usage"] == {"total": 4, "subscription": 0, "permanent": 4}
        await server.reach(made.body["id"])
        read = (await ask(server, "GET", f"/skills/api/v1/generation/{made.body['id']}")).body
        assert (read["status"], read["data"]["type"], read["data"]["n"]) == ("COMPLETED", "image", 1)
        async with server.client.get(read["data"]["image"]["url"]) as file:
            assert await file.read() == b"a result"

    play(story, DONE)


def test_the_subscription_pays_first() -> None:
    async def story(server: Running) -> None:
        await server.account("both", amount=3, purse="subscription")
        owner = await server.engine.store.find_account("both")
        await server.engine.store.grant(
            owner.id, credits(10), purse=Purse.PERMANENT, note="", now=server.engine.clock.now()
        )
        made = await ask(server, "POST", IMAGE, {"prompt": "a cat"}, account="both")
        assert made.body["usage"] == {"total": 4, "subscription": 3, "permanent": 1}
        told = await ask(server, "GET", "/api/v1/credits", account="both")
        assert told.body == {"total": 9, "subscription": 0, "permanent": 9}

    play(story, DONE)


async def events(answer: aiohttp.ClientResponse) -> list[Any]:
    text = (await answer.read()).decode()
    return [json.loads(event.removeprefix("data: ")) for event in text.split("\n\n") if event.startswith("data: ")]


def test_a_stream_goes_to_the_end() -> None:
    async def story(server: Running) -> None:
        headers = {"authorization": f"Bearer {await server.key('skills')}"}
        url = server.url + SSE
        async with server.client.post(url, json={"prompt": "a cat"}, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
            told = await events(answer)
        assert [event["status"] for event in told][-2:] == ["IN_PROGRESS", "COMPLETED"]
        # Progress that this dialect does not show is no event.
        assert len(told) <= 3
        assert [list(event) for event in told] == [["id", "status", "data", "usage"]] * len(told)
        assert told[-1]["usage"] == {"total": 4, "subscription": 0, "permanent": 4}
        url = f"{server.url}/api/v1/predictions/{told[0]['id']}/subscribe"
        async with server.client.get(url, headers=headers) as answer:
            assert await events(answer) == told[-1:]

    play(story, DONE)


def test_before_the_stream_an_error_is_plain_json() -> None:
    async def story(server: Running) -> None:
        refused = await ask(server, "POST", SSE, {})
        assert (refused.status, refused.body["error"]) == (400, "IMAGE_GENERATION_INVALID_INPUT")
        unknown = await ask(server, "POST", "/api/v1/generation/sse/nobody/nothing", {})
        assert (unknown.status, unknown.body["error"]) == (400, "VIDEO_GENERATION_UNSUPPORTED_MODEL")
        poor = await ask(server, "GET", "/api/v1/predictions/nope/subscribe")
        assert (poor.status, poor.body["error"]) == (404, "NOT_FOUND")

    play(story)


def test_a_failed_stream_says_why() -> None:
    async def story(server: Running) -> None:
        headers = {"authorization": f"Bearer {await server.key('skills')}"}
        async with server.client.post(server.url + SSE, json={"prompt": "a cat"}, headers=headers) as answer:
            last = (await events(answer))[-1]
        assert (last["status"], last["code"]) == ("FAILED", "IMAGE_GENERATION_CONTENT_REJECTED")
        assert "vendor" not in last["message"]

    play(story, [ContentRefused("vendor's words")])


def a_form(**fields: Any) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bytes):
                form.add_field(name, value, filename="some.bin", content_type="application/octet-stream")
            else:
                form.add_field(name, value)
    return form


def test_a_form_with_texts_in_the_schema_s_types() -> None:
    async def story(server: Running) -> None:
        path = "/api/v1/generation/google/veo-3.1"
        form = a_form(
            prompt="a cat",
            duration="4",
            generate_audio="false",
            seed="-7",
            reference_image_urls=[PNG, "https://example.com/b.png"],
            negative_prompt="",
        )
        made = await ask(server, "POST", path, data=form)
        assert made.status == 202, made.body
        given = made.body["input"]
        assert (given["duration"], given["generate_audio"], given["seed"]) == (4, False, -7)
        kept, linked = given["reference_image_urls"]
        assert linked == "https://example.com/b.png"
        async with server.client.get(kept) as file:
            assert await file.read() == PNG

    provider = ScriptedProvider([Ticket("u")])
    play(story, provider)


def test_one_file_is_a_list_where_a_list_is_asked_for() -> None:
    async def story(server: Running) -> None:
        made = await ask(server, "POST", IMAGE, data=a_form(prompt="a cat", **{"image_urls[]": PNG}))
        assert (made.status, len(made.body["input"]["image_urls"])) == (202, 1)
        made = await ask(
            server, "POST", "/api/v1/generation/pixverse/lipsync", data=a_form(video_url=MP4, audio_url=MP4)
        )
        assert (made.status, made.body["error"]) == (400, "VIDEO_GENERATION_INVALID_INPUT")
        assert "audio_url" in made.body["message"]

    play(story, ScriptedProvider([Ticket("u")]))


BAD_FORMS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": PNG}, "prompt: takes no file"),
    ({"prompt": "a cat", "n": "many"}, "n: must be an integer, not a string"),
    ({"prompt": "a cat", "n": "9" * 5000}, "n: must be an integer, not a string"),
    ({"prompt": "a cat", "n": PNG}, "n: must be an integer, not a string"),
    ({"prompt": ["a cat", "a dog"]}, "prompt: must be a string, not a list"),
    ({"prompt": "a cat", "image_urls": b"no picture"}, "image_urls.0: is not an image that can be read here"),
    ({"prompt": "a cat", "odd": "1"}, "odd: is not known here"),
    ({"n": "1"}, "prompt: is required"),
]


def test_a_bad_form_is_refused() -> None:
    async def story(server: Running) -> None:
        for fields, message in BAD_FORMS:
            refused = await ask(server, "POST", IMAGE, data=a_form(**fields))
            assert (refused.status, refused.body["error"]) == (400, "IMAGE_GENERATION_INVALID_INPUT"), refused.body
            assert refused.body["message"].startswith(message)

    play(story)


def test_speech_in_one_request() -> None:
    async def story(server: Running) -> None:
        spoken = await ask(server, "POST", SPEECH, SPOKEN)
        assert (spoken.status, spoken.body["success"]) == (200, True)
        assert spoken.body["data"]["audio_url"] == spoken.body["data"]["output"]["audio_url"]
        late = await ask(server, "POST", f"/skills{SPEECH}", SPOKEN)
        assert (late.status, late.body["error"]) == (504, "TTS_GENERATION_TIMEOUT")
        silent = await ask(server, "POST", SPEECH, {**SPOKEN, "modelId": "google/veo-3.1"})
        assert (silent.status, silent.body["error"]) == (400, "TTS_GENERATION_UNSUPPORTED_MODEL")

    play(story, [an_output(name="a.mp3"), ProviderTimedOut("late")])


def test_who_may_not() -> None:
    async def story(server: Running) -> None:
        await server.account("other")
        await server.account("free", plan="skills-free")
        await server.account("poor", amount=0)
        id = (await ask(server, "POST", IMAGE, {"prompt": "a cat"})).body["id"]
        for given, status, code in [
            ({"key": ""}, 401, "UNAUTHORIZED"),
            ({"key": "sk_" + "x" * 40}, 401, "UNAUTHORIZED"),
            ({"account": "other"}, 404, "NOT_FOUND"),
            ({"account": "free"}, 402, "PLAN_REQUIRED"),
        ]:
            refused = await ask(server, "GET", f"/api/v1/generation/{id}", **given)
            assert (refused.status, refused.body["error"]) == (status, code)
        poor = await ask(server, "POST", IMAGE, {"prompt": "a cat"}, account="poor")
        assert (poor.status, poor.body["error"]) == (402, "IMAGE_GENERATION_INSUFFICIENT_CREDITS")

    play(story, [Ticket("u1"), *[Pending(after_s=5)] * 9])


def test_a_canceled_generation() -> None:
    async def story(server: Running) -> None:
        id = (await ask(server, "POST", IMAGE, {"prompt": "a cat"})).body["id"]
        await server.ask("POST", f"/v1/generations/{id}/cancel")
        read = (await ask(server, "GET", f"/api/v1/generation/{id}")).body
        assert (read["status"], read["data"], read["usage"]["total"]) == ("CANCELED", None, 0)

    play(story, [Ticket("u1"), *[Pending(after_s=5)] * 9])


def test_the_shared_path_answers_in_the_words_of_the_key() -> None:
    async def story(server: Running) -> None:
        ours = {"total", "subscription", "permanent"}
        assert set((await ask(server, "GET", "/api/v1/credits")).body) == ours
        assert "balance" in (await ask(server, "GET", "/api/v1/credits", dialect="vivix")).body
        assert set((await ask(server, "GET", "/skills/api/v1/credits")).body) == ours
        # Under a prefix there is no doubt, whatever the key's own dialect is.
        assert set((await ask(server, "GET", "/skills/api/v1/credits", dialect="vivix")).body) == ours
        assert "balance" in (await ask(server, "GET", "/vivix/api/v1/credits")).body
        unknown = await ask(server, "GET", "/api/v1/credits", key="sk_" + "x" * 40)
        assert unknown.body["error"] == "UNAUTHORIZED"
        unknown = await ask(server, "GET", "/api/v1/credits", key="vvx_live_" + "x" * 32)
        assert unknown.body["error"] == "KEY_INVALID"

    play(story)
