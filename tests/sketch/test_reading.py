"""How prompts are read."""

import pytest

from darkroom.providers.sketch.reading import fingerprint, read


@pytest.mark.parametrize(
    ("prompt", "place", "light", "falling"),
    [
        ("A drone flyover of a futuristic city at night", "city", "neon", "birds"),
        ("Snow falls on the mountains at dawn", "mountains", "dawn", "snow"),
        ("A time-lapse of a blooming flower, macro photography", "flower", None, ""),
        ("jellyfish", "underwater", None, ""),
        ("The character slowly turns their head and smiles", "portrait", None, ""),
        ("an autumn forest, golden light", "forest", "sunset", "leaves"),
        ("Закат над морем", "", "sunset", ""),
    ],
)
def test_words_choose_place_light_and_weather(prompt: str, place: str, light: str | None, falling: str) -> None:
    reading = read(prompt, None)
    if place:
        assert reading.place == place
    if light:
        assert reading.light == light
    assert reading.falling == falling


def test_whole_words_do_not_hear_longer_ones() -> None:
    assert read("a catalogue", None).place != "cat"
    assert read("a cat", None).place == "cat"


def test_colours_come_in_the_prompts_order() -> None:
    assert read("teal and red", None).tints == ((0.08, 0.56, 0.58), (0.86, 0.16, 0.18))


@pytest.mark.parametrize(("prompt", "tempo"), [("a car", 1.0), ("a fast car", 1.7), ("a slow car", 0.55)])
def test_tempo(prompt: str, tempo: float) -> None:
    assert read(prompt, None).tempo == pytest.approx(tempo)


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    # The first 16 digits that `printf darkroom | sha256sum` prints.
    assert fingerprint("darkroom") == 0xC6A31148A73F1DB6
