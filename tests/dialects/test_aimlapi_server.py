"""AIMLAPI over real HTTP, against a whole server with a scripted provider."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from darkroom.errors import ProviderRejected
from darkroom.guarded import GuardedClient
from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.harness import Answer, Running, free_port, running

pytestmark = pytest.mark.usefixtures("each_database")

LUMA = "/v2/generate/video/luma-ai"
DONE = [Ticket("u1"), an_output()]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def play(story: Callable[[Running], Awaitable[None]], script: Any = (), **settings: Any) -> None:
    async def run() -> None:
        async with running(script, **settings) as server:
            await story(server)

    asyncio.run(run())


async def ask(server: Running, method: str, path: str, body: Any = None, **given: Any) -> Answer:
    return await server.ask(method, path, body, **{"dialect": "aimlapi", **given})


async def submit(server: Running, **body: Any) -> str:
    made = await ask(server, "POST", f"{LUMA}/generation", {"prompt": "x", "aspect_ratio": "16:9", **body})
    assert made.status == 201, made.body
    return str(made.body["id"])


def test_luma_from_creation_to_the_file() -> None:
    async def story(server: Running) -> None:
        body = {"prompt": "A jellyfish in the ocean", "aspect_ratio": "16:9"}
        made = await ask(server, "POST", f"{LUMA}/generation", body, headers={"X-Client-Request-Id": "customer-42"})
        assert (made.status, made.body["state"]) == (201, "queued")
        assert made.headers["x-inference-id"] == made.body["id"]
        assert made.headers.getall("x-client-request-id") == ["customer-42"]  # type: ignore[attr-defined]
        assert made.headers["x-aimlapi-credits-used"] == "500000"
        query = f"generation_id={made.body['id']}&status=completed"
        done = await ask(server, "GET", f"/aimlapi{LUMA}/generation?{query}")
        assert (done.status, done.body["state"]) == (200, "completed")
        async with server.client.get(done.body["video"]["url"]) as file:
            assert (file.status, await file.read()) == (200, b"a result")
        (several,) = (await ask(server, "GET", f"{LUMA}/generations?generation_ids[]={made.body['id']}")).body
        assert several == done.body

    play(story, DONE)


def test_a_wait_ends_with_the_state_asked_for_or_a_higher_one() -> None:
    provider = ScriptedProvider([Ticket("u1"), ProviderRejected("content policy violation")], may_restart=True)
    provider.gate.clear()

    async def story(server: Running) -> None:
        id = await submit(server)
        dreaming = await ask(server, "GET", f"{LUMA}/generation?generation_id={id}&state=dreaming")
        assert dreaming.body["state"] == "dreaming"
        waiting = [
            asyncio.create_task(ask(server, "GET", f"{LUMA}/generation?generation_id={id}&state=completed")),
            asyncio.create_task(ask(server, "GET", f"{LUMA}/generations?generation_ids={id}&state=completed")),
        ]
        await provider.entered.wait()
        provider.gate.set()
        (one, several) = await asyncio.gather(*waiting)
        assert (one.body["state"], one.body["failure_reason"]) == ("failed", "content policy violation")
        assert several.body == [one.body]
        assert one.headers["x-aimlapi-credits-used"] == "0"

    play(story, provider)


def test_an_earlier_generation_is_continued() -> None:
    async def story(server: Running) -> None:
        first = await submit(server)
        await server.reach(first)
        for keyframes, task in (
            ({"frame0": {"type": "generation", "id": first}}, "extend"),
            ({"frame1": {"type": "generation", "id": first}}, "extend"),
            (
                {"frame0": {"type": "generation", "id": first}, "frame1": {"type": "generation", "id": first}},
                "frames-to-video",
            ),
        ):
            id = await submit(server, keyframes=keyframes, loop=False)
            assert (await server.engine.store.get(id)).task == task
        extended = await ask(server, "POST", f"/v1/luma-ai/generations/{first}/extend", {"user_prompt": "hat"})
        assert extended.status == 201
        nobodys = {"prompt": "x", "keyframes": {"frame0": {"type": "generation", "id": first[:-4] + "0000"}}}
        refused = await ask(server, "POST", f"{LUMA}/generation", nobodys)
        assert refused.status == 400
        assert "keyframes.frame0.id: there is no generation" in refused.body["message"]

    play(story, [*DONE, *([Ticket("u2"), ProviderRejected("no")] * 4)])


def test_the_document_s_wrong_samples_are_told_what_is_allowed() -> None:
    async def story(server: Running) -> None:
        shape = await ask(server, "POST", f"{LUMA}/generation", {"prompt": "x", "aspect_ratio": "19:9"})
        assert shape.status == 400
        assert shape.body["message"] == (
            "Body validation error: aspect_ratio: Invalid enum value. Expected '1:1' | '16:9' | '9:16' | '4:3' | "
            "'3:4' | '21:9' | '9:21', received '19:9'"
        )
        id = "755f9bbb-d99b-4880-992b-f05244ddba61"
        state = await ask(server, "GET", f"{LUMA}/generations?generation_ids[]={id}&status=streaming")
        assert (state.status, state.body["path"]) == (400, f"{LUMA}/generations")
        missing = await ask(server, "GET", f"{LUMA}/generations?generation_ids[]={id}&status=dreaming")
        assert (missing.status, missing.body["message"]) == (404, f"generation {id} was not found")

    play(story)


def test_callbacks_tell_the_generation() -> None:
    async def story(server: Running, told: "asyncio.Queue[Any]", hook: str) -> None:
        id = await submit(server, callback_url=hook)
        bodies = [await asyncio.wait_for(told.get(), 10) for _ in range(2)]
        assert {body["state"] for body in bodies} == {"dreaming", "completed"}
        assert {body["id"] for body in bodies} == {id}
        assert all(body["request"]["callback_url"] == hook for body in bodies)

    async def run() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()

        async def receive(request: web.Request) -> web.Response:
            await told.put(await request.json())
            return web.Response()

        application = web.Application()
        application.router.add_post("/hook", receive)
        runner = web.AppRunner(application)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with running(DONE, client=GuardedClient(allow_loopback=True)) as server:
            await story(server, told, f"http://127.0.0.1:{port}/hook")
        await runner.cleanup()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "body", "read"),
    [
        ("/v2/video/generations", {"model": "luma/ray-2", "prompt": "x"}, lambda body: body["video"]["url"]),
        (
            "/v2/generate/video/kling/generation",
            {"model": "kling-video/v1/standard/text-to-video", "prompt": "x", "duration": "5", "ratio": "16:9"},
            lambda body: body["video"]["url"],
        ),
        (
            "/v2/generate/video/minimax/generation",
            {"model": "video-01", "prompt": "x", "prompt_optimizer": True},
            lambda body: body["video"]["url"],
        ),
        ("/v2/generate/video/google/generation", {"model": "veo2", "prompt": "x"}, lambda body: body["video"]["url"]),
        (
            "/v2/generate/video/alibaba/generation",
            {"model": "wan/v2.1/1.3b/text-to-video", "prompt": "x"},
            lambda body: body["video"]["url"],
        ),
        (
            "/v2/generate/video/pixverse/generation",
            {"model": "pixverse/v5/text-to-video", "prompt": "x"},
            lambda body: body["video"]["url"],
        ),
        (
            "/v2/generate/video/bytedance/generation",
            {"model": "bytedance/seedance-1-0-lite-t2v", "prompt": "x", "watermark": False},
            lambda body: body["video"]["url"],
        ),
    ],
)
def test_submit_and_poll(path: str, body: Any, read: Callable[[Any], str]) -> None:
    async def story(server: Running) -> None:
        made = await ask(server, "POST", path, body)
        assert (made.status, made.body["status"]) == (200, "queued"), made.body
        await server.reach(made.body["id"])
        done = await ask(server, "GET", f"{path}?generation_id={made.body['id']}")
        assert (done.body["status"], done.body["error"], done.body["model"]) == ("completed", None, body["model"])
        assert read(done.body).startswith(server.url)
        assert done.body["meta"] == made.body["meta"]

    play(story, DONE)


def test_runway_s_words_and_its_array() -> None:
    picture = f"data:image/png;base64,{PIXEL}"
    path = "/v2/generate/video/runway/generation"

    async def story(server: Running) -> None:
        body = {"model": "gen4_turbo", "prompt": "x", "image_url": picture, "ratio": "1280:720", "watermark": False}
        made = await ask(server, "POST", path, body)
        assert made.status == 200, made.body
        # Ten seconds unless told otherwise, at 5.25 cents each.
        assert made.body["meta"]["usage"]["usd_spent"] == 0.525
        await server.reach(made.body["id"])
        (url,) = (await ask(server, "GET", f"{path}?generation_id={made.body['id']}")).body["video"]
        assert url.startswith(server.url)

    play(story, DONE)


def test_a_model_of_another_kind_is_refused() -> None:
    async def story(server: Running) -> None:
        refused = await ask(server, "POST", "/v2/generate/audio", {"model": "veo2", "prompt": "x"})
        assert (refused.status, refused.body["statusCode"]) == (400, 400)
        song = {"model": "minimax/music-2.0", "prompt": "x", "lyrics": "la"}
        made = await ask(server, "POST", "/v2/generate/audio", song)
        assert (made.status, made.body["status"], made.body["audio_file"]) == (200, "queued", None)

    play(story, DONE)


def test_the_account_s_pages() -> None:
    async def story(server: Running) -> None:
        await server.account("payer", plan="payg", amount=100)

        async def page(method: str, path: str, body: Any = None) -> Any:
            answer = await ask(server, method, path, body, account="payer")
            assert answer.status == 200, answer.body
            return answer.body

        made = await page("POST", "/v2/video/generations", {"model": "luma/ray-2", "prompt": "x"})
        await server.reach(made["id"])
        assert (await page("GET", "/v2/billing"))["current_balance"] == 0.4
        assert (await page("GET", "/v1/billing/balance"))["balance"] == 800_000
        charges = await page("GET", "/v2/billing/transactions?direction=CHARGE")
        assert [(one["reference_id"], one["amount"]["usd"]) for one in charges["data"]] == [(made["id"], 0.6)]
        log = await page("GET", "/v2/logs?period=1h&model=luma/ray-2")
        assert [one["inference_id"] for one in log["data"]] == [made["id"]]
        assert (await page("GET", "/v2/logs?model=veo2"))["pagination"]["total"] == 0
        assert (await page("GET", "/v2/logs?model=nope"))["pagination"]["total"] == 0
        poor = await ask(
            server, "POST", "/v2/video/generations", {"model": "luma/ray-2", "prompt": "x"}, account="payer"
        )
        assert poor.status == 403
        assert poor.body["message"].startswith("You've run out of credits.")

    play(story, DONE)


def test_keys_are_made_named_and_revoked() -> None:
    async def story(server: Running) -> None:
        made = (await ask(server, "POST", "/v1/keys", {"name": "first"})).body["data"]
        assert len(made["key"]) == 32
        assert made["prefix"] == made["key"][:8]
        own = await server.ask("GET", "/v1/key", key=made["key"])
        assert own.body["data"]["prefix"] == made["prefix"]
        renamed = await ask(server, "PATCH", f"/v1/keys/{made['prefix']}", {"name": "second"})
        assert renamed.body["data"]["name"] == "second"
        listed = await ask(server, "GET", "/v1/keys")
        assert "second" in [key["name"] for key in listed.body["data"]]
        deleted = await ask(server, "DELETE", f"/v1/keys/{made['prefix']}")
        assert deleted.body == {"data": {"prefix": made["prefix"], "deleted": True}}
        assert (await server.ask("GET", "/v2/billing", key=made["key"])).status == 401
        assert (await ask(server, "DELETE", f"/v1/keys/{made['prefix']}")).status == 404

    play(story)


def test_models_are_answered_by_the_key_s_own_dialect() -> None:
    async def story(server: Running) -> None:
        own = await ask(server, "GET", "/v1/models?id=veo2")
        assert [model["id"] for model in own.body["data"]] == ["veo2"]
        unchanged = await ask(server, "GET", "/v1/models?id=veo2", headers={"if-none-match": own.headers["etag"]})
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert "items" in (await server.ask("GET", "/v1/models")).body
        assert "items" in (await server.ask("GET", "/v1/models", key="")).body
        assert (await server.ask("GET", "/aimlapi/v1/models", key="")).body["object"] == "list"

    play(story)


def test_another_account_s_generation_is_nobody_s() -> None:
    async def story(server: Running) -> None:
        await server.account("other")
        id = await submit(server)
        for path in (
            f"{LUMA}/generation?generation_id={id}",
            f"{LUMA}/generations?generation_ids={id}",
            f"/v2/video/generations?generation_id={id}",
            f"/luma-ai/generation?ids={id}",
        ):
            answer = await ask(server, "GET", path, account="other")
            assert (answer.status, answer.body["message"]) == (404, f"generation {id} was not found")

    play(story, DONE)
