"""AIMLAPI's pages about models, money, requests and keys. Expectations are typed from AIMLAPI's documents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from darkroom import errors
from darkroom.credits import credits
from darkroom.dialects.aimlapi import Aimlapi, billing, keys, model_list
from darkroom.generation import Status
from darkroom.ledger import Entry, Kind, Purse
from darkroom.verbs import MakeKey, NewKey, Page, RenameKey, RevokeKey
from darkroom.wire import WireRequest
from tests.dialects.samples import CREATED, ID, a_generation, a_key, a_reply, a_request, a_statement, models

ROUTES = {(route.method, route.path): route for route in Aimlapi.routes}


def listed(**query: Any) -> Any:
    return model_list.render(models().of("aimlapi"), a_reply(a_request("GET", query=query)))


def test_models_are_told_by_identity_alone() -> None:
    body = listed().body
    assert body["object"] == "list"
    assert len(body["data"]) >= 152
    (ray,) = [model for model in body["data"] if model["id"] == "luma/ray-2"]
    assert {name: ray[name] for name in ("id", "aliases", "type", "tags")} == {
        "id": "luma/ray-2",
        "aliases": [],
        "type": "video",
        "tags": ["playground:video"],
    }
    assert {name: ray["info"][name] for name in ("name", "developer")} == {"name": "Luma Ray 2", "developer": "Luma AI"}
    assert "pricing" not in ray


def test_a_model_with_every_section() -> None:
    for query in ({"include": "all"}, {"details": "true"}, {"include": "pricing,modalities, capabilities,nonsense"}):
        (ray,) = listed(id="LUMA/ray-2", **query).body["data"]
        assert ray["modalities"] == {"input": ["text", "image"], "output": ["video"]}
        assert "text_to_video" in ray["capabilities"]
        assert (ray["pricing"]["kind"], ray["pricing"]["dimensions"]) == ("variants", ["resolution", "duration"])
        first = {"when": {"resolution": "540p", "duration": 5}, "price": 0.25, "unit": "generation", "per": 1}
        assert first in ray["pricing"]["variants"]


def test_every_model_can_be_told() -> None:
    for model in models():
        shown = model_list.show(model)
        assert shown["pricing"]["kind"] in ("fixed", "variants", "variable")


@pytest.mark.parametrize(
    ("query", "some", "none"),
    [
        ({"type": "audio"}, "stable-audio", "veo2"),
        ({"tags": "playground:VIDEO"}, "veo2", "stable-audio"),
        ({"capabilities": "extend,lip_sync"}, "google/veo3-1-extend-video", "veo2"),
        ({"output_modalities": "audio"}, "stable-audio", "veo2"),
        ({"input_modalities": "image"}, "luma/ray-2", "veo2"),
        ({"modalities": "audio"}, "stable-audio", "veo2"),
        ({"id": "veo2,stable-audio", "type": "video"}, "veo2", "stable-audio"),
    ],
)
def test_models_are_filtered(query: dict[str, str], some: str, none: str) -> None:
    found = {model["id"] for model in listed(**query).body["data"]}
    assert some in found
    assert none not in found


def test_an_unchanged_list_is_not_sent_again() -> None:
    tag = listed(type="audio").headers["etag"]
    request = a_request("GET", query={"type": "audio"}, headers={"if-none-match": f'"x", {tag}'})
    answer = model_list.render(models().of("aimlapi"), a_reply(request))
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, None, tag)
    assert listed(type="video").headers["etag"] != tag


# Billing


def test_balances_in_every_form() -> None:
    # 283.5 of our credits are 5,670,000 of AIMLAPI's, and 2.835 dollars.
    assert billing.render_balance(a_statement(), a_reply()).body == {"current_balance": 2.835, "currency": "USD"}
    assert billing.render_detail(a_statement(), a_reply()).body == {
        "user_id": 42,
        "email": None,
        "current_balance": 2.835,
        "currency": "USD",
        "autotopup_settings": {"is_enabled": False, "threshold": 0, "amount": 0, "currency": "USD"},
    }
    assert billing.render_old_balance(a_statement(), a_reply()).body == {
        "balance": 5670000,
        "lowBalance": False,
        "lowBalanceThreshold": 10000,
        "lastUpdated": "2026-03-08T12:05:55.000Z",
        "autoDebitStatus": "disabled",
        "status": "current",
        "statusExplanation": "Balance is current and up to date",
    }
    assert billing.render_old_balance(a_statement(balances={}), a_reply()).body["lowBalance"] is True


def an_entry(kind: Kind, generation_id: str | None) -> Entry:
    return Entry(
        account_id="a1",
        kind=kind,
        purse=Purse.PERMANENT,
        amount=credits(156),
        generation_id=generation_id,
        at=CREATED,
    )


def test_transactions_field_by_field() -> None:
    page = Page(items=(an_entry(Kind.CAPTURE, ID), an_entry(Kind.GRANT, None)), cursor="7")
    body = billing.render_transactions(page, a_reply()).body
    assert body["data"][0] == {
        "created_at": "2026-03-08T12:05:00.000Z",
        "direction": "CHARGE",
        "type": "MODEL_USAGE",
        "amount": {"usd": 1.56, "credits": 3120000},
        "model": None,
        "reference_id": ID,
    }
    assert (body["data"][1]["direction"], body["data"][1]["type"]) == ("TOPUP", "ADJUSTMENT")
    assert body["pagination"] == {"next_cursor": "7", "has_more": True}


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({}, {"grant", "capture"}),
        ({"direction": "CHARGE"}, {"capture"}),
        ({"direction": "TOPUP"}, {"grant"}),
        ({"type": "MODEL_USAGE"}, {"capture"}),
        ({"type": "PAYMENT"}, {"none"}),
        ({"direction": "TOPUP", "type": "MODEL_USAGE"}, {"none"}),
    ],
)
def test_transactions_are_filtered(query: dict[str, str], kinds: set[str]) -> None:
    asked = billing.parse_transactions(a_request("GET", query=query))
    assert (set(asked.kinds), asked.limit) == (kinds, 50)


@pytest.mark.parametrize(
    "query",
    [
        {"direction": "charge"},
        {"type": "GIFT"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "9" * 5000},
        {"from": "yesterday"},
        {"from": "2026-01-02", "to": "2026-01-01"},
    ],
)
def test_wrong_questions_about_transactions(query: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput):
        billing.parse_transactions(a_request("GET", query=query))


def test_the_end_of_a_window_is_outside_of_it() -> None:
    asked = billing.parse_transactions(a_request("GET", query={"from": "2026-01-01", "to": "2026-01-02T00:00:00Z"}))
    assert asked.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert asked.until == datetime(2026, 1, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert billing.parse_transactions(a_request("GET", query={"to": "0001-01-01"})).until is not None


def a_log_request(**query: str) -> WireRequest:
    return a_request("GET", query=query, at=CREATED)


def test_logs_are_asked_for() -> None:
    asked = billing.parse_logs(a_log_request(period="7d", model="luma/ray-2", status="failed", limit="10", offset="20"))
    assert (asked.model, asked.catalogue) == ("luma/ray-2", "aimlapi")
    assert asked.status == (Status.FAILED, Status.CANCELED)
    assert (asked.limit, asked.page) == (10, 3)
    assert (asked.created_after, asked.created_before) == (CREATED - timedelta(days=7), CREATED)
    usual = billing.parse_logs(a_log_request())
    assert usual.created_after == CREATED - timedelta(hours=24)
    assert set(usual.status) == {Status.COMPLETED, Status.FAILED, Status.CANCELED}


@pytest.mark.parametrize(
    "query",
    [
        {"period": "7"},
        {"period": "0d"},
        {"period": "93d"},
        {"period": "9999d"},
        {"period": "7d", "start": "2026-01-01"},
        {"start": "2026-01-01"},
        {"end": "2026-01-01"},
        {"start": "2026-01-02", "end": "2026-01-01"},
        {"start": "2026-01-01", "end": "2026-05-01"},
        {"offset": "7"},
        {"status": "succeeded,failed"},
        {"key_prefix": "abcd1234"},
    ],
)
def test_wrong_questions_about_logs(query: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput):
        billing.parse_logs(a_log_request(**query))


def test_a_log_row_field_by_field() -> None:
    generation = a_generation(
        Status.COMPLETED,
        dialect="aimlapi",
        wire={"model": "luma/ray-3.2", "client_request_id": "customer-42"},
        spent={"permanent": credits(6)},
    )
    body = billing.render_logs(Page(items=(generation,), total=21, page=3, limit=10), a_reply()).body
    assert body["data"] == [
        {
            "created": "2026-03-08T12:05:00.000Z",
            "status": "succeeded",
            "origin": "api",
            "model": "luma/ray-3.2",
            "cost": {"usd": 0.06, "credits": 120000},
            "tokens": {"input": 0, "output": 0, "total": 0},
            "request_id": None,
            "inference_id": ID,
            "client_request_id": "customer-42",
        }
    ]
    assert body["pagination"] == {"limit": 10, "offset": 20, "total": 21, "has_more": False}


# Keys


def test_a_key_is_shown_as_documented() -> None:
    key = a_key(hint="b747e891", dialect="aimlapi")
    shown = keys.render_made(NewKey(key, "b747e891847f4c3fa0f6cce1cfd79bf9"), a_reply()).body["data"]
    assert shown == {
        "name": "Laptop",
        "disabled": False,
        "prefix": "b747e891",
        "scopes": None,
        "limit": None,
        "created_at": "2026-03-08T12:05:00.000Z",
        "updated_at": "2026-03-08T12:05:00.000Z",
        "monthly_usage": None,
        "key": "b747e891847f4c3fa0f6cce1cfd79bf9",
    }
    revoked = a_key(hint="19e32b2c", revoked_at=CREATED)
    assert [one["prefix"] for one in keys.render_list((key, revoked), a_reply()).body["data"]] == ["b747e891"]
    assert keys.render_revoked(revoked, a_reply()).body == {"data": {"prefix": "19e32b2c", "deleted": True}}


def test_one_key_is_found_by_its_beginning() -> None:
    key, revoked = a_key(hint="b747e891"), a_key(hint="19e32b2c", revoked_at=CREATED)
    for prefix, status in (("b747e891", 200), ("19e32b2c", 404), ("\x00", 404)):
        answer = keys.render_one((key, revoked), a_reply(a_request("GET", path={"prefix": prefix})))
        assert answer.status == status


def test_keys_are_named_and_revoked() -> None:
    assert keys.parse_make(a_request(body={"name": "next", "limit": None})) == MakeKey(name="next")
    assert keys.parse_make(a_request()) == keys.parse_make(a_request(body={})) == MakeKey(name="unnamed")
    path = {"prefix": "b747e891"}
    assert keys.parse_rename(a_request(body={"name": "n"}, path=path)) == RenameKey(key="b747e891", name="n")
    revoke = ROUTES["DELETE", "/v1/keys/{prefix}"].parse(a_request("DELETE", path=path))
    assert revoke == RevokeKey(key="b747e891")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "limit": {"retention": "week", "threshold": 25}},
        {"name": "x", "scopes": ["model:chat"]},
        {"name": "x", "disabled": True},
        {"name": "x", "colour": "red"},
        {"name": 5},
        {"name": "x" * 101},
        [],
    ],
)
def test_what_a_key_cannot_have_is_refused(body: Any) -> None:
    with pytest.raises(errors.InvalidInput):
        keys.parse_make(a_request(body=body))
