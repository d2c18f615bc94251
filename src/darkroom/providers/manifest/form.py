"""The format of a manifest: what a file may say, and nothing else. `docs/providers.md` explains it with an example."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from darkroom.brief import Task

Positive = Annotated[float, Meta(gt=0)]
Name = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="a name is of small letters, digits, '-' and '_'")
]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="a word is of small letters, digits and '_'")]
ApiHost = Annotated[
    str,
    Meta(
        pattern=r"^([a-z0-9.-]+|\*\.[a-z0-9-]+(\.[a-z0-9-]+)+)$",
        description="a host by its whole name, or every one under a domain: 'api.example.com', '*.example.com'",
    ),
]
"""A host by its whole name, or every one under a domain of its maker's: a secret may go there."""

PythonFile = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]*\.py)?$")]
"""A file beside the manifest, by its name alone."""

Meaning = Literal["content_refused", "rejected", "rate_limited", "key_refused", "unavailable", "lost"]
"""What an answer comes to: refused for its content; refused for good; too often; not with this key, or its balance; not
taken, another may; unknown there (a poll) or by nobody known whether taken (a submit). A key that is refused or was
used too often rests."""

Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class AuthForm(Part, frozen=True, kw_only=True):
    """`environment` is the variable that usually holds the secret. For `basic` and `jwt` the secret is `ID:SECRET`."""

    kind: Literal["none", "bearer", "header", "query", "basic", "jwt"] = "bearer"
    name: str = "Authorization"
    prefix: str = ""
    environment: str = ""
    lifetime_s: Positive = 1800.0


class CallForm(Part, frozen=True, kw_only=True):
    """One call. `path` is under the base URL or a whole URL from an answer; `query`, `body` and `form` are expressions
    that make an object; `headers` are templates. Of both, the `form` is sent where it is not null, else the `body`."""

    path: str
    method: Method = "GET"
    query: str = ""
    body: str = ""
    form: str = ""
    headers: Mapping[str, str] = {}


class BeforeForm(CallForm, frozen=True, kw_only=True):
    """A call that is made before the submit and costs nothing, such as an upload. It is made where `when` holds, and
    with `each` once for every item of a list, as `item`. Later expressions find its `keep` as `before.NAME`: a list of
    them where there is `each`. One that is not `signed` carries no secret, and may go to `hosts` but for `*`."""

    name: Word
    method: Method = "POST"
    when: str = ""
    each: str = ""
    keep: str
    signed: bool = True


class SubmitForm(CallForm, frozen=True, kw_only=True):
    """Without an `id`, the answer is the result. `idempotency` is the header that takes our reference as a key;
    `not_taken` are statuses from 500 on that say for certain that the work was not taken."""

    method: Method = "POST"
    id: str = ""
    keep: str = ""
    idempotency: str = ""
    not_taken: tuple[int, ...] = ()


class BatchForm(CallForm, frozen=True, kw_only=True):
    """Asks after many at once: `id` here is a list of ids, `items` finds the list, `item_id` the id in each."""

    items: str
    item_id: str
    most: Annotated[int, Meta(ge=2)] = 50


class PollForm(CallForm, frozen=True, kw_only=True):
    """`statuses` are the upstream's words for each of ours. A word that stands nowhere is neither the end nor a
    failure. In a batch, each item takes the place of `answer`."""

    status: str
    statuses: Mapping[Literal["queued", "running", "completed", "failed", "canceled"], tuple[str, ...]]
    progress: str = ""
    after_s: str = ""
    interval_s: Positive = 3.0
    longest_s: Positive = 30.0
    batch: BatchForm | None = None


class ResultForm(CallForm, frozen=True, kw_only=True):
    """A second call, for upstreams that tell the end in one place and give the result in another."""


class OutputsForm(Part, frozen=True, kw_only=True):
    """`files` finds the results in the last answer: a URL, a data URI, `{url: ..., base64: ..., hex: ..., type: ...}`,
    or a list of these. Without it, the answer's body is the result. `each` fetches each item by a call of its own."""

    files: str = ""
    each: CallForm | None = None
    type: str = ""
    authorize: bool = False


class ErrorForm(Part, frozen=True, kw_only=True):
    """A rule: where `when` holds for an answer, `means` is what it comes to. `say` is told to the caller in place of
    the upstream's own words. The first rule that holds decides."""

    when: str
    means: Meaning
    say: str = ""
    during: Literal["", "before", "submit", "poll", "result"] = ""


