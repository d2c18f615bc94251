"""skills.video's routes, refusals and webhooks."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from darkroom import errors, signing
from darkroom.account import KeyForm, Statement
from darkroom.brief import Modality
from darkroom.credits import MICRO
from darkroom.dialects import wire
from darkroom.dialects.skills.bodies import render_generation, render_submitted, show_generation, tell_event
from darkroom.dialects.skills.codes import code_of, refusal, refusal_message
from darkroom.dialects.skills.speech import PATH, parse_speech, render_speech
from darkroom.generation import Notice, Status
from darkroom.ledger import Balance, Purse
from darkroom.ports import Delivery
from darkroom.verbs import Fetch, ShowAccount, Submit, Watch
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

EVENTS = {
    Status.QUEUED: ("task.created", "queued"),
    Status.RUNNING: ("task.started", "running"),
    Status.COMPLETED: ("task.completed", "succeeded"),
    Status.FAILED: ("task.failed", "failed"),
    Status.CANCELED: ("task.canceled", "canceled"),
}
"""Name of the event, and the state that goes with it."""


ALSO_CALLED = {"openai/sora-2": ("seconds", "duration"), "openai/sora-2-pro": ("seconds", "duration")}
"""By model: a second documented name of an input, and the one that its schema has."""


def parse_submit(request: WireRequest) -> Submit:
    inputs = wire.body_of(request)
    model = request.path["model"]
    old, new = ALSO_CALLED.get(model, ("", ""))
    if old in inputs and new not in inputs:
        inputs = {new if name == old else name: value for name, value in inputs.items()}
    return Submit(model=model, inputs=inputs, is_form=request.is_form, catalogue="skills")


def render_credits(statement: Statement, reply: Reply) -> WireResponse:
    """In the words of `usage`."""
    # Rounded down: a balance must never promise more than can be spent.
    body = {
        "total": statement.available // MICRO,
        "subscription": statement.balances.get(Purse.SUBSCRIPTION, Balance()).available // MICRO,
        "permanent": statement.balances.get(Purse.PERMANENT, Balance()).available // MICRO,
    }
    return WireResponse(status=200, body=body)


class Skills:
    name = "skills"
    key_form = KeyForm(prefix="sk_", length=43)
    decorates = False
    routes: Sequence[Route] = (
        Route("POST", "/api/v1/generation/{model...}", parse_submit, render_submitted),
        Route("POST", "/api/v1/generation/sse/{model...}", parse_submit, render_generation, tell=tell_event),
        Route(
            "GET",
            "/api/v1/generation/{id}",
            lambda request: Fetch(id=request.path["id"]),
            render_generation,
            is_status=True,
        ),
        Route(
            "GET",
            "/api/v1/predictions/{id}/subscribe",
            lambda request: Watch(id=request.path["id"]),
            render_generation,
            tell=tell_event,
            is_status=True,
        ),
        Route("GET", "/api/v1/credits", lambda request: ShowAccount(), render_credits),
        Route("POST", PATH, parse_speech, render_speech),
    )

    def refuse(self, error: errors.Rejected, request: WireRequest) -> WireResponse:
        status, code = refusal(error, is_submit=request.method == "POST", modality=_modality(request))
        body: dict[str, Any] = {"error": code, "message": refusal_message(error)}
        headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, errors.LimitReached) else {}
        return WireResponse(status=status, body=_marked(body, request), headers=headers)

    def crash(self, request: WireRequest) -> WireResponse:
        code = code_of(_modality(request), "FAILED") if request.method == "POST" else "INTERNAL_ERROR"
        message = f"An error of ours, logged as {request.id}; nothing was charged."
        return WireResponse(status=500, body=_marked({"error": code, "message": message}, request))

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        return {}

    def new_secret(self) -> str:
        return signing.new_secret()

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        """Standard Webhooks. The generation may have gone on since: what is told is the state that it was in."""
        if isinstance(delivery.state, Notice):
            return None  # its documents know no such event
        event, state = EVENTS[delivery.state]
        generation = replace(delivery.generation, status=delivery.state)
        shown = show_generation(generation, reply)
        prediction = {
            "id": shown.pop("id"),
            "state": state,
            "status": shown.pop("status"),
            "model": wire.model_name(generation, "skills", reply),
            **shown,
        }
        told = {"type": event, "timestamp": wire.millis_z(delivery.created_at), "prediction": prediction}
        body = msgspec.json.encode(told)
        return Message(body, signing.headers(delivery, body, now=reply.now))


def _is_speech(request: WireRequest) -> bool:
    return request.url.endswith(PATH)


def _modality(request: WireRequest) -> str:
    return Modality.SPEECH if _is_speech(request) else ""


def _marked(body: dict[str, Any], request: WireRequest) -> dict[str, Any]:
    """The speech endpoint begins each answer with whether it went well."""
    return {"success": False, **body} if _is_speech(request) else body
