"""The native API as an OpenAPI 3.1 document, made from the types that are sent."""

from collections.abc import Mapping
from typing import Any

import msgspec

from darkroom import __version__
from darkroom.dialects import native_assets as assets
from darkroom.dialects import native_bodies as bodies
from darkroom.dialects import native_waiting
from darkroom.dialects import native_webhooks as hooks

KEY: list[dict[str, list[str]]] = [{"key": []}]
REFUSALS = {
    "401": "No key, or not a good one",
    "402": "Not enough credits",
    "403": "Not in the account's plan",
    "404": "Not found",
    "405": "Not a method of this path",
    "410": "It was here, and has been deleted",
    "413": "The body is too large",
    "422": "The request's words are off",
    "429": "Too many calls, or too many at once",
    "503": "The server is stopping",
}

TYPES = (
    bodies.SubmitBody,
    bodies.PriceBody,
    bodies.GenerationBody,
    bodies.GenerationList,
    bodies.QuoteBody,
    bodies.ModelBody,
    bodies.ModelList,
    bodies.AccountBody,
    bodies.EntryList,
    bodies.CostsBody,
    bodies.ErrorBody,
    assets.AssetBody,
    assets.AssetList,
    assets.BeginUploadBody,
    assets.UploadBody,
    native_waiting.ProgressBody,
    native_waiting.UnfinishedBody,
    hooks.MakeWebhookBody,
    hooks.ChangeWebhookBody,
    hooks.RotateBody,
    hooks.RedeliverBody,
    hooks.RedeliveredBody,
    hooks.WebhookBody,
    hooks.WebhookList,
    hooks.DeliveryBody,
    hooks.DeliveryList,
)

OPERATIONS: tuple[tuple[str, str, str, str, type | None, type | None, tuple[str, ...]], ...] = (
    ("post", "/v1/generations", "Submit a generation", "202", bodies.SubmitBody, bodies.GenerationBody, ()),
    (
        "get",
        "/v1/generations",
        "List generations, newest first; or fetch some by their ids, or wait for them",
        "200",
        None,
        bodies.GenerationList,
        ("model", "status", "modality", "created_after", "created_before", "limit", "cursor", "ids", "wait", "until"),
    ),
    (
        "get",
        "/v1/generations/{id}",
        "Fetch one, or wait for it",
        "200",
        None,
        bodies.GenerationBody,
        ("wait", "until"),
    ),
    ("delete", "/v1/generations/{id}", "Remove a finished one and its assets", "204", None, None, ()),
    ("post", "/v1/generations/{id}/cancel", "Cancel one", "200", None, bodies.GenerationBody, ()),
    (
        "get",
        "/v1/generations/{id}/events",
        "Each change, as server-sent events",
        "200",
        None,
        bodies.GenerationBody,
        (),
    ),
    (
        "get",
        "/v1/events",
        "Each change of every generation of the account, as server-sent events",
        "200",
        None,
        bodies.GenerationBody,
        (),
    ),
    ("post", "/v1/quotes", "What inputs would cost", "200", bodies.PriceBody, bodies.QuoteBody, ()),
    ("get", "/v1/models", "Every model", "200", None, bodies.ModelList, ()),
    ("get", "/v1/models/{slug}", "One model", "200", None, bodies.ModelBody, ()),
    ("get", "/v1/account", "The account and its credits", "200", None, bodies.AccountBody, ()),
    (
        "post",
        "/v1/assets",
        "Upload an asset: its bytes as the body, or a form with one file",
        "201",
        bytes,
        assets.AssetBody,
        ("name", "expires_after_s"),
    ),
    ("get", "/v1/assets", "List assets, newest first", "200", None, assets.AssetList, ("limit", "cursor")),
    ("get", "/v1/assets/{id}", "One asset, with a new URL", "200", None, assets.AssetBody, ()),
    ("delete", "/v1/assets/{id}", "Delete an asset", "204", None, None, ()),
    ("post", "/v1/uploads", "Begin an asset in parts", "201", assets.BeginUploadBody, assets.UploadBody, ()),
    ("get", "/v1/uploads/{id}", "What has come of an upload", "200", None, assets.UploadBody, ()),
    ("put", "/v1/uploads/{id}/parts/{number}", "Send a part", "200", bytes, assets.UploadBody, ()),
    ("post", "/v1/uploads/{id}/complete", "Make it an asset", "201", None, assets.AssetBody, ()),
    ("delete", "/v1/uploads/{id}", "Give an upload up", "204", None, None, ()),
    ("post", "/v1/webhooks", "Make a webhook endpoint", "201", hooks.MakeWebhookBody, hooks.WebhookBody, ()),
    ("get", "/v1/webhooks", "List webhook endpoints", "200", None, hooks.WebhookList, ()),
    ("get", "/v1/webhooks/{id}", "One webhook endpoint", "200", None, hooks.WebhookBody, ()),
    (
        "patch",
        "/v1/webhooks/{id}",
        "Change, disable or enable an endpoint",
        "200",
        hooks.ChangeWebhookBody,
        hooks.WebhookBody,
        (),
    ),
    ("delete", "/v1/webhooks/{id}", "Delete an endpoint and what is on its way to it", "204", None, None, ()),
    (
        "post",
        "/v1/webhooks/{id}/rotate",
        "A new secret; the old one stays good for a while",
        "200",
        hooks.RotateBody,
        hooks.WebhookBody,
        (),
    ),
    ("post", "/v1/webhooks/{id}/test", "Send a test message", "202", None, hooks.DeliveryBody, ()),
    (
        "post",
        "/v1/webhooks/{id}/redeliver",
        "Send again what was not delivered since",
        "202",
        hooks.RedeliverBody,
        hooks.RedeliveredBody,
        (),
    ),
    (
        "get",
        "/v1/deliveries",
        "The log of deliveries, newest first",
        "200",
        None,
        hooks.DeliveryList,
        ("webhook_id", "generation_id", "status", "limit", "cursor"),
    ),
    ("get", "/v1/deliveries/{id}", "One delivery, with each try as it went out", "200", None, hooks.DeliveryBody, ()),
    ("post", "/v1/deliveries/{id}/redeliver", "Send one again", "202", None, hooks.DeliveryBody, ()),
    ("get", "/v1/costs", "What came in and what upstreams billed", "200", None, bodies.CostsBody, ("by", "since")),
    ("get", "/v1/account/entries", "Every movement of credits", "200", None, bodies.EntryList, ("limit", "cursor")),
)


