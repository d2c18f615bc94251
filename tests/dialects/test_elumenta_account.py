"""Elumenta's models, prices, balance, user, history and keys, with dictionaries; expected as in the protocol file."""

from typing import Any

import pytest

from darkroom import errors
from darkroom.account import Account
from darkroom.credits import Credits, credits
from darkroom.dialects import elumenta_account as elumenta
from darkroom.generation import Generation, Status
from darkroom.verbs import List, Mark, NewKey, Page, Quotation, RenameAccount, RenameKey, RevokeKey, ShowModels
from tests.dialects.samples import (
    CREATED,
    a_generation,
    a_key,
    a_plan,
    a_reply,
    a_request,
    a_statement,
    a_video,
    models,
)

# Models and prices.


def test_a_model_as_in_the_protocol() -> None:
    body = elumenta.render_model(models().find("dall-e-3", dialect="elumenta"), a_reply()).body
    assert body == {
        "slug": "dall-e-3",
        "name": "DALL-E 3",
        "category": "image",
        "provider": "OpenAI",
        "min_plan": "free",
        "token_cost": 5,
        "min_token_cost": 5,
        "max_token_cost": 13,
        "description_en": body["description_en"],
        "supports_streaming": False,
        "config": {
            "sizes": ["1024x1024", "1024x1792", "1792x1024"],
            "formats": ["webp", "png", "jpeg"],
            "quality_options": ["standard", "hd"],
            "styles": ["vivid", "natural"],
        },
    }
    assert isinstance(body["description_en"], str)


def test_every_model_can_be_listed() -> None:
    answer = elumenta.render_models(models().of("elumenta"), a_reply())
    assert answer.body["total"] == len(answer.body["items"])
    slugs = {item["slug"] for item in answer.body["items"]}
    assert {"luma-flash2", "kling-v2.1", "kling-v2.1-pro", "minimax-video", "luma-ray2"} <= slugs
    for item in answer.body["items"]:
        assert item["category"] in ("image", "video", "tts", "music", "tool")
        assert item["min_plan"] in ("free", "basic")
        assert item["min_token_cost"] <= item["token_cost"] <= item["max_token_cost"]


@pytest.mark.parametrize(
    ("category", "modality"),
    [("video", "video"), ("image", "image"), ("tts", "speech"), ("music", "music"), ("tool", "sound")],
)
def test_models_by_category(category: str, modality: str) -> None:
    verb = elumenta.parse_models(a_request("GET", query={"category": category}))
    assert verb == ShowModels(catalogue="elumenta", modality=modality)


def test_models_of_no_category() -> None:
    assert elumenta.parse_models(a_request("GET")) == ShowModels(catalogue="elumenta")
    with pytest.raises(errors.InvalidInput, match="category: must be one of video, image, tts, music, tool"):
        elumenta.parse_models(a_request("GET", query={"category": "smell"}))


def price(slug: str, params: dict[str, Any], count: int = 1) -> Any:
    verb = elumenta.parse_price(a_request(body={"params": params, "count": count}, path={"slug": slug}))
    assert verb.is_draft
    model = models().find(verb.model, dialect=verb.catalogue)
    inputs = model.draft(model.without_strangers(verb.inputs, verb.may_drop))
    quotation = Quotation(model=model, inputs=inputs, amount=Credits(model.quote(inputs) * verb.count))
    return elumenta.render_price(quotation, a_reply()).body


def test_a_price_as_in_the_protocol() -> None:
    assert price("dall-e-3", {"size": "1024x1792", "quality": "hd"}) == {
        "token_cost": 13,
        "min_token_cost": 5,
        "max_token_cost": 13,
        "pricing_type": "matrix",
    }


@pytest.mark.parametrize(
    ("slug", "params", "count", "cost", "kind"),
    [
        ("photon-flash", {}, 1, 1, "fixed"),
        ("photon-flash", {}, 4, 4, "fixed"),
        ("dall-e-3", {}, 1, 5, "matrix"),
        ("kling-v2.1", {"duration": 5}, 1, 26, "matrix"),
        ("kling-v2.1", {"duration": 10, "quality": "pro"}, 1, 94, "matrix"),
        ("minimax-video", {}, 1, 88, "fixed"),
        ("midjourney", {"speed_mode": "turbo", "quality": "hd"}, 1, 35, "per_point"),
        ("midjourney", {"speed_mode": "relax"}, 1, 2, "per_point"),
        # The guides' words for one and all: what is spoken is `text`, a picture is square and standard.
        ("openai-tts", {"text": "Hello", "voice_id": "nova", "speed": 1.0, "format": "mp3"}, 1, 3, "fixed"),
        ("nano-banana-pro", {"size": "1024x1024", "quality": "standard", "style": "vivid"}, 1, 16, "matrix"),
        ("gpt-image-1.5", {"quality": "standard"}, 1, 4, "matrix"),
        ("gpt-image-1.5", {"quality": "hd", "size": "1024x1536"}, 1, 21, "matrix"),
    ],
)
def test_prices(slug: str, params: dict[str, Any], count: int, cost: int, kind: str) -> None:
    body = price(slug, params, count)
    assert (body["token_cost"], body["pricing_type"]) == (cost, kind)


