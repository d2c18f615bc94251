"""The operator's commands on a data folder, each a real process."""

import re

from tests.cli.conftest import Folder


def test_an_account_from_its_start_to_its_books(folder: Folder) -> None:
    id = folder.run("account", "create", "studio [one]", "--plan", "basic")
    assert re.fullmatch(r"[0-9a-f-]{36}\n", id)
    key = folder.run("key", "create", "studio [one]", "--prefix", "nb_", "--name", "laptop")
    assert re.fullmatch(r"nb_[A-Za-z0-9]{45}\n", key), "the key alone"
    assert re.fullmatch(r"dk_\w{40}\n", folder.run("key", "create", id.strip()))
    assert re.fullmatch(r"mine-[A-Za-z0-9]{40}\n", folder.run("key", "create", id.strip(), "--prefix", "mine-"))
    assert folder.run("credit", "grant", id.strip(), "2.5").strip().endswith("has 2.5 credits now")
    listed = folder.run("account", "list")
    assert "studio [one]  plan basic  available 2.5  held 0  spent 0" in listed
    keys = folder.run("key", "list", "studio [one]")
    assert key.strip() not in keys
    assert re.search(rf"^\d+  {key[:9]}…  elumenta  laptop  good$", keys, re.M)
    number = keys.split()[0]
    folder.run("key", "revoke", id.strip(), number)
    assert "revoked 20" in folder.run("key", "list", id.strip())
    assert "2.5" in folder.run("ledger", "list", id.strip())
    folder.run("account", "plan", id.strip(), "open")
    assert "studio [one]  plan open" in folder.run("account", "list")
    assert "the books are exact: " in folder.run("ledger", "verify")


def test_mistakes_are_told(folder: Folder) -> None:
    folder.run("account", "create", "studio")
    for words, told in (
        (("account", "create", "x", "--plan", "gold"), "there is no plan 'gold'; the plans are open, blocked, free"),
        (("account", "create", " "), "must not be empty"),
        (("key", "create", "[/nobody]"), "account '[/nobody]' was not found"),
        (("key", "create", "studio", "--dialect", "elumento"), "use elumenta"),
        (("key", "create", "studio", "--prefix", "a b"), "must be at most 24 letters"),
        (("credit", "grant", "studio", "much"), "'much' is not a number of credits"),
        (("credit", "grant", "studio", "--", "-5"), "must be more than 0"),
        (("webhook", "create", "studio", "http://127.0.0.1/x"), "public internet"),
    ):
        said = folder.run(*words, fails=True)
        assert said.startswith("darkroom: "), words
        assert told in said, words


def test_settings_that_are_wrong(folder: Folder) -> None:
    said = folder.run("models", fails=True, DARKROOM_PORT="abc")
    assert "port" in said
    assert "the settings are " in said
    said = folder.run("models", fails=True, DARKROOM_PACE="slow")
    assert "pace" in said
    said = folder.run("serve", "--config", "missing.toml", fails=True)
    assert said.startswith("darkroom: missing.toml: No such file")