class CancelForm(CallForm, frozen=True, kw_only=True):
    method: Method = "POST"


class LookupForm(CallForm, frozen=True, kw_only=True):
    """Finds a submit by our reference after its answer was lost. `id` is the upstream's id; `absent` holds where the
    answer says for certain that there is none."""

    id: str
    absent: str
    keep: str = ""


class CostForm(Part, frozen=True, kw_only=True):
    """`usd` is what the last answer says that it cost, in US dollars. With `bills_canceled` what runs is paid
    for, though it is canceled."""

    usd: str = ""
    bills_canceled: bool = False


class LimitsForm(Part, frozen=True, kw_only=True):
    """`slots` run at once. Sizes in bytes; `answer_s` bounds a call, `submit_s` a submit, `result_s` one download."""

    slots: Annotated[int, Meta(ge=1)] = 20
    requests_per_second: Positive | None = None
    body_bytes: Annotated[int, Meta(ge=1)] = 64 << 20
    answer_bytes: Annotated[int, Meta(ge=1)] = 64 << 20
    result_bytes: Annotated[int, Meta(ge=1)] = 2 << 30
    connect_s: Positive = 10.0
    answer_s: Positive = 30.0
    submit_s: Positive = 120.0
    result_s: Positive = 600.0


class CredentialForm(Part, frozen=True, kw_only=True):
    """A secret by where it is found: exactly one of `environment`, `file`, `command`. One that is `retired` only polls
    what it has submitted."""

    name: Name = "main"
    environment: str = ""
    file: str = ""
    command: tuple[str, ...] = ()
    slots: Annotated[int, Meta(ge=1)] | None = None
    requests_per_second: Positive | None = None
    budget_usd: Annotated[float, Meta(ge=0)] | None = None
    retired: bool = False


class RouteForm(Part, frozen=True, kw_only=True):
    """Models of the catalogue that this upstream runs, under its own name for them, and what it takes of what they
    offer. `options` are values of your own for the expressions. `aimlapi/*` are all whose slug begins so, but for those
    that another route of the file names; a `*` in `upstream` is the rest of the slug, or all of one that is named."""

    models: tuple[str, ...]
    upstream: str
    weight: Annotated[float, Meta(ge=0)] = 1.0
    tasks: tuple[Task, ...] = ()
    durations_s: tuple[float, ...] = ()
    longest_s: Positive | None = None
    aspect_ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    options: Mapping[str, Any] = {}


class Form(Part, frozen=True, kw_only=True):
    """A whole manifest. `hosts` are where results may be fetched from besides the base URL's own: `cdn.example.com`,
    `*.example.com`, or `*` for any public one. `api_hosts` are the API's own other hosts: an answer may point a call
    there, and the secret goes with it. `message` finds an answer's words about what went wrong, `retry_after_s` when to
    come back, for upstreams that do not say it in a `Retry-After` header. `words` are expressions of your own about
    what is asked for, which all others find as `words.NAME`; one may use those above it. `python` is a file beside this
    one: its functions stand beside ours in every expression."""

    name: Name
    title: str = ""
    documents: tuple[str, ...] = ()
    base_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^/?#@]+(/[^?#@]*[^/?#@])?$",
            description="a base_url is http:// or https:// and a host, with no user and no slash at its end: https://api.example.com/v1",
        ),
    ]
    hosts: tuple[str, ...] = ()
    api_hosts: tuple[ApiHost, ...] = ()
    words: Mapping[Word, str] = {}
    python: PythonFile = ""
    auth: AuthForm = AuthForm()
    headers: Mapping[str, str] = {}
    before: tuple[BeforeForm, ...] = ()
    submit: SubmitForm
    poll: PollForm | None = None
    result: ResultForm | None = None
    outputs: OutputsForm = OutputsForm()
    message: str = ""
    retry_after_s: str = ""
    errors: tuple[ErrorForm, ...] = ()
    cancel: CancelForm | None = None
    lookup: LookupForm | None = None
    cost: CostForm | None = None
    limits: LimitsForm = LimitsForm()
    credentials: tuple[CredentialForm, ...] = ()
    routes: tuple[RouteForm, ...] = ()
    models: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = {}
    templates: Mapping[str, str] = {}
    when_ambiguous: Literal["", "hold", "fail", "retry"] = ""
