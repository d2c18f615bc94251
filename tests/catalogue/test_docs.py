"""The worked example of `docs/catalogue.md` is a model that does what the page says."""

import re
from pathlib import Path

from darkroom.brief import Task
from darkroom.catalogue import load
from darkroom.catalogue.media import KEYFRAMES, ROLES
from darkroom.catalogue.words import READERS
from darkroom.credits import show

PAGE = (Path(__file__).parents[2] / "docs/catalogue.md").read_text(encoding="utf-8")


def test_the_worked_example(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.+?)```", PAGE, re.DOTALL)
    assert example
    (tmp_path / "fern-video.toml").write_text(example[1], encoding="utf-8")
    model = load(tmp_path, shipped=False).find("fern", dialect="elumenta")
    alone = model.accept({"prompt": "a fern"})
    brief = model.brief(alone, {})
    assert (show(model.quote(alone)), brief.width, brief.height) == ("12.5", 1280, 720)
    pictured = model.accept({"prompt": "a fern", "image_url": "https://example.com/fern.png"})
    brief = model.brief(pictured, {})
    assert (brief.task, brief.width, brief.height) == (Task.IMAGE_TO_VIDEO, None, 720)


def test_every_role_is_in_the_page() -> None:
    _, _, after = PAGE.partition("## Roles")
    section, _, _ = after.partition("## Prices")
    assert set(re.findall(r"`(\w+)`", section)) >= {*READERS, *ROLES, KEYFRAMES}
