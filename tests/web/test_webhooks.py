"""Webhooks as a caller meets them: a whole server, its API, and a receiver on a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from darkroom.courier import REST_LIMIT_S
from darkroom.testing import Step, an_output
from darkroom.webhook import Delivery
from tests.courier.doubles import Receiver, receiving
from tests.harness import Running, running
from tests.store.conftest import a_new

BODY = {"model": "kling-v2.1", "inputs": {"prompt": "a crane"}}


@contextlib.asynccontextmanager
async def a_server(*statuses: int, script: int = 8) -> AsyncIterator[tuple[Running, Receiver]]:
    steps: list[Step] = [an_output() for _ in range(script)]
    async with receiving(*statuses) as receiver, running(steps, allow_loopback=True) as server:
        yield server, receiver


def play(act: Any) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(in_time())


async def made(server: Running, url: str, *events: str, account: str = "default") -> Any:
    answer = await server.ask("POST", "/v1/webhooks", {"url": url, "events": list(events)}, account=account)
    assert answer.status == 201
    assert answer.headers["location"] == f"/v1/webhooks/{answer.body['id']}"
    return answer.body


async def reached(server: Running, delivery_id: str, *statuses: str) -> Any:
    """A delivery once it has come so far, asked for again and again: its log has no event to wait for."""
    while True:
        found = (await server.ask("GET", f"/v1/deliveries/{delivery_id}")).body
        if found["status"] in statuses and found["tries"]:
            return found
        await asyncio.sleep(0)


def test_an_endpoint_is_told_in_order_and_its_messages_can_be_verified() -> None:
    async def act() -> None:
        async with a_server() as (server, receiver):
            hook = await made(server, receiver.url())
            id = (await server.ask("POST", "/v1/generations", BODY)).body["id"]
            verifier = Verifier(hook["secret"])
            told = []
            for _ in range(3):
                letter = await receiver.arrivals.get()
                told.append(verifier.verify(letter.body, dict(letter.headers)))
            names = ["generation.queued", "generation.running", "generation.completed"]
            assert [each["type"] for each in told] == names
            assert {each["data"]["id"] for each in told} == {id}
            assert all(each["timestamp"] for each in told)
            log = (await server.ask("GET", f"/v1/deliveries?generation_id={id}")).body
            assert [item["event"] for item in reversed(log["items"])] == names
            last = await reached(server, log["items"][0]["id"], "delivered")
            (tried,) = last["tries"]
            assert (tried["status"], tried["outcome"]) == (200, "answered 200")
            assert (last["webhook_id"], last["generation_id"], last["next_try_at"]) == (hook["id"], id, None)
            # What the log shows is what was sent, to the byte.
            assert tried["body"].encode() == letter.body
            assert tried["headers"]["webhook-signature"] == letter.headers["webhook-signature"]

    play(act)


def test_a_message_does_not_wait_for_the_courier_s_next_look() -> None:
    async def act() -> None:
        async with a_server() as (server, receiver):
            await made(server, receiver.url(), "generation.completed")
            # The first may meet a look that was due anyway; of those that follow it none is.
            for limit_s in (None, REST_LIMIT_S / 2, REST_LIMIT_S / 2):
                assert (await server.ask("POST", "/v1/generations", BODY)).status == 202
                async with asyncio.timeout(limit_s):
                    await receiver.arrivals.get()

    play(act)


def test_a_secret_is_seen_once_and_both_are_good_while_it_is_rotated() -> None:
    async def act() -> None:
        async with a_server() as (server, receiver):
            hook = await made(server, receiver.url(), "generation.completed")
            path = f"/v1/webhooks/{hook['id']}"
            assert (await server.ask("GET", path)).body["secret"] is None
            assert [item["secret"] for item in (await server.ask("GET", "/v1/webhooks")).body["items"]] == [None]
            rotated = (await server.ask("POST", f"{path}/rotate")).body
            assert rotated["secret"] != hook["secret"]
            await server.ask("POST", f"{path}/test")
            letter = await receiver.arrivals.get()
            for secret in (hook["secret"], rotated["secret"]):
                told: Any = Verifier(secret).verify(letter.body, dict(letter.headers))
                assert (told["type"], told["data"]) == ("webhook.test", {"id": hook["id"]})
            newest = (await server.ask("POST", f"{path}/rotate", {"grace_s": 0})).body
            await server.ask("POST", f"{path}/test")
            letter = await receiver.arrivals.get()
            Verifier(newest["secret"]).verify(letter.body, dict(letter.headers))
            for secret in (hook["secret"], rotated["secret"]):
                with pytest.raises(WebhookVerificationError):
                    Verifier(secret).verify(letter.body, dict(letter.headers))

    play(act)


def test_one_generation_can_have_an_address_of_its_own_and_say_what_it_wants_to_hear() -> None:
    async def act() -> None:
        async with a_server() as (server, receiver):
            body = {**BODY, "webhook_url": receiver.url(), "webhook_events": ["generation.completed"]}
            id = (await server.ask("POST", "/v1/generations", body)).body["id"]
            await server.reach(id)
            letter = await receiver.arrivals.get()
            assert b'"type":"generation.completed"' in letter.body
            assert "webhook-signature" not in {name.lower() for name in letter.headers}
            log = (await server.ask("GET", f"/v1/deliveries?generation_id={id}")).body["items"]
            assert [(item["event"], item["webhook_id"]) for item in log] == [("generation.completed", None)]
            # Also the one event that is not told without being asked for.
            early = {**BODY, "webhook_url": receiver.url(), "webhook_events": ["generation.queued"]}
            await server.reach((await server.ask("POST", "/v1/generations", early)).body["id"])
            assert b'"type":"generation.queued"' in (await receiver.arrivals.get()).body
            refused = await server.ask("POST", "/v1/generations", {**BODY, "webhook_url": "http://10.0.0.1/"})
            assert (refused.status, refused.body["error"]["problems"][0]["field"]) == (422, "webhook_url")

    play(act)


def test_gone_disables_and_what_was_missed_is_sent_again() -> None:
    async def act() -> None:
        async with a_server(410, 200) as (server, receiver):
            hook = await made(server, receiver.url(), "generation.completed")
            path = f"/v1/webhooks/{hook['id']}"
            sent = (await server.ask("POST", f"{path}/test")).body
            await reached(server, sent["id"], "given_up", "held")
            shown = (await server.ask("GET", path)).body
            assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "it answered 410 Gone")
            assert (await server.ask("POST", f"{path}/test")).status == 422
            id = (await server.ask("POST", "/v1/generations", BODY)).body["id"]
            await server.reach(id)
            (held,) = (await server.ask("GET", f"/v1/deliveries?generation_id={id}&status=held")).body["items"]
            assert (await server.ask("PATCH", path, {"is_enabled": True})).body["is_enabled"] is True
            since = {"since": held["created_at"]}
            assert (await server.ask("POST", f"{path}/redeliver", since)).body == {"count": 1}
            while (letter := await receiver.arrivals.get()).headers["webhook-id"] != held["id"]:
                pass
            assert b'"type":"generation.completed"' in letter.body
            await reached(server, held["id"], "delivered")
            assert (await server.ask("POST", f"/v1/deliveries/{held['id']}/redeliver")).status == 202
            assert (await receiver.arrivals.get()).headers["webhook-id"] == held["id"]

    play(act)


def test_another_account_sees_and_touches_nothing() -> None:
    async def act() -> None:
        async with a_server() as (server, receiver):
            await server.account("bob")
            hook = await made(server, receiver.url())
            sent = (await server.ask("POST", f"/v1/webhooks/{hook['id']}/test")).body
            for method, path, body in (
                ("GET", f"/v1/webhooks/{hook['id']}", None),
                ("PATCH", f"/v1/webhooks/{hook['id']}", {"is_enabled": False}),
                ("DELETE", f"/v1/webhooks/{hook['id']}", None),
                ("POST", f"/v1/webhooks/{hook['id']}/rotate", None),
                ("POST", f"/v1/webhooks/{hook['id']}/test", None),
                ("POST", f"/v1/webhooks/{hook['id']}/redeliver", {"since": "2026-01-01T00:00:00Z"}),
                ("GET", f"/v1/deliveries/{sent['id']}", None),
                ("POST", f"/v1/deliveries/{sent['id']}/redeliver", None),
            ):
                assert (await server.ask(method, path, body, account="bob")).status == 404, path
            assert (await server.ask("GET", "/v1/deliveries", account="bob")).body["items"] == []
            assert (await server.ask("GET", "/v1/webhooks", account="bob")).body["items"] == []
            assert (await server.ask("GET", f"/v1/webhooks/{hook['id']}")).body["is_enabled"] is True

    play(act)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/webhooks", {}, "url"),
        ("POST", "/v1/webhooks", {"url": "http://10.0.0.1/"}, "url"),
        ("POST", "/v1/webhooks", {"url": "https://example.com/", "events": ["completed"]}, "events"),
        ("POST", "/v1/webhooks", {"url": "https://example.com/", "events": "generation.completed"}, "events"),
        ("PATCH", "/v1/webhooks/x", {"is_enabled": 1}, "is_enabled"),
        ("POST", "/v1/webhooks/x/rotate", {"grace_s": -1}, "grace_s"),
        ("POST", "/v1/webhooks/x/rotate", {"grace_s": True}, "grace_s"),
        ("POST", "/v1/webhooks/x/redeliver", {"since": "yesterday"}, "since"),
        ("GET", "/v1/deliveries?status=lost", None, "status"),
        ("GET", "/v1/deliveries?cursor=x", None, "cursor"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(method: str, path: str, body: Any, field: str) -> None:
    async def act() -> None:
        async with a_server() as (server, _):
            answer = await server.ask(method, path, body)
            assert (answer.status, answer.body["error"]["problems"][0]["field"]) == (422, field)

    play(act)


def test_an_account_has_fifty_endpoints_at_most() -> None:
    async def act() -> None:
        async with a_server() as (server, _):
            for number in range(50):
                await made(server, f"https://example.com/{number}")
            answer = await server.ask("POST", "/v1/webhooks", {"url": "https://example.com/"})
            assert (answer.status, "delete one first" in answer.body["error"]["message"]) == (422, True)

    play(act)


def test_a_thousand_deliveries_to_a_dead_host_hold_up_neither_a_live_one_nor_a_settlement() -> None:
    """The dead one accepts connections and says nothing: each try runs into its limit."""

    async def act() -> None:
        async with a_server() as (server, receiver):
            receiver.door.clear()
            engine = server.engine
            owner = await engine.store.find_account("default")
            dead, now = receiver.url("/slow", host="localhost"), engine.clock.now()
            # Of a provider that nobody here has: they are looked at as they are, and not carried out.
            new = [a_new(owner, 0, provider="elsewhere", callback_url=dead, created_at=now) for _ in range(1000)]
            accepted = await asyncio.gather(*map(engine.store.submit, new))
            await asyncio.gather(*(engine.store.cancel(owner.id, generation.id, now=now) for generation in accepted))
            engine.courier.wake()
            await receiver.arrivals.get()
            live = await made(server, receiver.url("/live"), "generation.completed")
            id = (await server.ask("POST", "/v1/generations", BODY)).body["id"]
            assert (await server.reach(id)).is_terminal
            while (letter := await receiver.arrivals.get()).path != "/live":
                pass
            Verifier(live["secret"]).verify(letter.body, dict(letter.headers))
            # None of the thousand has been answered meanwhile, and few of them are being sent.
            due, _ = await engine.store.due_deliveries(now=engine.clock.now(), limit=2000)
            assert len([parcel for parcel in due if parcel.url == dead and isinstance(parcel, Delivery)]) == 1000
            assert len([letter for letter in receiver.letters if letter.path == "/slow"]) <= 4
            receiver.door.set()

    play(act)
