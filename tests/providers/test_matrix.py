"""The table of what the conformance suite asks of which manifest is in the documents, and is so."""

import re
from pathlib import Path

from darkroom.providers.manifest.reading import shipped
from tests.providers.fakes import FAKES
from tests.providers.matrix import CASES, PARTS, table

ROOT = Path(__file__).parents[2]
SUITE = (Path(__file__).parent / "test_conformance.py").read_text("utf-8")


def test_the_documents_show_the_table() -> None:
    """`python -m tests.providers.matrix` prints it."""
    assert table() in (ROOT / "docs" / "providers.md").read_text("utf-8")


def test_every_case_is_in_the_suite_and_nothing_else_is_skipped() -> None:
    assert set(re.findall(r'needs\(name, "([^"]+)"\)', SUITE)) == {*CASES, *PARTS}
    # The one other reason is about what answers at once, which has tests of its own.
    assert SUITE.count("pytest.skip") == 1


def test_every_shipped_manifest_has_a_fake() -> None:
    assert set(FAKES) == set(shipped())
