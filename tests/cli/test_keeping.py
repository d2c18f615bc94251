"""The operator's commands on a data folder."""

import re

import pytest

from darkroom.errors import DarkroomError
from tests.cli.conftest import Folder


def test_the_key_alone_is_on_standard_output(folder: Folder) -> None:
    id = folder.run("account", "create", "studio [one]", "--plan", "basic")
    assert re.fullmatch(r"[0-9a-f-]{36}\n", id)
    assert re.fullmatch(r"nb_[A-Za-z0-9]{45}\n", folder.run("key", "create", "studio [one]", "--prefix", "nb_"))


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ((), r"dk_[A-Za-z0-9]{40}"),
        (("--prefix", "nb_"), r"nb_[A-Za-z0-9]{45}"),
        (("--dialect", "elumenta"), r"nb_[A-Za-z0-9]{45}"),
        (("--prefix", "vvx_live_"), r"vvx_live_[A-Za-z0-9]{32}"),
        (("--dialect", "aimlapi"), r"[0-9a-f]{32}"),
        (("--prefix", "mine-"), r"mine-[A-Za-z0-9]{40}"),
        (("--prefix", "mine-", "--dialect", "elumenta"), r"mine-[A-Za-z0-9]{40}"),
    ],
    ids=" ".join,
)
def test_forms_of_keys(folder: Folder, words: tuple[str, ...], form: str) -> None:
    if not folder.path.exists() or "forms" not in folder.act("account", "list"):
        folder.act("account", "create", "forms")
    assert re.fullmatch(form + r"\n", folder.act("key", "create", "forms", *words))


def test_an_account_from_its_start_to_its_books(folder: Folder) -> None:
    id = folder.act("account", "create", "studio [two]", "--plan", "basic").strip()
    key = folder.act("key", "create", "studio [two]", "--prefix", "nb_", "--name", "laptop").strip()
    assert folder.act("credit", "grant", id, "2.5").strip().endswith("has 2.5 credits now")
    assert "studio [two]  plan basic  available 2.5  held 0  spent 0" in folder.act("account", "list")
    keys = folder.act("key", "list", "studio [two]")
    assert key not in keys
    assert re.search(rf"^\d+  {key[:9]}…  elumenta  laptop  good$", keys, re.M)
    folder.act("key", "revoke", id, keys.split()[0])
    assert "revoked 20" in folder.act("key", "list", id)
    assert "2.5" in folder.act("ledger", "list", id)
    folder.act("account", "plan", id, "open")
    assert "studio [two]  plan open" in folder.act("account", "list")
    assert "the books are exact: " in folder.act("ledger", "verify")
    secret = folder.act("webhooks", "create", id, "https://example.com/hook").strip()
    assert secret.startswith("whsec_")
    hooks = folder.act("webhooks", "list", id)
    assert "https://example.com/hook" in hooks
    assert secret not in hooks
    folder.act("webhooks", "delete", id, hooks.split()[0])
    assert folder.act("webhooks", "list", id) == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("account", "create", "x", "--plan", "gold"), "there is no plan 'gold'; the plans are open, blocked, free"),
        (("account", "create", " "), "must not be empty"),
        (("key", "create", "[/nobody]"), "account '[/nobody]' was not found"),
        (("key", "create", "books", "--dialect", "elumento"), "use elumenta"),
        (("key", "create", "books", "--prefix", "a b"), "must be at most 24 letters"),
        (("credit", "grant", "books", "much"), "'much' is not a number of credits"),
        (("credit", "grant", "books", "0"), "must be more than 0"),
        (("credit", "grant", "books", "0.0000001"), "at most six decimal places"),
        (("webhooks", "create", "books", "http://127.0.0.1/x"), "public internet"),
        (("webhooks", "create", "books", "https://example.com/", "--event", "done"), "must be among queued"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_mistakes_are_told(folder: Folder, words: tuple[str, ...], told: str) -> None:
    if not folder.path.exists() or "books" not in folder.act("account", "list"):
        folder.act("account", "create", "books")
    with pytest.raises(DarkroomError) as caught:
        folder.act(*words)
    assert told in str(caught.value)


def test_a_mistake_is_one_line_and_exits_two(folder: Folder) -> None:
    said = folder.run("key", "create", "[/nobody]", fails=True)
    assert said == "darkroom: account '[/nobody]' was not found\n"


def test_settings_that_are_wrong(folder: Folder) -> None:
    said = folder.run("models", fails=True, DARKROOM_PORT="abc")
    assert said.startswith("darkroom: settings: ")
    assert "port" in said
    assert "the settings are allow_loopback, " in said
    said = folder.run("serve", "--config", "missing.toml", fails=True)
    assert said.startswith("darkroom: missing.toml: No such file")
