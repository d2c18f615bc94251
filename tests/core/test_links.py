"""Signed links: good until they expire, for what they name, and for nothing else."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from darkroom.assets.link import Links

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
KEY = "results/g1/1/a reel ü.mp4"
LINKS = Links(b"s" * 32)


def given(path: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(path).query)
    return query["expires"][0], query["signature"][0]


def test_a_link_is_good_for_seven_to_eight_days() -> None:
    path = LINKS.path(KEY, now=NOON)
    expires, signature = given(path)
    assert int(expires) == int(datetime(2026, 11, 28, tzinfo=UTC).timestamp())
    for days, is_good in ((0, True), (7, True), (7.5, True), (7.51, False), (400, False)):
        then = NOON + timedelta(days=days)
        assert LINKS.is_good(KEY, expires=expires, signature=signature, now=then) is is_good, days
        assert LINKS.key_of(f"http://any.host:8000{path}", now=then) == (KEY if is_good else None)


def test_it_is_the_same_all_day_and_another_on_the_next() -> None:
    first = LINKS.path(KEY, now=MIDNIGHT)
    assert LINKS.path(KEY, now=MIDNIGHT + timedelta(hours=23, minutes=59)) == first
    assert LINKS.path(KEY, now=MIDNIGHT + timedelta(days=1)) != first


def test_a_link_to_one_asset_opens_no_other() -> None:
    expires, signature = given(LINKS.path(KEY, now=NOON))
    assert not LINKS.is_good("results/g2/1/x.mp4", expires=expires, signature=signature, now=NOON)
    later = str(int(expires) + 86_400)
    assert not LINKS.is_good(KEY, expires=later, signature=signature, now=NOON)
    assert not Links(b"t" * 32).is_good(KEY, expires=expires, signature=signature, now=NOON)


@pytest.mark.parametrize("expires", ["", "-1", "soon", "9" * 13, "²³", "1e12", " 1", "1.5", "٤"])
def test_an_expiry_that_is_no_number(expires: str) -> None:
    _, signature = given(LINKS.path(KEY, now=NOON))
    assert not LINKS.is_good(KEY, expires=expires, signature=signature, now=NOON)


@pytest.mark.parametrize("signature", ["", "x", "ü", "\ud800", "A" * 43])
def test_a_signature_that_is_none(signature: str) -> None:
    expires, _ = given(LINKS.path(KEY, now=NOON))
    assert not LINKS.is_good(KEY, expires=expires, signature=signature, now=NOON)


def test_every_changed_letter_of_a_signature_is_seen() -> None:
    expires, signature = given(LINKS.path(KEY, now=NOON))
    for index, letter in enumerate(signature[:-1]):
        changed = signature[:index] + ("A" if letter != "A" else "B") + signature[index + 1 :]
        assert not LINKS.is_good(KEY, expires=expires, signature=changed, now=NOON)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/a.png",
        "https://example.com/assets/a.png",
        "https://example.com/assets/a.png?expires=1",
        "https://example.com/assets/a.png?signature=x&expires=99999999999",
        "http://[::1/assets/a?expires=1&signature=x",
        "asset:results/g1/1/x.mp4",
    ],
)
def test_other_urls_are_not_ours(url: str) -> None:
    assert LINKS.key_of(url, now=NOON) is None
