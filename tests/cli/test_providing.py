"""The commands for upstreams."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.errors import Misconfigured
from tests.cli.conftest import Folder
from tests.harness import free_port
from tests.providers.fakes.fake import SECRET, Seen, Told
from tests.providers.fakes.luma import Luma
from tests.providers.test_drop_in import Paintbox


@pytest.fixture
def studio(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


def test_a_shipped_one_is_added_checked_and_listed(studio: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUMAAI_API_KEY", "")
    said = studio.act("provider", "add", "luma")
    assert "set LUMAAI_API_KEY" in said
    assert 'use = "luma"' in (studio.path / "providers" / "luma.toml").read_text()
    assert "is right: https://api.lumalabs.ai/dream-machine/v1" in studio.act("provider", "check")
    assert "missing" in studio.act("provider", "list")
    monkeypatch.setenv("LUMAAI_API_KEY", "a-key")
    listed = studio.act("provider", "list")
    assert "missing" not in listed
    assert "a-key" not in listed
    with pytest.raises(Misconfigured, match="is there already"):
        studio.act("provider", "add", "luma")
    with pytest.raises(Misconfigured, match="no manifest 'lumo' is shipped"):
        studio.act("provider", "add", "lumo")


def test_a_wrong_file_is_told_with_its_line(studio: Folder, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('use = "luma"\n\n[poll]\nstatus = "answr.state"\n')
    said = studio.run("provider", "check", str(file), fails=True)
    assert "mine.toml, line 4: there is no word 'answr'" in said


def test_try_makes_one_real_call_and_blanks_the_secret(studio: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)

    async def run() -> tuple[str, str]:
        async with Luma().serving() as fake:
            (tmp_path / "mine.toml").write_text(
                f'use = "luma"\nbase_url = "{fake.url}{fake.PREFIX}"\n[poll]\ninterval_s = 0.01\n'
                f'[[credentials]]\nfile = "{tmp_path}/secret"\n'
                '[[routes]]\nmodels = ["aimlapi/luma/ray-2"]\nupstream = "ray-2"\n'
            )
            words = ("provider", "try", str(tmp_path / "mine.toml"), "aimlapi/luma/ray-2", "a red fox in the snow")
            dry = await asyncio.to_thread(studio.run, *words, "--dry-run")
            assert "> POST" in dry
            assert not fake.jobs
            said = await asyncio.to_thread(studio.run, *words)
            assert len(fake.jobs) == 1
            return dry + said, fake.url

    said, url = asyncio.run(run())
    assert "> Authorization: ***" in said
    assert SECRET not in said
    assert "< 201" in said
    # The result's own exchange, of which the file is told by its size.
    assert f"> GET {url}/files/result.mp4" in said
    assert "bytes video/mp4" in said
    assert '"state": "completed"' in said
    saved = said.strip().splitlines()[-1].split()[0]
    assert Path(saved).read_bytes()[4:8] == b"ftyp"


OWN = """
base_url = "{url}/api"

[auth]
kind = "query"
name = "key"

[submit]
path = "/paintings"
idempotency = "X-Once"
body = "{{what: prompt}}"
id = "answer.painting"

[poll]
path = "/paintings/{{id}}"
status = "answer.state"
interval_s = 0.01

[poll.statuses]
running = ["waiting", "wet"]
completed = ["dry"]

[outputs]
files = "answer.pictures[].href"

[[credentials]]
file = "{folder}/secret"

[[models]]
slug = "own/moving"
name = "Moving"
maker = "Own"
modality = "video"
tasks = ["text-to-video"]
expected_wait_s = [1, 2]
price = {{ credits = 1 }}
upstream = "moving-1"
inputs.prompt = {{ type = "string", required = true }}
"""


class Keyed(Paintbox):
    """Lets in by a key in the query, and says it aloud."""

    def is_let_in(self, seen: Seen) -> bool:
        return seen.query.get("key") == SECRET

    def submit(self, seen: Seen) -> Told:
        return Told(202, {**super().submit(seen).body, "told": "x" * 110 + SECRET})


def test_a_file_of_one_s_own_is_tried_with_its_own_models(studio: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)

    async def run() -> tuple[str, str]:
        async with Keyed().serving() as fake:
            (tmp_path / "own.toml").write_text(OWN.format(url=fake.url, folder=tmp_path))
            words = ("provider", "try", str(tmp_path / "own.toml"), "own/moving", "a red fox")
            dry = await asyncio.to_thread(studio.run, *words, "--dry-run")
            said = await asyncio.to_thread(studio.run, *words)
            return dry, said

    dry, said = asyncio.run(run())
    for told in (dry, said):
        assert "/api/paintings?key=***" in told
        assert "> X-Once: 0" in told
        # Nor its beginning, where a long text is cut.
        assert SECRET[:6] not in told


def test_try_rehearses_a_shipped_one_that_is_not_set_up(studio: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("provider", "try", "fal", "skills/google/veo-3.1", "a red fox", "--dry-run")
    monkeypatch.setenv("FAL_KEY", "")
    # Nothing is left open behind a refusal, and nothing is said of it.
    assert studio.run(*words, fails=True).splitlines()[-1].endswith("the environment variable FAL_KEY is empty")
    monkeypatch.setenv("FAL_KEY", "a-key")
    assert "> POST https://queue.fal.run/fal-ai/veo3.1\n" in studio.run(*words)
    # A model that it does not run is tried under our own name, which is worth a word.
    said = studio.run("provider", "try", "fal", "flux-1.1-pro", "a red fox", "--dry-run")
    assert "'fal' has no route for 'flux-1.1-pro': our own name for it is sent" in said


def test_a_server_whose_secret_is_not_there_says_so_and_nothing_else(studio: Folder, tmp_path: Path) -> None:
    file = studio.path / "providers" / "luma.toml"
    file.parent.mkdir(parents=True)
    file.write_text('use = "luma"\n[[credentials]]\nfile = "/nowhere/at/all"\n')
    command = [
        sys.executable,
        "-X",
        "dev",
        "-m",
        "darkroom",
        "serve",
        "--data",
        str(studio.path),
        "--port",
        str(free_port()),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    told = "darkroom: provider 'luma', credential 'main': the file /nowhere/at/all cannot be read"
    assert [line for line in ended.stderr.splitlines() if "nclosed" in line] == []
    assert told in ended.stderr.splitlines()
