"""Where upstreams tell us to look: only addresses that we have signed lead anywhere."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from darkroom.assets import Links
from darkroom.ids import new_id
from darkroom.outside import Outside
from darkroom.testing import FrozenClock
from tests.core.test_generation import a_generation

SECRET = b"s" * 32
LINKS = Links(SECRET)


def outside(*, secret: bytes = SECRET, public_url: str = "https://media.example") -> Outside:
    return Outside(secret=secret, links=LINKS, public_url=public_url, clock=FrozenClock())


def test_what_was_signed_leads_back_to_its_generation() -> None:
    generation = replace(a_generation(), id=new_id(), attempt=3)
    url = outside().callback_url(generation)
    assert url is not None
    assert url.startswith(f"https://media.example/callbacks/{generation.id}.3.")
    assert outside().generation_of(url.rsplit("/", 1)[-1]) == generation.id


def changed(token: str) -> list[str]:
    id, attempt, signature = token.split(".")
    other = "A" if signature[-2] != "A" else "B"
    return [
        f"{new_id()}.{attempt}.{signature}",
        f"{id}.4.{signature}",
        f"{id}.03.{signature}",
        f"{id}.{attempt}.{signature[:-2]}{other}{signature[-1]}",
        f"{id}.{attempt}.{signature}=",
        f"{id}.{attempt}.",
        f"{id}.{attempt}",
        id,
        "",
        f"{id}.{'9' * 5000}.{signature}",
        f"{id}.³.{signature}",
        f"{token}é",
        outside(secret=b"t" * 32).token(id, 3),
    ]


@pytest.mark.parametrize("index", range(13))
def test_any_other_text_leads_nowhere(index: int) -> None:
    assert outside().generation_of(changed(outside().token(new_id(), 3))[index]) is None


def test_a_signature_of_an_asset_is_none_of_a_callback() -> None:
    id = new_id()
    signed = LINKS.path(f"callback\n{id}", now=FrozenClock().now())
    assert outside().generation_of(f"{id}.3.{signed.rsplit('=', 1)[-1]}") is None


def test_without_a_public_address_nobody_is_told_of_one() -> None:
    nowhere = outside(public_url="")
    assert nowhere.callback_url(a_generation()) is None
    assert nowhere.links({Path("a.png"): "inputs/a.png"}) == {}


def test_links_to_input_media_are_good() -> None:
    links = outside().links({Path("a.png"): "inputs/x/a.png"})
    assert list(links) == [Path("a.png")]
    assert LINKS.key_of(links[Path("a.png")], now=FrozenClock().now()) == "inputs/x/a.png"
