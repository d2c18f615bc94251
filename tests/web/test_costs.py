"""What operators see and callers never do: costs, and where a result came from."""

import asyncio
from pathlib import Path

import pytest

from darkroom.ports import Output, Produced, Work
from tests.harness import running

PROMPT = {"model": "kling-v2.1", "inputs": {"prompt": "a tree"}}
PLANS = """
[operator]
title = "Operator"
sees_costs = true

[curious]
title = "Curious"
upstream_urls = true
"""
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def made(work: Work) -> Output:
    """As an upstream's provider hands it over."""
    path = work.folder / "result.mp4"
    path.write_bytes(b"test")
    file = Produced(path=path, media_type="video/mp4", sha256=DIGEST, origin_url="https://cdn.example/a.mp4?key=k")
    return Output(files=(file,), cost_micro_usd=250_000)


@pytest.fixture
def plans(tmp_path: Path) -> str:
    (tmp_path / "plans.toml").write_text(PLANS)
    return str(tmp_path / "plans.toml")


def test_costs_are_for_operators_alone(plans: str) -> None:
    async def act() -> None:
        async with running([made], plans=plans, credit_usd=0.02) as server:
            await server.account("boss", plan="operator")
            id = (await server.ask("POST", "/v1/generations", PROMPT)).body["id"]
            spent = (await server.reach(id)).spent_total / 1_000_000
            for path in ("/v1/costs", "/v1/costs?by=provider", "/v1/costs?by=nonsense"):
                refused = await server.ask("GET", path)
                assert (refused.status, refused.body["error"]["code"]) == (403, "plan_too_low")
                assert "kling" not in str(refused.body)
            report = (await server.ask("GET", "/v1/costs?since=2020-01-01T00:00:00Z", account="boss")).body
            assert report["by"] == "model"
            (line,) = report["items"]
            assert (line["name"], line["generations"], line["captured"]) == ("kling-v2.1", 1, spent)
            assert line["cost_usd"] == 0.25
            assert line["revenue_usd"] == pytest.approx(spent * 0.02)
            assert line["margin_usd"] == pytest.approx(spent * 0.02 - 0.25)
            by_account = (await server.ask("GET", "/v1/costs?by=account", account="boss")).body
            assert [each["name"] for each in by_account["items"]] == ["default"]
            assert (await server.ask("GET", "/v1/costs?by=nonsense", account="boss")).status == 422
            assert (await server.ask("GET", "/v1/costs", key="")).status == 401

    asyncio.run(act())


def test_a_credit_without_a_price_has_no_margin(plans: str) -> None:
    async def act() -> None:
        async with running([made], plans=plans) as server:
            await server.account("boss", plan="operator")
            await server.reach((await server.ask("POST", "/v1/generations", PROMPT)).body["id"])
            (line,) = (await server.ask("GET", "/v1/costs", account="boss")).body["items"]
            assert (line["cost_usd"], line["revenue_usd"], line["margin_usd"]) == (0.25, None, None)

    asyncio.run(act())


@pytest.mark.parametrize(("plan", "is_told"), [("open", False), ("curious", True)])
def test_where_a_result_came_from_is_told_where_the_plan_says_so(plans: str, plan: str, is_told: bool) -> None:
    async def act() -> None:
        async with running([made], plans=plans) as server:
            await server.account("ann", plan=plan)
            id = (await server.ask("POST", "/v1/generations", PROMPT, account="ann")).body["id"]
            await server.reach(id)
            for _ in range(2):  # made, and as it was kept
                (output,) = (await server.ask("GET", f"/v1/generations/{id}", account="ann")).body["outputs"]
                assert output["sha256"] == DIGEST
                assert output.get("upstream_url") == ("https://cdn.example/a.mp4?key=k" if is_told else None)
                assert ("upstream_url" in output) is is_told

    asyncio.run(act())
