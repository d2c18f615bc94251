"""What an operator may set: settings, plans, ids, and one server to a folder."""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from darkroom import config, plans
from darkroom.account import KeyForm, Plan, hash_key, is_same_hash
from darkroom.assets import open_assets
from darkroom.clock import from_micros, to_micros
from darkroom.errors import Misconfigured
from darkroom.ids import is_id, new_id
from darkroom.lock import FolderInUse, FolderLock, FolderShut, open_folder
from darkroom.testing import FrozenClock
from darkroom.wiring import Engine

NOW = FrozenClock().now()


def test_the_command_line_goes_before_the_environment_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "darkroom.toml"
    file.write_text('port = 1\nhost = "file"\nmax_attempts = 9\n')
    environment = {"DARKROOM_PORT": "2", "DARKROOM_HOST": "environment", "DARKROOM_KEY": "not a setting", "PORT": "7"}
    found = config.load(file, {"port": 3, "host": None}, environment=environment)
    assert (found.port, found.host, found.max_attempts, found.pace) == (3, "environment", 9, "fast")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("port = [1]", "port"),
        ('when_ambiguous = "guess"', "when_ambiguous"),
        ("colour = 1", "colour"),
        ("port = ", "darkroom.toml"),
        ("port = 70000", "port"),
        ("port = -1", "port"),
        ("max_attempts = 0", "max_attempts"),
        ("generation_limit_s = 0", "generation_limit_s"),
        ("shutdown_limit_s = -1", "shutdown_limit_s"),
        ("render_processes = -1", "render_processes"),
        ("sandbox_credits = -5", "sandbox_credits"),
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, text: str, names: str) -> None:
    file = tmp_path / "darkroom.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured, match=names):
        config.load(file, {}, environment={})


@pytest.mark.parametrize(("variable", "value"), [("DARKROOM_PORT", "http"), ("DARKROOM_ALLOW_LOOPBACK", "perhaps")])
def test_a_variable_that_is_wrong_is_named(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=variable.removeprefix("DARKROOM_").lower()):
        config.load(None, {}, environment={variable: value})


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "darkroom.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"darkroom\.toml"):
        config.load(file, {}, environment={})
    with pytest.raises(Misconfigured, match=r"darkroom\.toml"):
        plans.load(file)


def test_an_operator_s_plans_override_the_shipped_ones(tmp_path: Path) -> None:
    file = tmp_path / "plans.toml"
    file.write_text('[pro]\ntitle = "Ours"\nin_flight = 2\nmodels = ["reel", "still-*"]\n\n[team]\ntitle = "Team"\n')
    found = plans.load(file)
    assert (found["pro"].title, found["pro"].in_flight, found["pro"].calls_per_minute) == ("Ours", 2, None)
    assert found["team"] == Plan(name="team", title="Team")
    assert found["vip"].calls_per_hour == 100
    assert [found["pro"].allows(slug) for slug in ("reel", "reel-2", "still-1", "Reel")] == [True, False, True, False]
    assert not any(found["blocked"].allows(slug) for slug in ("reel", ""))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[pro]\ntitle = 5", "pro"),
        ('[pro]\ntitle = "Pro"\ncolour = 1', "colour"),
        ("[pro]", "pro"),
        ("pro = 1", "pro"),
        ("[pro", "plans.toml"),
    ],
)
def test_a_plan_that_is_wrong_is_named(tmp_path: Path, text: str, names: str) -> None:
    file = tmp_path / "plans.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured, match=names):
        plans.load(file)


def test_ids_are_new_and_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(is_id(id) for id in ids)
    assert ids[0][:8] <= ids[-1][:8]
    assert [is_id(text) for text in ("", "g1", ids[0] + "x", "ü" * 36)] == [False] * 4


def test_keys_have_their_form_and_are_kept_as_hashes() -> None:
    form = KeyForm(prefix="dk_", length=43)
    first, second = form.make(), form.make()
    assert first != second
    assert form.fits(first)
    assert not form.fits(first[:-1])
    assert not form.fits("nb_" + first[3:])
    assert is_same_hash(hash_key(first), hash_key(first))
    assert not is_same_hash(hash_key(first), hash_key(second))


def test_instants_are_kept_to_the_microsecond() -> None:
    instant = NOW.replace(microsecond=123_457)
    assert from_micros(to_micros(instant)) == instant


def hold_folder(folder: Path, parent: Connection) -> None:
    FolderLock(folder).take("serving http://127.0.0.1:8000")
    parent.send("taken")
    parent.recv()


def test_a_folder_is_one_process_s_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    holder = context.Process(target=hold_folder, args=(tmp_path, theirs))
    holder.start()
    try:
        assert ours.recv() == "taken"
        lock = FolderLock(tmp_path)
        with pytest.raises(FolderInUse) as refused:
            lock.take("serving http://127.0.0.1:9000")
        assert refused.value.holder == f"process {holder.pid}, serving http://127.0.0.1:8000"
        assert str(tmp_path) in str(refused.value)
        assert "--data" in str(refused.value)
    finally:
        holder.kill()
        holder.join(10)
    lock.take("serving http://127.0.0.1:9000")
    with pytest.raises(FolderInUse):
        FolderLock(tmp_path).take("again")
    lock.release()
    again = FolderLock(tmp_path)
    again.take("again")
    again.release()


NOBODY = 65534


@contextmanager
def somebody_else_s_folder() -> Iterator[Path]:
    """As a volume is mounted: there, and another user's. Not in pytest's folders, which only their owner may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_data_folder_that_is_another_user_s_is_told_in_a_line() -> None:
    with somebody_else_s_folder() as folder:
        for name in (folder, folder / "data"):
            with pytest.raises(FolderShut, match=f"{name} is not there for user {os.geteuid()} .*Permission denied"):
                open_folder(name)
            with pytest.raises(Misconfigured, match=r"Permission denied"):
                Engine(config.Settings(data=str(name)))
        with pytest.raises(Misconfigured, match=r"assets: the folder .* cannot be made \(Permission denied\)"):
            open_assets(str(folder / "assets"))


def test_a_data_folder_is_made_with_those_above_it_and_kept(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "a" / "b")
    (folder / "kept").touch()
    assert (open_folder(folder) / "kept").exists()
    with pytest.raises(FolderShut, match="File exists"):
        open_folder(folder / "kept")
