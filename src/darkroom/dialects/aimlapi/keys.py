"""AIMLAPI's keys, made and revoked by their callers. A key is known by its first eight characters."""

from collections.abc import Sequence
from typing import Any

from darkroom import errors
from darkroom.account import Key
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import refusals
from darkroom.dialects.aimlapi.request import body_of
from darkroom.verbs import ListKeys, MakeKey, NewKey, RenameKey, RevokeKey
from darkroom.wire import Reply, Route, WireRequest, WireResponse

FIELDS = ("name", "limit", "scopes", "disabled")
USUAL_NAME = "unnamed"
NOT_KEPT = "is not kept here: a key may do what its account may; leave it out"


def parse_make(request: WireRequest) -> MakeKey:
    if request.body is None:
        return MakeKey(name=USUAL_NAME)
    body = _checked(body_of(request))
    return MakeKey(name=USUAL_NAME if body.get("name") is None else wire.text(body, "name", limit=100))


def parse_rename(request: WireRequest) -> RenameKey:
    name = wire.text(_checked(body_of(request)), "name", limit=100)
    return RenameKey(key=request.path["prefix"], name=name)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """Spending limits and scopes are refused, not forgotten: who asks for one counts on it."""
    wire.only(body, FIELDS)
    for name in ("limit", "scopes"):
        if body.get(name) is not None:
            raise errors.InvalidInput.of(name, NOT_KEPT)
    if body.get("disabled", False) is not False:
        raise errors.InvalidInput.of("disabled", "must be false; DELETE revokes a key, for good")
    return body


def show(key: Key) -> dict[str, Any]:
    made_at = wire.millis_z(key.created_at)
    return {
        "name": key.name,
        "disabled": key.revoked_at is not None,
        "prefix": key.hint,
        "scopes": None,
        "limit": None,
        "created_at": made_at,
        "updated_at": made_at,
        "monthly_usage": None,  # what is spent is kept by account
    }


def render_made(made: NewKey, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"data": {**show(made.key), "key": made.secret}})


def render_list(keys: Sequence[Key], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"data": [show(key) for key in keys if key.revoked_at is None]})


def render_one(keys: Sequence[Key], reply: Reply) -> WireResponse:
    """The newest that begins so; where no beginning is asked for, the caller's own."""
    prefix = reply.request.path.get("prefix")
    if prefix is None and reply.principal is not None:
        return WireResponse(status=200, body={"data": show(reply.principal.key)})
    for key in reversed(keys):
        if key.hint == prefix and key.revoked_at is None:
            return WireResponse(status=200, body={"data": show(key)})
    return refusals.envelope(404, str(errors.NotFound(f"key {(prefix or '')[:64]}")), reply.request)


def render_key(key: Key, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"data": show(key)})


def render_revoked(key: Key, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"data": {"prefix": key.hint, "deleted": True}})


ROUTES = (
    Route("POST", "/v1/keys", parse_make, render_made),
    Route("GET", "/v1/keys", lambda request: ListKeys(), render_list),
    Route("GET", "/v1/key", lambda request: ListKeys(), render_one),
    Route("GET", "/v1/key/{prefix}", lambda request: ListKeys(), render_one),
    Route("GET", "/v1/keys/{prefix}", lambda request: ListKeys(), render_one),
    Route("PATCH", "/v1/keys/{prefix}", parse_rename, render_key),
    Route("PUT", "/v1/keys/{prefix}", parse_rename, render_key),
    Route("DELETE", "/v1/keys/{prefix}", lambda request: RevokeKey(key=request.path["prefix"]), render_revoked),
)
