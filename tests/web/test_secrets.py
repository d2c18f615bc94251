"""No key, no signature and no webhook secret is ever written to a log or told in an error."""

import asyncio
import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from darkroom.cli import logs
from darkroom.errors import ContentRefused
from darkroom.ports import Webhook
from darkroom.testing import an_output
from tests.harness import running
from tests.web.scene import BOTH, ELUMENTA, NATIVE, PROMPT, a_video_at

SIGNATURE = re.compile(r"signature=[\w-]{20,}")


@contextmanager
def captured(form: str) -> Iterator[io.StringIO]:
    """Everything that is logged, at every level, as a server writes it."""
    written = io.StringIO()
    before = structlog.get_config()
    logs.configure(form=form, level="debug")
    # The handler of whatever library still writes the old way.
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(written), cache_logger_on_first_use=False)
    try:
        yield written
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.configure(**before)


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_secret_is_logged_or_told(form: str) -> None:
    async def run() -> tuple[set[str], list[str]]:
        told: list[str] = []
        script = [an_output(), ContentRefused("no"), an_output()]
        async with running(script, allow_loopback=True) as server:
            secrets = {"dk_" + "w" * 40, "nb_" + "w" * 45}
            owner = await server.engine.store.find_account("default")
            secret = server.engine.dialects["native"].new_secret()
            hook = Webhook(
                id="hook_1",
                account_id=owner.id,
                dialect="native",
                url=f"{server.url}/nowhere",
                secret=secret,
                events=(),
                created_at=server.engine.clock.now(),
            )
            await server.engine.store.create_webhook(hook)
            for dialect in BOTH:
                secrets.add(await server.key(dialect.name))
            for _ in range(2):
                id = await a_video_at(server)
                generation = await server.reach(id)
            generation = await server.reach(await a_video_at(server))
            done = await server.ask("GET", f"/v1/generations/{generation.id}")
            url = done.body["outputs"][0]["url"]
            signature = parse_qs(urlsplit(url).query)["signature"][0]
            made = await server.ask("POST", "/api/v2/keys", {"name": "x"}, dialect="elumenta")
            secrets |= {secret, secret.removeprefix("whsec_"), signature, made.body["key"]}
            for bad in (url.replace(signature, "x" + signature), url + "x", url.split("&")[0]):
                async with server.client.get(bad) as answer:
                    told.append(await answer.text())
            for key in list(secrets):
                for dialect in BOTH:
                    bodies: tuple[Any, ...] = (dialect.body(prompt=PROMPT, image_url="ftp://x"), [], {"model": 5})
                    told += [str((await server.ask("POST", dialect.submit, body, key=key)).body) for body in bodies]
            for path in ("/v1/generations/x", "/api/v2/generate/x", "/nowhere", "/v1/models/x"):
                told += [str((await server.ask("GET", path, key=made.body["key"])).body)]
            # A bug of ours is logged with its traceback, and its request's headers are not.
            server.engine.access.forget_keys()
            await server.engine.database.close()
            crash = await NATIVE.ask_for(server, prompt=PROMPT)
            assert (crash.status, NATIVE.code(crash)) == (500, "internal_error")
            crash = await ELUMENTA.ask_for(server, prompt=PROMPT)
            assert (crash.status, ELUMENTA.code(crash)) == (500, "provider_error")
            told.append(str(crash.body))
            await server.engine.database.open()
        return secrets, told

    with captured(form) as written:
        secrets, told = asyncio.run(run())
    log = written.getvalue()
    assert "a bug answered a request" in log
    assert "RuntimeError: the store is closed" in log
    for secret in secrets:
        assert secret not in log
        assert not [words for words in told if secret in words]
    assert not SIGNATURE.search(log)
    assert "Traceback" not in "".join(told)
