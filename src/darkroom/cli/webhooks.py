"""The commands for webhooks: an account's endpoints, what was sent to them, and a tap for development."""

from datetime import UTC, datetime
from typing import Annotated

import uvloop
from cyclopts import App, Parameter

from darkroom.account import Principal
from darkroom.cli import show
from darkroom.cli.app import KEEPING, Data, app, settings_of, with_engine
from darkroom.cli.keeping import AccountName
from darkroom.cli.listening import listen_to
from darkroom.dialects.native_webhooks import event_name
from darkroom.errors import InvalidInput
from darkroom.verbs import Answer
from darkroom.webhook import (
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
    Stage,
    TestWebhook,
    Webhook,
    WebhookVerb,
)
from darkroom.wiring import Engine

webhooks_app = App(name="webhooks", help="Webhooks: who is told of an account's generations.", group=KEEPING)
app.command(webhooks_app)

WebhookId = Annotated[str, Parameter(help="An endpoint's id, as `darkroom webhooks list` shows it.")]


def _perform(account: str, verb: WebhookVerb, data: str | None) -> object:
    async def act(engine: Engine) -> Answer:
        principal: Principal = await engine.principal((await engine.store.find_account(account)).id)
        answer: Answer = await engine.endpoints.verbs[type(verb)](principal, verb)
        return answer

    return with_engine(settings_of(data), act)


@webhooks_app.command
def create(
    account: AccountName, url: str, *, dialect: str = "native", event: list[str] | None = None, data: Data = None
) -> None:
    """Tell an address of an account's generations; prints the signing secret alone, this once.

    Parameters
    ----------
    dialect
        Of the generations that came by it, in its own form.
    event
        queued, running, completed, failed, canceled, expiring or webhook.disabled; all of them where none is given.
    """
    made = _perform(account, MakeWebhook(url=url, events=tuple(event or ()), dialect=dialect), data)
    assert isinstance(made, NewSecret)
    print(made.secret)


@webhooks_app.command(name="list")
def list_(account: AccountName, *, data: Data = None) -> None:
    """List an account's endpoints; secrets are not shown."""
    found = _perform(account, ListWebhooks(), data)
    assert isinstance(found, tuple)
    for webhook in found:
        assert isinstance(webhook, Webhook)
        events = ", ".join(webhook.events) or "all events"
        state = f"disabled: {webhook.disabled_why}" if webhook.disabled_at else "enabled"
        show.console.print(f"{webhook.id}  {webhook.dialect}  {events}  {webhook.url}  {state}", soft_wrap=True)


@webhooks_app.command
def rotate(account: AccountName, id: WebhookId, *, grace_s: int = 24 * 3600, data: Data = None) -> None:
    """Make a new secret; prints it alone, this once.

    Parameters
    ----------
    grace_s
        For so many seconds messages are signed with the old secret as well; 0 after a leak.
    """
    made = _perform(account, RotateSecret(id=id, grace_s=grace_s), data)
    assert isinstance(made, NewSecret)
    print(made.secret)


@webhooks_app.command
def disable(account: AccountName, id: WebhookId, *, data: Data = None) -> None:
    """Send nothing there until it is enabled; what comes meanwhile is held, and can be redelivered."""
    _perform(account, ChangeWebhook(id=id, is_enabled=False), data)


@webhooks_app.command
def enable(account: AccountName, id: WebhookId, *, data: Data = None) -> None:
    """Send there again what comes from now on."""
    _perform(account, ChangeWebhook(id=id, is_enabled=True), data)


@webhooks_app.command(name="test")
def send_test(account: AccountName, id: WebhookId, *, data: Data = None) -> None:
    """Send a message that says nothing but that it is a test; a running server delivers it."""
    record = _perform(account, TestWebhook(id), data)
    assert isinstance(record, Record)
    show.console.print(f"{record.id} is on its way: darkroom webhooks deliveries {account} {record.id}")


@webhooks_app.command
def delete(account: AccountName, id: WebhookId, *, data: Data = None) -> None:
    """Forget an endpoint, and what is on its way to it."""
    _perform(account, DeleteWebhook(id), data)


@webhooks_app.command
def deliveries(
    account: AccountName,
    id: str | None = None,
    *,
    webhook: str | None = None,
    stage: Stage | None = None,
    limit: int = 20,
    data: Data = None,
) -> None:
    """List what was sent, newest first; with an id one delivery, with each try as it went out.

    Parameters
    ----------
    stage
        waiting, due, delivered, given_up or held.
    """
    if id is not None:
        record = _perform(account, ShowDelivery(id), data)
        assert isinstance(record, Record)
        _show_whole(record)
        return
    page = _perform(account, ListDeliveries(webhook_id=webhook, stage=stage, limit=limit), data)
    assert isinstance(page, DeliveryPage)
    for record in page.items:
        _show(record)


def _show(record: Record) -> None:
    following = f"  next try {record.next_try_at:%Y-%m-%d %H:%M:%S}" if record.next_try_at else ""
    show.console.print(
        f"{record.id}  {event_name(record.event)}  {record.stage}  {record.url}  {len(record.tries)} tries"
        f"  {record.outcome or ''}{following}",
        soft_wrap=True,
    )


def _show_whole(record: Record) -> None:
    _show(record)
    for number, made in enumerate(record.tries, 1):
        show.console.print(f"\ntry {number}  {made.at:%Y-%m-%d %H:%M:%S}  {made.outcome}  {made.latency_ms} ms")
        for name, value in made.headers.items():
            print(f"  {name}: {value}")
        print(f"  {made.body}")


@webhooks_app.command
def redeliver(
    account: AccountName,
    id: str | None = None,
    *,
    webhook: str | None = None,
    since: datetime | None = None,
    data: Data = None,
) -> None:
    """Send one delivery again, or all that an endpoint was not delivered since a time.

    Parameters
    ----------
    id
        A delivery's id.
    webhook
        An endpoint's id, together with --since.
    since
        An instant such as 2026-03-08T12:05:00, in UTC.
    """
    if id is not None:
        _perform(account, Redeliver(id), data)
        return
    if webhook is None or since is None:
        raise InvalidInput.of("id", "is required, or --webhook together with --since")
    at = since.astimezone(UTC) if since.tzinfo else since.replace(tzinfo=UTC)
    count = _perform(account, RedeliverSince(id=webhook, since=at), data)
    show.console.print(f"{count} are on their way again")


@webhooks_app.command
def listen(*, forward: str = "") -> None:
    """Tell a program on this machine of an account's events, as a webhook would: for development.

    The events come over the API of the server at DARKROOM_URL, with the key DARKROOM_KEY. They are signed with a secret
    that is printed first.

    Parameters
    ----------
    forward
        Where to, such as http://localhost:3000/hook; without it they are only shown.
    """
    settings = settings_of(None)
    if not settings.url:
        raise InvalidInput.of("DARKROOM_URL", "is required: the address of a running server")
    uvloop.run(listen_to(settings.url, settings.key, forward))
