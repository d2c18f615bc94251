"""A manifest made ready: its form with every expression compiled and checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from darkroom.catalogue.fault import Fault
from darkroom.providers.manifest.form import BatchForm, BeforeForm, CallForm, ErrorForm, Form
from darkroom.providers.manifest.language import LANGUAGE, Expression, Language, LanguageError, Template, Url

Compiled = TypeVar("Compiled")

STATUSES = ("queued", "running", "completed", "failed", "canceled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    path: Url
    query: Expression | None
    body: Expression | None
    form: Expression | None
    headers: Mapping[str, Template]
    signed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    name: str
    call: Call
    when: Expression | None
    each: Expression | None
    keep: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    call: Call
    items: Expression
    item_id: Expression
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    when: Expression
    form: ErrorForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`statuses` are the upstream's words to ours. What is None is not in the file."""

    form: Form
    words: Mapping[str, Expression]
    headers: Mapping[str, Template]
    before: tuple[Before, ...]
    submit: Call
    id: Expression | None
    keep: Expression | None
    poll: Call | None
    status: Expression | None
    statuses: Mapping[str, str]
    progress: Expression | None
    after_s: Expression | None
    batch: Batch | None
    result: Call | None
    files: Expression | None
    each: Call | None
    message: Expression | None
    retry_after_s: Expression | None
    rules: tuple[Rule, ...]
    cancel: Call | None
    lookup: Call | None
    found_id: Expression | None
    found_keep: Expression | None
    absent: Expression | None
    usd: Expression | None
    templates: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.form.name


def compile_form(form: Form, language: Language = LANGUAGE) -> Manifest:
    """Raises `Fault` with the place of what is wrong. `language` is what its expressions may say."""
    _check(form)
    return _Compiler(language).manifest(form)


def _check(form: Form) -> None:
    """What the parts must have together."""
    if form.submit.id and form.poll is None:
        raise Fault(
            "an upstream that gives an id needs a [poll]; without 'id' the answer is the result", "submit", "id"
        )
    if form.poll is not None and not form.submit.id:
        raise Fault("needs submit.id: what is asked after must have a name", "poll")
    if form.poll is not None and not form.poll.statuses.get("completed"):
        raise Fault("says no word for 'completed'", "poll", "statuses")
    if form.outputs.each is not None and not form.outputs.files:
        raise Fault("needs outputs.files, which finds the items", "outputs", "each")
    if form.result is not None and form.poll is None:
        raise Fault("there is nothing to ask for where the answer to the submit is the result", "result")
    if form.cancel is not None and form.poll is None:
        raise Fault("there is nothing to cancel where the answer to the submit is the result", "cancel")
    names = [credential.name for credential in form.credentials]
    for index, credential in enumerate(form.credentials):
        if names.count(credential.name) > 1:
            raise Fault(f"there are two credentials '{credential.name}'", "credentials", index, "name")
        if sum(map(bool, (credential.environment, credential.file, credential.command))) != 1:
            raise Fault("needs exactly one of environment, file, command", "credentials", index)


class _Compiler:
    """Compiles each part of one file in its language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def manifest(self, form: Form) -> Manifest:
        submit, poll, outputs, lookup = form.submit, form.poll, form.outputs, form.lookup
        return Manifest(
            form=form,
            words={name: self._made(Expression, text, "words", name) for name, text in form.words.items()},
            headers=self._templates(form.headers, "headers"),
            before=tuple(self._before(before, index) for index, before in enumerate(form.before)),
            submit=self._call(submit, "submit"),
            id=self._expression(submit.id, "submit", "id"),
            keep=self._expression(submit.keep, "submit", "keep"),
            poll=self._call(poll, "poll") if poll else None,
            status=self._expression(poll.status, "poll", "status") if poll else None,
            statuses=_statuses(form),
            progress=self._expression(poll.progress, "poll", "progress") if poll else None,
            after_s=self._expression(poll.after_s, "poll", "after_s") if poll else None,
            batch=self._batch(poll.batch) if poll and poll.batch else None,
            result=self._call(form.result, "result") if form.result else None,
            files=self._expression(outputs.files, "outputs", "files"),
            each=self._call(outputs.each, "outputs", "each") if outputs.each else None,
            message=self._expression(form.message, "message"),
            retry_after_s=self._expression(form.retry_after_s, "retry_after_s"),
            rules=tuple(
                Rule(when=self._made(Expression, rule.when, "errors", index, "when"), form=rule)
                for index, rule in enumerate(form.errors)
            ),
            cancel=self._call(form.cancel, "cancel") if form.cancel else None,
            lookup=self._call(lookup, "lookup") if lookup else None,
            found_id=self._expression(lookup.id, "lookup", "id") if lookup else None,
            found_keep=self._expression(lookup.keep, "lookup", "keep") if lookup else None,
            absent=self._expression(lookup.absent, "lookup", "absent") if lookup else None,
            usd=self._expression(form.cost.usd, "cost", "usd") if form.cost else None,
            templates={name: _json(text, "templates", name) for name, text in form.templates.items()},
        )

    def _batch(self, form: BatchForm) -> Batch:
        return Batch(
            call=self._call(form, "poll", "batch"),
            items=self._made(Expression, form.items, "poll", "batch", "items"),
            item_id=self._made(Expression, form.item_id, "poll", "batch", "item_id"),
            most=form.most,
        )

    def _before(self, form: BeforeForm, index: int) -> Before:
        place = ("before", index)
        return Before(
            name=form.name,
            call=self._call(form, *place, signed=form.signed),
            when=self._expression(form.when, *place, "when"),
            each=self._expression(form.each, *place, "each"),
            keep=self._made(Expression, form.keep, *place, "keep"),
        )

    def _call(self, form: CallForm, *place: str | int, signed: bool = True) -> Call:
        if not form.path.startswith(("/", "{", "http://", "https://")):
            raise Fault("a path begins with '/', or is a URL from an answer, such as '{kept.url}'", *place, "path")
        return Call(
            method=form.method,
            path=self._made(Url, form.path, *place, "path"),
            query=self._expression(form.query, *place, "query"),
            body=self._expression(form.body, *place, "body"),
            form=self._expression(form.form, *place, "form"),
            headers=self._templates(form.headers, *place, "headers"),
            signed=signed,
        )

    def _templates(self, headers: Mapping[str, str], *place: str | int) -> dict[str, Template]:
        return {name: self._made(Template, text, *place, name) for name, text in headers.items()}

    def _expression(self, text: str, *place: str | int) -> Expression | None:
        return self._made(Expression, text, *place) if text else None

    def _made(self, make: Callable[[str, Language], Compiled], text: str, *place: str | int) -> Compiled:
        try:
            return make(text, self._language)
        except LanguageError as error:
            raise Fault(str(error), *place) from None


def _statuses(form: Form) -> dict[str, str]:
    words: dict[str, str] = {}
    for ours, theirs in (form.poll.statuses if form.poll else {}).items():
        for word in theirs:
            if word in words:
                raise Fault(f"'{word}' stands for '{words[word]}' and for '{ours}'", "poll", "statuses", ours)
            words[word] = ours
    return words


def _json(text: str, *place: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Fault(f"is no JSON: {error}", *place) from None
