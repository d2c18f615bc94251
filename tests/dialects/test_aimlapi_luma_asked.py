"""Luma's route at AIMLAPI, questions: every way of the seed's samples to ask, and the wrong ones."""

from typing import Any

import pytest

from darkroom import errors
from darkroom.dialects.aimlapi import Aimlapi, luma
from darkroom.generation import Status
from darkroom.verbs import Fetch, FetchMany, Submit
from tests.dialects.samples import a_request

AIMLAPI = Aimlapi()
LUMA = "/v2/generate/video/luma-ai"
OTHER = "01958a11-0000-7000-8000-000000018503"
OWN = "755f9bbb-d99b-4880-992b-f05244ddba61"
"""The id of the seed's examples."""


def test_a_creation_is_luma_s_own_words() -> None:
    body = {
        "prompt": "Flying jellyfish",
        "aspect_ratio": "16:9",
        "loop": True,
        "model": "ray-1-6",
        "callback_url": "https://example.com/hook",
        "keyframes": {"frame0": {"type": "image", "url": "https://example.com/a.png"}, "frame1": None},
    }
    verb = luma.parse_create(a_request(body=body, headers={"x-client-request-id": "customer-42"}))
    assert verb == Submit(
        model="ray-1-6",
        inputs={"prompt": body["prompt"], "aspect_ratio": "16:9", "loop": True, "keyframes": body["keyframes"]},
        catalogue="aimlapi-luma",
        modality="video",
        callback_url="https://example.com/hook",
        wire={"model": "ray-1-6", "client_request_id": "customer-42", "route": "luma"},
    )


@pytest.mark.parametrize("body", [{"prompt": "x"}, {"prompt": "x", "model": None, "callback_url": None}])
def test_the_usual_model_is_the_newest_specification_s(body: dict[str, Any]) -> None:
    verb = luma.parse_create(a_request(body=body))
    assert (verb.model, verb.callback_url) == ("ray-2", None)


@pytest.mark.parametrize(
    ("query", "until", "wait_s"),
    [
        ({"generation_id": OWN, "state": "dreaming"}, Status.RUNNING, 29.5),  # the seed's JavaScript
        ({"generation_id": OWN, "status": "dreaming"}, Status.RUNNING, 29.5),  # the seed's Python
        ({"generation_id": OWN, "state": "completed"}, Status.COMPLETED, 29.5),
        ({"generation_id": OWN, "state": "queued"}, Status.QUEUED, 0.0),
        ({"generation_id": OWN, "state": ""}, Status.QUEUED, 0.0),
        ({"generation_id": OWN, "state": "completed", "status": "completed"}, Status.COMPLETED, 29.5),
        ({"generation_id": OWN}, Status.QUEUED, 0.0),
        ({"generation_ids[]": OWN}, Status.QUEUED, 0.0),
        ({"generation_id": OWN.upper()}, Status.QUEUED, 0.0),
    ],
)
def test_one_is_waited_for(query: dict[str, str], until: Status, wait_s: float) -> None:
    assert luma.parse_fetch(a_request("GET", query=query)) == Fetch(id=OWN, until=until, wait_s=wait_s)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ([("generation_ids[]", OWN), ("state", "dreaming")], [OWN]),  # the seed's JavaScript
        ([("generation_ids", OWN)], [OWN]),
        ([("generation_ids", f"{OWN},{OTHER}")], [OWN, OTHER]),
        ([("generation_ids", OWN), ("generation_ids", OTHER)], [OWN, OTHER]),
        ([("generation_ids[0]", OWN), ("generation_ids[1]", OTHER)], [OWN, OTHER]),
        ([("generation_ids[]", OWN), ("generation_ids[]", f" {OTHER} ,{OWN},")], [OWN, OTHER]),
        ([("generation_id", OWN)], [OWN]),
    ],
)
def test_several_are_named_in_every_way(query: list[tuple[str, str]], ids: list[str]) -> None:
    asked = luma.parse_fetch_many(a_request("GET", query=query))
    assert isinstance(asked, FetchMany)
    assert list(asked.ids) == ids


def test_the_seed_s_state_for_several() -> None:
    query = {"generation_ids[]": OWN, "state": "dreaming"}
    assert luma.parse_fetch_many(a_request("GET", query=query)) == FetchMany(
        ids=[OWN], until=Status.RUNNING, wait_s=29.5
    )


STATES = "Expected 'queued' | 'dreaming' | 'completed'"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        # The seed's Python sample asks for a state that Luma does not have.
        (
            {"generation_ids[]": OWN, "status": "streaming"},
            f"status: Invalid enum value. {STATES}, received 'streaming'; "
            "'streaming' is a state of Suno's clips; wait for 'dreaming' or 'completed'",
        ),
        (
            {"generation_ids": OWN, "state": "failed"},
            f"state: Invalid enum value. {STATES}, received 'failed'; "
            "a failed generation cannot be waited for: it ends every wait",
        ),
        ({"generation_ids": OWN, "state": "DREAMING"}, f"state: Invalid enum value. {STATES}, received 'DREAMING'"),
        ({"state": "completed"}, "generation_ids: Required"),
        ({"generation_ids": ", ,"}, "generation_ids: Required"),
        ({"generation_ids": "nope"}, "generation_ids: Invalid uuid 'nope'"),
        ({"generation_ids": f"{OWN}\x00"}, f"generation_ids: Invalid uuid '{OWN}\x00'"),
        (
            {"generation_ids": OWN, "state": "queued", "status": "dreaming"},
            "state: asks for more than one state; wait for one",
        ),
        (
            {"generation_ids": ",".join(f"{OWN[:-3]}{number}" for number in range(100, 201))},
            "generation_ids: must be at most 100 ids; these are 101",
        ),
    ],
)
def test_a_wrong_question_is_a_clear_400(query: dict[str, str], message: str) -> None:
    request = a_request("GET", query=query, url=f"{LUMA}/generations")
    with pytest.raises(errors.InvalidInput) as caught:
        luma.parse_fetch_many(request)
    answer = AIMLAPI.refuse(caught.value, request)
    assert (answer.status, answer.body["message"]) == (400, f"Query validation error: {message}")


def test_one_route_takes_one_id() -> None:
    with pytest.raises(errors.InvalidInput, match="must be one id; ask /generations for several"):
        luma.parse_fetch(a_request("GET", query={"generation_id": f"{OWN},{OTHER}"}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "the body is empty; send a JSON object"),
        ([], "the body must be a JSON object, not an array"),
        (
            {"prompt": "x", "model": "ray-9"},
            "model: Invalid enum value. Expected 'ray-1-6' | 'ray-2' | 'ray-flash-2', received 'ray-9'",
        ),
        (
            {"prompt": "x", "model": {"a": 1}},
            "model: Invalid enum value. Expected 'ray-1-6' | 'ray-2' | 'ray-flash-2', received an object",
        ),
        ({"prompt": "x", "callback_url": 5}, "callback_url: must be a string, not a number"),
    ],
)
def test_a_wrong_creation_is_a_clear_400(body: Any, message: str) -> None:
    request = a_request(body=body)
    with pytest.raises(errors.InvalidInput) as caught:
        luma.parse_create(request)
    assert AIMLAPI.refuse(caught.value, request).body["message"] == f"Body validation error: {message}"


def test_a_form_is_not_taken() -> None:
    with pytest.raises(errors.InvalidInput, match="send a JSON object"):
        luma.parse_create(a_request(body={"prompt": ["x"]}, is_form=True))
