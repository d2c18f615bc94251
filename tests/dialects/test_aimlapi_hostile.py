"""AIMLAPI's routes and whatever a stranger may send them: an answer or a refusal, never a crash."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from darkroom import errors
from darkroom.dialects.aimlapi import Aimlapi
from darkroom.verbs import Submit
from darkroom.wire import Route
from tests.dialects.samples import CREATED, ID, a_request, models

AIMLAPI = Aimlapi()

FIELDS = (
    *("model", "prompt", "aspect_ratio", "keyframes", "callback_url", "loop", "duration", "user_prompt", "image_url"),
    *("image_end_url", "expand_prompt", "ratio", "watermark", "first_frame_image", "name", "limit", "scopes", "x"),
)
PARAMETERS = (
    *("generation_id", "generation_ids", "generation_ids[]", "generation_ids[0]", "state", "status", "ids", "ids[0]"),
    *("from", "to", "direction", "type", "limit", "cursor", "period", "start", "end", "offset", "model", "include"),
)
WORDS = ("ray-2", "luma/ray-2", "video-01", "gen4_turbo", ID, f"{ID},{ID}", "dreaming", "failed", "2026-01-01", "7d")

words = some.sampled_from(WORDS) | some.text(max_size=40)
json = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | words,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
bodies = json | some.dictionaries(some.sampled_from(FIELDS), json, max_size=6)
queries = some.lists(some.tuples(some.sampled_from(PARAMETERS) | some.text(max_size=8), words), max_size=5)


@pytest.mark.parametrize("route", AIMLAPI.routes, ids=lambda route: f"{route.method} {route.path}")
@settings(max_examples=15, deadline=None)
@given(body=bodies, query=queries, segment=words)
def test_every_route_answers_or_refuses(route: Route, body: Any, query: list[tuple[str, str]], segment: str) -> None:
    path = {"id": segment, "prefix": segment}
    request = a_request(route.method, body=body, query=query, path=path, at=CREATED, url=route.path)
    try:
        verb = route.parse(request)
        if isinstance(verb, Submit):
            # What the service does next with what was parsed.
            models().find(verb.model, dialect=verb.catalogue).accept(verb.inputs)
            msgspec.json.encode(verb.wire)
    except errors.Rejected as error:
        answer = AIMLAPI.refuse(error, request)
        assert answer.status in (400, 404)
        msgspec.json.encode(answer.body)
