"""Every endpoint of the protocol files stands in its dialect's table: served, different, or not served and why."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROTOCOLS = ROOT.parent / "shared" / "protocols"
ENDPOINT = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE)(?:\|(?:GET|POST))?\s+`?(/[A-Za-z0-9][^\s`|,;)→\]]*)")


def plain(path: str) -> str:
    """A path without its query, its trailing marks, and the names of its variables."""
    path = re.split(r"[?\[]", path.rstrip(".…:*"))[0]
    return re.sub(r"\{[^}]*\}|:[a-z_]+\+?", "{}", path).rstrip("/.…").removesuffix("{")


def endpoints(text: str) -> set[str]:
    return {plain(found) for found in ENDPOINT.findall(text)} - {""}


@pytest.mark.skipif(not PROTOCOLS.exists(), reason="the protocol files are not here")
@pytest.mark.parametrize(
    ("protocol", "page"),
    [
        ("elumenta.md", "elumenta.md"),
        ("aimlapi.md", "aimlapi.md"),
        ("vivix.md", "vivix.md"),
        ("skills_video.md", "skills.md"),
    ],
)
def test_no_endpoint_of_the_protocol_is_missing_from_the_page(protocol: str, page: str) -> None:
    asked = endpoints((PROTOCOLS / protocol).read_text("utf-8"))
    assert len(asked) >= 3
    told = plain_text((ROOT / "docs" / "dialects" / page).read_text("utf-8"))
    assert sorted(path for path in asked if path not in told) == []


def plain_text(page: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", page)


def test_an_endpoint_is_found_in_a_table_and_in_a_sentence() -> None:
    text = "| GET | ... and `POST /api/v2/models/{slug}/calculate-price` or GET /generation/{id} | POST /v2/x?y=1"
    assert endpoints(text) == {"/api/v2/models/{}/calculate-price", "/generation/{}", "/v2/x"}
