"""More than a plan allows at once: refused, or accepted to wait, as the plan says."""

import asyncio
from pathlib import Path

from darkroom.errors import Ambiguous
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.harness import Running, running
from tests.web.scene import NATIVE, PROMPT
from tests.worker.scene import until

PLANS = """
[waits]
title = "Waits"
in_flight = 1
over_limit = "queue"

[refuses]
title = "Refuses"
in_flight = 1
"""


async def submit(server: Running, account: str, **more: object) -> tuple[int, dict[str, object]]:
    body = {**NATIVE.body(prompt=PROMPT), **more}
    answer = await server.ask("POST", "/v1/generations", body, account=account)
    return answer.status, answer.body


def test_a_plan_refuses_or_lets_wait(tmp_path: Path) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLANS)

    async def act() -> None:
        provider = ScriptedProvider([Ticket("u"), Ticket("u"), an_output(), an_output()], may_restart=True)
        provider.gate.clear()
        async with running(provider, plans=str(plans)) as server:
            await server.account("patient", plan="waits")
            await server.account("strict", plan="refuses")
            assert [(await submit(server, "strict"))[0] for _ in range(2)] == [202, 429]
            assert [(await submit(server, "patient"))[0] for _ in range(3)] == [202, 202, 202]
            await until(lambda: len(provider.polled) == 2)
            listed = await server.ask("GET", "/v1/generations", account="patient")
            assert [item["status"] for item in listed.body["items"]] == ["queued", "queued", "running"]
            assert (await server.ask("GET", "/v1/account", account="patient")).body["held"] == 3 * 26

    asyncio.run(act())


def test_what_is_held_as_ambiguous_keeps_nobody_waiting(tmp_path: Path) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLANS)

    async def act() -> None:
        lost = Ambiguous("the connection was cut")
        provider = ScriptedProvider([lost, Ticket("u"), an_output()])
        async with running(provider, plans=str(plans)) as server:
            await server.account("patient", plan="waits")
            first, second = [(await submit(server, "patient"))[1]["id"] for _ in range(2)]
            await server.reach(str(second))
            held = await server.ask("GET", f"/v1/generations/{first}", account="patient")
            assert held.body["status"] == "running"
            assert provider.started == [first, second]

    asyncio.run(act())


def test_the_limit_holds_after_a_restart(tmp_path: Path) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLANS)

    async def act() -> None:
        async with running(ScriptedProvider([], slots=0), plans=str(plans), data=tmp_path / "data") as server:
            await server.account("patient", plan="waits")
            for _ in range(3):
                await submit(server, "patient")
        provider = ScriptedProvider([Ticket("u"), an_output()] * 3, may_restart=True)
        provider.gate.clear()
        async with running(provider, plans=str(plans), data=tmp_path / "data") as server:
            await provider.entered.wait()
            assert len(provider.started) == 1
            provider.gate.set()
            account = await server.engine.store.find_account("patient")
            for id in [turn.id for turn in await server.engine.store.queued()]:
                await server.reach(id)
            assert await server.engine.store.in_flight(account.id) == 0
            assert len(provider.started) == 3

    asyncio.run(act())


def test_the_more_urgent_goes_first_and_it_is_told() -> None:
    async def act() -> None:
        provider = ScriptedProvider([Ticket("u"), an_output()] * 4, slots=1, may_restart=True)
        provider.gate.clear()
        async with running(provider) as server:
            bodies = [(await submit(server, "default", priority="low"))[1]]
            # It has the only slot before there is anything more urgent.
            await provider.entered.wait()
            bodies += [(await submit(server, "default", priority=word))[1] for word in ("low", "normal", "high")]
            assert [body["priority"] for body in bodies] == ["low", "low", "normal", "high"]
            status, refused = await submit(server, "default", priority="urgent")
            assert (status, refused["error"]["problems"][0]["field"]) == (422, "priority")  # type: ignore[index]
            provider.gate.set()
            for body in bodies:
                await server.reach(str(body["id"]))
            first, second, third, fourth = (str(body["id"]) for body in bodies)
            assert provider.started == [first, fourth, third, second]

    asyncio.run(act())


def test_a_cancel_tells_what_became_of_the_credits() -> None:
    async def act() -> None:
        for bills, told in ((True, (26, 0)), (False, (0, 26))):
            provider = ScriptedProvider([Ticket("u")], bills_canceled=bills, may_restart=True)
            provider.gate.clear()
            async with running(provider) as server:
                _, body = await submit(server, "default")
                assert (body["quote"], body["spent"], body["released"]) == (26, 0, 0)
                await server.reach(str(body["id"]), Status.RUNNING)
                for _ in range(2):
                    answer = await server.ask("POST", f"/v1/generations/{body['id']}/cancel")
                    assert (answer.body["status"], answer.body["spent"], answer.body["released"]) == ("canceled", *told)

    asyncio.run(act())