def test_a_model_of_another_system_may_be_priced_by_the_second() -> None:
    """None of Elumenta's own is, as its price list gives ranges; the word is documented all the same."""
    body = price("aimlapi/alibaba/happyhorse-1-0", {"duration": 5})
    assert body["pricing_type"] == "per_second"
    assert body["min_token_cost"] <= body["token_cost"] <= body["max_token_cost"]


def test_a_price_needs_no_body() -> None:
    verb = elumenta.parse_price(a_request(path={"slug": "photon-flash"}))
    assert (verb.inputs, verb.count) == ({}, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""),
        ({"params": 5}, "params"),
        ({"count": 0}, "count"),
        ({"count": 1001}, "count"),
        ({"count": True}, "count"),
        ({"count": "2"}, "count"),
        ({"count": 1.5}, "count"),
        ({"size": "1024x1024"}, "size"),
    ],
)
def test_a_price_of_what_cannot_be_read(body: Any, field: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        elumenta.parse_price(a_request(body=body, path={"slug": "dall-e-3"}))
    assert [problem.field for problem in caught.value.problems] == [field]


# Balance and user.


def test_the_balance_as_in_the_protocol() -> None:
    body = elumenta.render_balance(a_statement(), a_reply()).body
    # 283.5 are there, and 26 more are held.
    assert body == {"token_balance": 283, "plan": "vip", "plan_expires_at": None}


def test_the_user_as_in_the_protocol() -> None:
    body = elumenta.render_me(a_statement(plan=a_plan(monthly_credits=1500)), a_reply()).body
    assert body == {
        "id": 42,
        "name": "Ivan",
        "email": None,
        "telegram_username": None,
        "avatar_url": None,
        "plan": "vip",
        "plan_expires_at": None,
        "token_balance": 283,
        "token_limit": 1500,
        "rate_limit_hourly": 100,
        "rate_limit_daily": 1000,
        "auth_methods": {"email": False, "telegram": False, "google": False, "phone": False},
    }


def test_no_limit_is_zero_and_pro_has_their_name() -> None:
    plan = a_plan(name="elumenta-pro", calls_per_hour=None, calls_per_day=None)
    body = elumenta.render_me(a_statement(plan=plan), a_reply()).body
    assert (body["plan"], body["rate_limit_hourly"], body["rate_limit_daily"]) == ("pro", 0, 0)


def test_a_name_may_be_called_username() -> None:
    for body in ({"name": "Anna"}, {"username": "Anna"}):
        assert elumenta.parse_rename_account(a_request("PATCH", body)) == RenameAccount(name="Anna")


@pytest.mark.parametrize("body", [None, {}, {"name": ""}, {"name": 5}, {"name": "x" * 101}, {"avatar": "x"}])
def test_other_changes_are_refused(body: Any) -> None:
    with pytest.raises(errors.InvalidInput):
        elumenta.parse_rename_account(a_request("PATCH", body))


# History.


def history(query: dict[str, str]) -> List:
    return elumenta.parse_history(a_request("GET", query=query))


def test_the_history_starts_at_its_first_page_of_twenty() -> None:
    assert history({}) == List(page=1, limit=20, catalogue="elumenta")


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ({"page": "3", "limit": "100"}, {"page": 3, "limit": 100}),
        ({"category": "image"}, {"modality": ("image",)}),
        ({"category": "tts"}, {"modality": ("speech",)}),
        ({"category": "tool"}, {"modality": ("sound",)}),
        ({"category": "text"}, {"modality": ("text",)}),
        ({"category": "stt"}, {"modality": ("stt",)}),
        ({"model_slug": "kling-v2.1"}, {"model": "kling-v2.1"}),
        ({"status": "pending"}, {"status": (Status.QUEUED, Status.RUNNING)}),
        ({"status": "completed"}, {"status": (Status.COMPLETED,)}),
        ({"status": "failed"}, {"status": (Status.FAILED, Status.CANCELED)}),
        ({"favorites_only": "true"}, {"favorites_only": True}),
        ({"favorites_only": "1"}, {"favorites_only": True}),
        ({"favorites_only": "false"}, {"favorites_only": False}),
        ({"category": "", "status": "", "model_slug": ""}, {}),
    ],
    ids=str,
)
def test_history_filters(query: dict[str, str], changed: dict[str, Any]) -> None:
    assert history(query) == List(**{"page": 1, "limit": 20, "catalogue": "elumenta", **changed})


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "x"},
        {"page": "-1"},
        {"limit": "101"},
        {"limit": "0"},
        {"limit": "1.5"},
        {"category": "smell"},
        {"status": "queued"},
    ],
    ids=str,
)
def test_bad_history_filters_name_themselves(query: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        history(query)
    assert caught.value.problems[0].field == next(iter(query))


def test_a_page_of_history_as_in_the_protocol() -> None:
    image = a_video(media_type="image/webp", key="g/18491.webp")
    generation = a_generation(
        Status.COMPLETED,
        number=18491,
        model="flux-1.1-pro",
        modality="image",
        outputs=(image,),
        spent={"permanent": credits(8)},
        inputs={"prompt": "A cat"},
    )
    page: Page[Generation] = Page(items=(generation,), total=142, page=1, limit=10)
    assert elumenta.render_history(page, a_reply()).body == {
        "items": [
            {
                "id": 18491,
                "model_slug": "flux-1.1-pro",
                "model_name": "FLUX 1.1 Pro",
                "category": "image",
                "prompt": "A cat",
                "status": "completed",
                "result_text": None,
                "result_url": "http://files/g/18491.webp",
                "tokens_spent": 8,
                "is_favorited": False,
                "user_rating": None,
                "created_at": "2026-03-08T12:05:00Z",
            }
        ],
        "total": 142,
        "page": 1,
        "limit": 10,
    }


def test_history_shows_what_is_odd() -> None:
    """No prompt, a model that was taken out, no result, another dialect's music."""
    odd = a_generation(model="gone", modality="music", inputs={}, rating=5, is_favorite=True)
    page: Page[Generation] = Page(items=(odd,), total=1)
    item = elumenta.render_history(page, a_reply()).body["items"][0]
    assert (item["model_name"], item["category"], item["prompt"], item["result_url"]) == ("gone", "music", "", None)
    assert (item["user_rating"], item["is_favorited"]) == (5, True)


def test_marks() -> None:
    path = {"id": "18491"}
    assert elumenta.parse_favorite(a_request(path=path)) == Mark(id=18491, toggle_favorite=True)
    assert elumenta.parse_rate(a_request(body={"rating": 5}, path=path)) == Mark(id=18491, rating=5)
    body = elumenta.render_mark(a_generation(is_favorite=True, rating=4), a_reply()).body
    assert body == {"id": 18502, "is_favorited": True, "user_rating": 4}


@pytest.mark.parametrize("rating", [0, 6, -1, True, "5", 4.5, None])
def test_a_rating_is_from_one_to_five(rating: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="rating"):
        elumenta.parse_rate(a_request(body={"rating": rating}, path={"id": "1"}))


# Keys.


def test_a_new_key_as_in_the_protocol() -> None:
    answer = elumenta.render_new_key(NewKey(a_key(), "nb_secret"), a_reply())
    assert answer.body == {"id": 13, "name": "Laptop", "key": "nb_secret", "created_at": "2026-03-08T12:05:00Z"}


def test_listed_keys_are_hints_and_good_ones_only() -> None:
    keys = (a_key(), a_key(number=14, revoked_at=CREATED))
    body = elumenta.render_keys(keys, a_reply()).body
    assert body == {
        "items": [{"id": 13, "name": "Laptop", "key_prefix": "nb_a1b2c3", "created_at": "2026-03-08T12:05:00Z"}]
    }


def test_keys_by_their_number() -> None:
    assert elumenta.parse_revoke_key(a_request("DELETE", path={"id": "13"})) == RevokeKey(key=13)
    renamed = elumenta.parse_rename_key(a_request("PATCH", {"name": "Home"}, path={"id": "13"}))
    assert renamed == RenameKey(key=13, name="Home")
    assert elumenta.render_nothing(None, a_reply()).status == 204
    for body in (None, {}, {"name": 5}, {"name": ""}):
        with pytest.raises(errors.InvalidInput):
            elumenta.parse_make_key(a_request(body=body))


def test_an_account_without_a_plan_of_theirs() -> None:
    account = Account(id="a1", number=1, name="x", plan="open", created_at=CREATED)
    statement = a_statement(account=account, plan=a_plan(name="open", title="Open"))
    assert elumenta.render_balance(statement, a_reply()).body["plan"] == "open"
