"""The documents say what is so: links lead somewhere, and tables are complete."""

import re
from pathlib import Path

import pytest

from darkroom import errors
from darkroom.cli.app import app
from darkroom.config import Settings
from darkroom.dialects import DIALECTS
from darkroom.providers.sketch import directives

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [target for target in LINK.findall(page.read_text("utf-8")) if not (page.parent / target).exists()]
    assert missing == []


def test_every_page_is_reachable_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / target).resolve() for target in LINK.findall(page.read_text("utf-8"))]
    assert [str(page) for page in PAGES if page not in reached] == []


def test_every_room_is_on_the_plan() -> None:
    plan = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    rooms = [room for room in (ROOT / "src" / "darkroom").iterdir() if not room.name.startswith("__")]
    names = [f"{room.name}/" if room.is_dir() else room.name for room in rooms if room.suffix != ".typed"]
    assert len(names) > 60
    assert [name for name in names if f"`{name}" not in plan] == []


def test_every_command_is_in_the_documents() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    commands = [name for name in app if not name.startswith("-")]
    assert {"serve", "generate", "provider", "attempts", "costs", "migrate", "copy", "backup"} <= set(commands)
    assert [name for name in commands if f"darkroom {name}" not in text] == []


def test_every_setting_is_explained() -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    rows = page[page.index("| setting |") : page.index("A wrong setting")].strip().splitlines()
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert explained == set(Settings.__struct_fields__)


def test_every_error_stands_in_the_tree() -> None:
    tree = errors.__doc__ or ""
    missing = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.DarkroomError) and name not in tree
    ]
    assert missing == []


def test_every_dialect_has_its_page_and_its_row_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for dialect in DIALECTS:
        page = f"docs/dialects/{dialect.name}.md"
        assert (ROOT / page).exists()
        assert f"({page})" in readme


def test_the_readmes_sandbox_directives_are_understood() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(r"\| `(\[sandbox: [^`]+\])` \|", readme)
    assert len(shown) == 6
    for directive in shown:
        found, rest = directives.read(f"a flower {directive}")
        assert found != directives.Directives()
        assert rest.strip() == "a flower"
