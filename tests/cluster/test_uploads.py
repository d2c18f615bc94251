"""Files that callers bring, over HTTP and PostgreSQL: kept once, used as inputs, taken back, brought in parts."""

import asyncio
import base64

from darkroom.testing import an_output
from tests.harness import running
from tests.postgres import postgres
from tests.web.test_uploads import PNG, PNG_SHA256, animate, put, stored, upload


def test_files_come_in_by_every_way_and_are_used() -> None:
    async def act() -> None:
        dsn = await postgres().fresh()
        async with running([an_output(), an_output()], database=dsn) as server:
            made = await upload(server)
            assert (made.status, made.body["sha256"]) == (201, PNG_SHA256)
            inline = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
            for source in (made.body["id"], inline):
                begun = await animate(server, source)
                assert begun.status == 202
                await server.reach(begun.body["id"])
            begun = await server.ask("POST", "/v1/uploads", {"size_bytes": len(PNG), "name": "a.png"})
            assert (await put(server, begun.body["id"], 1, PNG)).status < 300
            whole = await server.ask("POST", f"/v1/uploads/{begun.body['id']}/complete")
            assert whole.body["sha256"] == PNG_SHA256
            # Four times the same bytes: one file.
            assert len(stored(server)) == 1
            listed = (await server.ask("GET", "/v1/assets")).body["items"]
            assert sorted(each["id"] for each in listed) == sorted([made.body["id"], whole.body["id"]])
            assert (await server.ask("DELETE", f"/v1/assets/{made.body['id']}")).status == 204
            assert (await animate(server, made.body["id"])).status == 422

    asyncio.run(act())
