"""Composes a tune from the prompt: key, tempo, mood and players follow its words, the notes follow its seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from darkroom.brief import Brief
from darkroom.providers.sketch import synth
from darkroom.providers.sketch.fields import Floats
from darkroom.providers.sketch.reading import best, fingerprint
from darkroom.providers.sketch.recording import Recording, resampled
from darkroom.providers.sketch.speech import utter

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS: Mapping[bool, tuple[tuple[int, ...], ...]] = {
    True: ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (3, 0, 4, 5)),
    False: ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 2, 6, 3)),
}
"""Degrees of the scale that follow one another, for major and minor."""
BEATS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """`drums` is how loud they are; `notes` how many arpeggio notes a beat has."""

    bpm: tuple[int, int]
    drums: float
    notes: int
    bright: float
    player: Callable[..., Floats]
    echo: float = 0.25


STYLES: Mapping[str, Style] = {
    "ambient": Style(bpm=(62, 74), drums=0.0, notes=1, bright=0.35, player=synth.keys, echo=0.6),
    "lofi": Style(bpm=(72, 84), drums=0.45, notes=1, bright=0.45, player=synth.keys, echo=0.3),
    "pop": Style(bpm=(98, 112), drums=0.6, notes=2, bright=0.6, player=synth.pluck, echo=0.25),
    "dance": Style(bpm=(122, 130), drums=0.85, notes=4, bright=0.8, player=synth.pluck, echo=0.25),
    "rock": Style(bpm=(112, 132), drums=0.9, notes=2, bright=0.9, player=synth.pluck, echo=0.2),
    "classical": Style(bpm=(78, 96), drums=0.0, notes=2, bright=0.4, player=synth.keys, echo=0.45),
    "epic": Style(bpm=(84, 96), drums=0.7, notes=2, bright=0.7, player=synth.pluck, echo=0.5),
}

STYLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "ambient": (
        "ambient",
        "calm",
        "medit",
        "relax",
        "sleep",
        "drone",
        "peace",
        "space",
        "soft",
        "slow",
        "underwater",
        "night",
    ),
    "lofi": ("lofi", "lo-fi", "chill", "jazz", "study", "mellow", "hip", "r&b", "soul", "rain"),
    "dance": (
        "dance",
        "edm",
        "techno",
        "house",
        "electro",
        "club",
        "trance",
        "disco",
        "synthwave",
        "neon",
        "fast",
        "upbeat",
    ),
    "rock": ("rock", "metal", "punk", "guitar", "grunge", "energetic"),
    "classical": ("classic", "piano", "orchestr", "string", "waltz", "violin", "baroque", "sonata", "folk", "acoustic"),
    "epic": ("epic", "cinema", "trailer", "battle", "heroic", "film", "dramatic", "fantasy"),
    "pop": ("pop", "song", "love", "summer", "catchy", "indie", "country", "reggae"),
}
SAD = (
    "sad",
    "dark",
    "melanch",
    "minor",
    "night",
    "lonely",
    "tense",
    "horror",
    "mystic",
    "rain",
    "moody",
    "grief",
    "blue$",
)
GLAD = ("happy", "joy", "major", "sunny", "bright", "uplift", "cheer", "love", "summer", "playful", "hope")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What is played: `root` is a MIDI note, `scale` its steps, `chords` one degree a bar, `beat_s` a beat's length."""

    style: Style
    root: int
    scale: tuple[int, ...]
    chords: tuple[int, ...]
    beat_s: float
    melody: tuple[int | None, ...]

    def note(self, degree: int, octave: int = 0) -> int:
        return self.root + 12 * (octave + degree // 7) + self.scale[degree % 7]


def tune(brief: Brief, *, duration_s: float | None = None) -> Recording:
    """A tune of exactly the asked length (30 s unless asked), faded at both ends."""
    length_s = duration_s or brief.duration_s or 30.0
    rng = np.random.default_rng(fingerprint(f"tune\n{brief.prompt}\n{brief.lyrics}\n{brief.seed}"))
    score = compose(brief.prompt, rng)
    track = np.zeros((2, max(1, round(length_s * synth.RATE))), np.float32)
    bars = int(np.ceil(length_s / (score.beat_s * BEATS)))
    play_chords(score, track, bars)
    play_melody(score, track, bars)
    if score.style.drums:
        play_drums(score, track, bars, rng)
    track = synth.room(track, rng, level=score.style.echo)
    track = synth.mastered(track, fade_in_s=min(0.6, length_s / 6), fade_out_s=min(2.5, length_s / 4))
    if brief.lyrics and not brief.instrumental:
        track = np.tanh(track * np.float32(0.7) + _sung(brief, score, track.shape[1]) * np.float32(0.55))
    if brief.format.lower() == "opus":
        return Recording(resampled(track, rate=synth.RATE, to=48_000), 48_000)
    return Recording(track.astype(np.float32), synth.RATE)


def compose(prompt: str, rng: np.random.Generator) -> Score:
    words = prompt.lower().replace(",", " ").split()
    style = STYLES[best(words, STYLE_WORDS) or list(STYLES)[int(rng.integers(0, 5))]]
    mood = best(words, {"glad": GLAD, "sad": SAD})
    is_major = mood == "glad" or (mood is None and bool(rng.integers(0, 2)))
    progressions = PROGRESSIONS[is_major]
    bpm = int(rng.integers(*style.bpm))
    return Score(
        style=style,
        root=int(rng.integers(53, 62)),
        scale=MAJOR if is_major else MINOR,
        chords=progressions[int(rng.integers(0, len(progressions)))],
        beat_s=60 / bpm,
        melody=_melody(rng),
    )


def _melody(rng: np.random.Generator) -> tuple[int | None, ...]:
    """Two bars of half beats, a step away from the note before, resting now and then: short enough to be remembered."""
    notes: list[int | None] = []
    degree = int(rng.choice([0, 2, 4]))
    for slot in range(16):
        degree = min(9, max(-2, degree + int(rng.choice([-2, -1, -1, 0, 1, 1, 2]))))
        notes.append(degree if slot % 8 == 0 or rng.random() < 0.46 else None)
    return tuple(notes)


def play_chords(score: Score, track: Floats, bars: int) -> None:
    """Pad, bass and arpeggio under everything. Every note is made once and placed often."""
    bar_s = score.beat_s * BEATS
    style = score.style
    made: dict[tuple[str, int], Floats] = {}

    def sound(kind: str, player: Callable[..., Floats], note: int, length_s: float) -> Floats:
        if (kind, note) not in made:
            made[kind, note] = player(note, length_s, bright=style.bright)
        return made[kind, note]

    for bar in range(bars):
        degree = score.chords[bar % len(score.chords)]
        at = bar * bar_s
        for index, step in enumerate((0, 2, 4)):
            add_s = sound("pad", synth.pad, score.note(degree + step), bar_s + 0.5)
            synth.add(track, add_s, at - 0.1, 0.16, (-0.5, 0.0, 0.5)[index])
        for beat in (0, 2) if style.drums < 0.6 else (0, 1.5, 2, 3.5):
            synth.add(
                track,
                sound("bass", synth.bass, score.note(degree, -2), score.beat_s * 1.4),
                at + beat * score.beat_s,
                0.34,
            )
        if bar >= 1 or bars < 3:
            for index in range(BEATS * style.notes):
                step = (0, 2, 4, 7, 4, 2, 4, 7)[index % 8]
                note = sound("arpeggio", style.player, score.note(degree + step, 1), score.beat_s * 1.5)
                synth.add(track, note, at + index * score.beat_s / style.notes, 0.11, 0.5 * (-1) ** index)


def play_melody(score: Score, track: Floats, bars: int) -> None:
    """Rests in the first two bars, then plays six of every eight."""
    half_s = score.beat_s / 2
    for bar in range(2 if bars > 4 else 0, bars):
        if bar % 8 >= 6:
            continue
        degree = score.chords[bar % len(score.chords)]
        for slot in range(8):
            step = score.melody[(bar % 2) * 8 + slot]
            if step is not None:
                # On the strong beats the tune agrees with the chord.
                note = score.note(degree + 2 * round(step / 2) if slot % 4 == 0 else step, 1)
                synth.add(
                    track,
                    synth.lead(note, half_s * 1.9, bright=score.style.bright),
                    (bar * 8 + slot) * half_s,
                    0.12,
                    0.12,
                )


def play_drums(score: Score, track: Floats, bars: int, rng: np.random.Generator) -> None:
    kick, snare, hat, open_hat = synth.kick(), synth.snare(rng), synth.hat(rng), synth.hat(rng, open_=True)
    level = score.style.drums
    four_on_the_floor = level > 0.8
    for bar in range(2 if bars > 4 else 0, bars):
        at = bar * BEATS * score.beat_s
        for beat in range(BEATS):
            if four_on_the_floor or beat % 2 == 0:
                synth.add(track, kick, at + beat * score.beat_s, 0.55 * level)
            if beat % 2 == 1:
                synth.add(track, snare, at + beat * score.beat_s, 0.30 * level)
            synth.add(track, hat, at + beat * score.beat_s, 0.16 * level, 0.3)
            synth.add(track, open_hat if beat == 3 else hat, at + (beat + 0.5) * score.beat_s, 0.14 * level, 0.3)


def _sung(brief: Brief, score: Score, count: int) -> Floats:
    """The lyrics line by line, each begun on a bar at the pitch of its chord: chanted rather than sung."""
    track = np.zeros((2, count), np.float32)
    lines = [line.strip() for line in brief.lyrics.splitlines() if line.strip() and not line.strip().startswith("[")]
    at_s = 2 * BEATS * score.beat_s if count > 8 * BEATS * score.beat_s * synth.RATE else 0.0
    for index, line in enumerate(lines):
        if at_s * synth.RATE >= count:
            break
        height = 45 + 4 * score.scale[score.chords[index % len(score.chords)]]
        voice = utter(line, voice=brief.voice, language=brief.language, speed=0.9, pitch=min(99, height))
        sound = resampled(voice.samples, rate=voice.rate, to=synth.RATE)[0]
        synth.add(track, sound, at_s, 1.0)
        bar_s = BEATS * score.beat_s
        at_s = np.ceil((at_s + len(sound) / synth.RATE + 0.2) / bar_s) * bar_s
    return track
