"""An account's webhook endpoints: made, changed, tried out; what was sent to them, and sending it again."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from darkroom.account import Principal
from darkroom.clock import Clock
from darkroom.errors import InvalidInput
from darkroom.guarded import GuardedClient, Refused
from darkroom.ids import new_id
from darkroom.webhook import (
    EVENTS,
    WEBHOOK_ID,
    ChangeWebhook,
    DeleteWebhook,
    DeliveryPage,
    ListDeliveries,
    ListWebhooks,
    MakeWebhook,
    NewSecret,
    Record,
    Redeliver,
    RedeliverSince,
    RotateSecret,
    ShowDelivery,
    ShowWebhook,
    TestWebhook,
    Webhook,
    Webhooks,
)

MOST_WEBHOOKS = 50
"""In an account: each is looked at, at every change of each of its generations."""

REDELIVERED_AT_ONCE = 500
"""Many more may have been missed: they are queued a few at a time, and nobody's submit waits for all of them."""

DISABLED_BY_OWNER = "it was disabled by its owner"


class Endpoints:
    """`secret_for` makes a signing secret in a dialect's own form; `wake` tells the courier that there is something."""

    def __init__(
        self,
        *,
        store: Webhooks,
        client: GuardedClient,
        clock: Clock,
        secret_for: Mapping[str, Callable[[], str]],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._secret_for = secret_for
        self._wake = wake
        self.verbs: Mapping[type, Callable[[Any, Any], Awaitable[Any]]] = {
            MakeWebhook: self.make,
            ListWebhooks: self.list,
            ShowWebhook: self.show,
            ChangeWebhook: self.change,
            RotateSecret: self.rotate,
            TestWebhook: self.test,
            DeleteWebhook: self.delete,
            ListDeliveries: self.list_deliveries,
            ShowDelivery: self.show_delivery,
            Redeliver: self.redeliver,
            RedeliverSince: self.redeliver_since,
        }

    async def make(self, principal: Principal, wanted: MakeWebhook) -> NewSecret:
        self._check(wanted.url, wanted.events)
        if wanted.dialect not in self._secret_for:
            raise InvalidInput.of("dialect", f"must be one of {', '.join(self._secret_for)}")
        webhook = Webhook(
            id=WEBHOOK_ID + new_id(),
            account_id=principal.account.id,
            dialect=wanted.dialect,
            url=wanted.url,
            secret=self._secret_for[wanted.dialect](),
            events=wanted.events,
            created_at=self._clock.now(),
        )
        await self._store.create_webhook(webhook, limit=MOST_WEBHOOKS)
        return NewSecret(webhook, webhook.secret)

    async def list(self, principal: Principal, wanted: ListWebhooks) -> tuple[Webhook, ...]:
        return await self._store.webhooks(principal.account.id)

    async def show(self, principal: Principal, wanted: ShowWebhook) -> Webhook:
        return await self._store.webhook(principal.account.id, wanted.id)

    async def change(self, principal: Principal, wanted: ChangeWebhook) -> Webhook:
        account_id = principal.account.id
        self._check(wanted.url, wanted.events or ())
        webhook = await self._store.change_webhook(account_id, wanted.id, url=wanted.url, events=wanted.events)
        if wanted.is_enabled is False:
            webhook = await self._store.disable_webhook(
                account_id, wanted.id, why=DISABLED_BY_OWNER, now=self._clock.now()
            )
            self._wake()
        elif wanted.is_enabled:
            webhook = await self._store.enable_webhook(account_id, wanted.id)
        return webhook

    async def rotate(self, principal: Principal, wanted: RotateSecret) -> NewSecret:
        account_id, now = principal.account.id, self._clock.now()
        secret = self._secret_for[(await self._store.webhook(account_id, wanted.id)).dialect]()
        until = now + timedelta(seconds=wanted.grace_s)
        return NewSecret(
            await self._store.rotate_secret(account_id, wanted.id, secret=secret, until=until, now=now), secret
        )

    async def test(self, principal: Principal, wanted: TestWebhook) -> Record:
        record = await self._store.test_webhook(principal.account.id, wanted.id, now=self._clock.now())
        self._wake()
        return record

    async def delete(self, principal: Principal, wanted: DeleteWebhook) -> None:
        await self._store.delete_webhook(principal.account.id, wanted.id)

    async def list_deliveries(self, principal: Principal, wanted: ListDeliveries) -> DeliveryPage:
        return await self._store.list_deliveries(principal.account.id, wanted)

    async def show_delivery(self, principal: Principal, wanted: ShowDelivery) -> Record:
        return await self._store.delivery(principal.account.id, wanted.id)

    async def redeliver(self, principal: Principal, wanted: Redeliver) -> Record:
        record = await self._store.redeliver(principal.account.id, wanted.id, now=self._clock.now())
        self._wake()
        return record

    async def redeliver_since(self, principal: Principal, wanted: RedeliverSince) -> int:
        """How many are on their way again."""
        count, some = 0, REDELIVERED_AT_ONCE
        now = self._clock.now()
        while some == REDELIVERED_AT_ONCE:
            some = await self._store.redeliver_since(
                principal.account.id, wanted.id, since=wanted.since, now=now, limit=REDELIVERED_AT_ONCE
            )
            count += some
        self._wake()
        return count

    def _check(self, url: str | None, events: tuple[str, ...]) -> None:
        unknown = set(events) - set(EVENTS)
        if unknown:
            raise InvalidInput.of("events", f"must be among {', '.join(EVENTS)}")
        if url is None:
            return
        try:
            self._client.check(url)
        except Refused as error:
            raise InvalidInput.of("url", str(error)) from None
