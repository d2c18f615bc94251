"""AIMLAPI: Luma's routes with their long-poll, the universal and per-vendor ones, sound, models, billing, keys."""

from collections.abc import Mapping, Sequence

from darkroom import errors
from darkroom.account import KeyForm
from darkroom.dialects.aimlapi import billing, keys, luma, luma_v1, media, model_list, refusals
from darkroom.dialects.aimlapi.request import NAME
from darkroom.ports import Delivery
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse


class Aimlapi:
    name = NAME
    key_form = KeyForm(prefix="", length=32, alphabet="0123456789abcdef", shown=8)
    decorates = True
    routes: Sequence[Route] = (
        *luma.ROUTES,
        *luma_v1.ROUTES,
        *media.ROUTES,
        *model_list.ROUTES,
        *billing.ROUTES,
        *keys.ROUTES,
    )

    def refuse(self, error: errors.Rejected, request: WireRequest) -> WireResponse:
        return refusals.refuse(error, request)

    def crash(self, request: WireRequest) -> WireResponse:
        return refusals.envelope(500, "Internal server error", request)

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        return refusals.client_id_header(reply.request)

    def new_secret(self) -> str:
        return ""

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        return luma.callback(delivery, reply)