LAST_EVENT = {"Last-Event-ID": "The id of the last event seen: what came after it is told, or a reset"}

HEADERS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("post", "/v1/generations"): {
        "Idempotency-Key": "A name of your own for this submit: sent again, it is the same generation",
        "Prefer": "wait=N: answer with the end, where it comes within N seconds (60 at most)",
    },
    ("get", "/v1/generations/{id}"): {
        "If-None-Match": "The ETag of the answer that is known: 304 while nothing is new"
    },
    ("get", "/v1/generations/{id}/events"): LAST_EVENT,
    ("get", "/v1/events"): LAST_EVENT,
}

ALSO: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("get", "/v1/generations/{id}"): {"304": "As it is known already"},
    ("get", "/v1/generations/{id}/events"): {"204": "Nothing follows the event that was seen last"},
}
"""Answers that have no body."""

BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
FILE: dict[str, Any] = {
    **BYTES,
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "name": {"type": "string"},
                "expires_after_s": {"type": "integer"},
            },
        }
    },
}

OPEN = {"/v1/models", "/v1/models/{slug}"}
"""What needs no key."""


def document() -> dict[str, Any]:
    """The whole document."""
    _, components = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, status, takes, gives, query in OPERATIONS:
        paths.setdefault(path, {})[method] = _operation(path, summary, status, takes, gives, query)
        for name, about in HEADERS.get((method, path), {}).items():
            header = {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
            paths[path][method]["parameters"].append({**header, "description": about})
        for code, about in ALSO.get((method, path), {}).items():
            paths[path][method]["responses"][code] = {"description": about}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Darkroom", "version": __version__, "description": "Asynchronous media generation."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": KEY,
    }


def _operation(
    path: str, summary: str, status: str, takes: type | None, gives: type | None, query: tuple[str, ...]
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in query
    ]
    parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("id", "slug", "number")
        if f"{{{name}}}" in path
    ]
    answer: dict[str, Any] = {"description": summary}
    if gives is not None:
        media_type = "text/event-stream" if path.endswith("/events") else "application/json"
        answer["content"] = {media_type: {"schema": _reference(gives)}}
    refusal = {
        "application/json": {"schema": {"type": "object", "properties": {"error": _reference(bodies.ErrorBody)}}}
    }
    operation: dict[str, Any] = {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            status: answer,
            **{code: {"description": about, "content": refusal} for code, about in REFUSALS.items()},
        },
    }
    if path in OPEN:
        operation["security"] = []
    if takes is bytes:
        operation["requestBody"] = {"required": True, "content": FILE if path == "/v1/assets" else BYTES}
    elif takes is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _reference(takes)}}}
    return operation


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
