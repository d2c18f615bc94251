"""Image to video as in seed 001, with the picture served on this machine under the sample's own host name."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

from aiohttp import web
from PIL import Image

from darkroom.clock import SystemClock
from darkroom.generation import Status
from darkroom.guarded import GuardedClient
from darkroom.providers.sketch.pool import RenderPool
from darkroom.providers.sketch.provider import Sketch
from tests.harness import Running, free_port, running
from tests.seeds.samples import needs_seeds, sample
from tests.seeds.server import film, needs_curl


class ExampleIsHere:
    """A resolver by which example.com is this machine."""

    async def resolve(self, host: str, port: int) -> list[str]:
        assert host == "example.com"
        return ["127.0.0.1"]


def a_portrait() -> bytes:
    written = BytesIO()
    Image.radial_gradient("L").resize((640, 640)).convert("RGB").save(written, "JPEG")
    return written.getvalue()


@asynccontextmanager
async def _pictures() -> AsyncIterator[str]:
    """A web server with one picture; its address by the name of example.com."""

    async def portrait(request: web.Request) -> web.Response:
        return web.Response(body=a_portrait(), content_type="image/jpeg")

    application = web.Application()
    application.router.add_get("/portrait.jpg", portrait)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://example.com:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _darkroom() -> AsyncIterator[Running]:
    sketch = Sketch(RenderPool(1), clock=SystemClock(), slots=1, is_paced=False)
    client = GuardedClient(allow_loopback=True, resolver=ExampleIsHere())
    async with running(sketch, client=client) as server:
        yield server


async def _moves(server: Running, id: int) -> None:
    generation = await server.reach(id, limit_s=60)
    assert generation.status is Status.COMPLETED, generation.cause
    answer = await server.ask("GET", f"/api/v2/generate/{id}", dialect="elumenta")
    assert (answer.body["status"], answer.body["tokens_spent"]) == ("completed", 42)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "portrait.mp4"
        async with server.client.get(answer.body["result_url"]) as found:
            target.write_bytes(await found.read())
        made = await asyncio.to_thread(film, target)
    assert (made.codec, made.seconds) == ("h264", 5.0)


@needs_seeds
@needs_curl
def test_the_seeds_image_to_video() -> None:
    async def run() -> None:
        async with _pictures() as pictures, _darkroom() as server:
            code = sample("001", "bash", "Image to Video").changed(
                **{
                    "https://elumenta.ru": server.url,
                    "nb_YOUR_API_KEY": await server.key("elumenta"),
                    # Nobody here can answer for example.com by https.
                    "https://example.com": pictures,
                }
            )
            process = await asyncio.create_subprocess_exec("bash", "-c", code, stdout=asyncio.subprocess.PIPE)
            said, _ = await process.communicate()
            await _moves(server, json.loads(said)["id"])

    asyncio.run(run())


def test_an_image_to_video_of_ours() -> None:
    async def run() -> None:
        async with _pictures() as pictures, _darkroom() as server:
            sent = {
                "model": "luma-ray2",
                "prompt": "A head turns",
                "params": {"image_url": f"{pictures}/portrait.jpg", "aspect_ratio": "1:1"},
            }
            answer = await server.ask("POST", "/api/v2/generate", sent, dialect="elumenta")
            await _moves(server, answer.body["id"])

    asyncio.run(run())
