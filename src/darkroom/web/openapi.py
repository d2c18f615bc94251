"""The native API as an OpenAPI 3.1 document, made from the types that are sent."""

from typing import Any

import msgspec

from darkroom import __version__
from darkroom.dialects import native_bodies as bodies

KEY: list[dict[str, list[str]]] = [{"key": []}]
REFUSALS = {
    "401": "No key, or not a good one",
    "402": "Not enough credits",
    "403": "Not in the account's plan",
    "404": "Not found",
    "405": "Not a method of this path",
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
    bodies.ErrorBody,
)

OPERATIONS: tuple[tuple[str, str, str, str, type | None, type | None, tuple[str, ...]], ...] = (
    ("post", "/v1/generations", "Submit a generation", "202", bodies.SubmitBody, bodies.GenerationBody, ()),
    (
        "get",
        "/v1/generations",
        "List generations, newest first",
        "200",
        None,
        bodies.GenerationList,
        ("model", "status", "modality", "created_after", "created_before", "limit", "cursor"),
    ),
    (
        "get",
        "/v1/generations/{id}",
        "Fetch one, or wait for it",
        "200",
        None,
        bodies.GenerationBody,
        ("wait_s", "until"),
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
    ("post", "/v1/quotes", "What inputs would cost", "200", bodies.PriceBody, bodies.QuoteBody, ()),
    ("get", "/v1/models", "Every model", "200", None, bodies.ModelList, ()),
    ("get", "/v1/models/{slug}", "One model", "200", None, bodies.ModelBody, ()),
    ("get", "/v1/account", "The account and its credits", "200", None, bodies.AccountBody, ()),
    ("get", "/v1/account/entries", "Every movement of credits", "200", None, bodies.EntryList, ("limit", "cursor")),
)


OPEN = {"/v1/models", "/v1/models/{slug}"}
"""What needs no key."""


def document() -> dict[str, Any]:
    """The whole document."""
    _, components = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, status, takes, gives, query in OPERATIONS:
        paths.setdefault(path, {})[method] = _operation(path, summary, status, takes, gives, query)
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
        for name in ("id", "slug")
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
    if takes is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _reference(takes)}}}
    return operation


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
