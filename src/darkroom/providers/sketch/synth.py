"""Instruments made of arithmetic, and the room they sound in. A note is a column of samples; rate is 44,100."""

import numpy as np

from darkroom.providers.sketch.fields import Floats, singles

RATE = 44_100


def seconds(duration_s: float) -> Floats:
    return np.arange(max(1, round(duration_s * RATE)), dtype=np.float32) / np.float32(RATE)


def pitch(note: float) -> float:
    """MIDI number to hertz: 69 is the A of the tuning fork."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def sine(frequency: float, t: Floats) -> Floats:
    """Phase is counted in double precision and wrapped: late in a tune single precision would be out of tune."""
    cycles = (np.arange(len(t)) * (frequency / RATE)) % 1.0
    return singles(np.sin(cycles.astype(np.float32) * np.float32(np.pi * 2)))


def swell(t: Floats, *, attack: float, release: float) -> Floats:
    """Fade in at the beginning and out at the end."""
    length = float(t[-1]) + 1 / RATE
    return singles(
        np.minimum(
            1.0,
            np.minimum(t / np.float32(max(attack, 1e-3)), (np.float32(length) - t) / np.float32(max(release, 1e-3))),
        )
    )


def pad(note: float, duration_s: float, *, bright: float) -> Floats:
    """A warm chord tone: a few harmonics, each twice and a little out of tune with itself."""
    t = seconds(duration_s)
    sound = np.zeros_like(t)
    for harmonic in range(1, 6):
        level = bright ** (harmonic - 1) / harmonic
        for detune in (0.9975, 1.0025):
            sound += np.float32(level) * sine(pitch(note) * harmonic * detune, t)
    return sound * swell(t, attack=0.5, release=0.6) * np.float32(0.35)


def pluck(note: float, duration_s: float, *, bright: float) -> Floats:
    """A struck string by frequency modulation: the brightness dies before the tone does."""
    t = seconds(duration_s)
    frequency = pitch(note)
    modulation = sine(frequency * 2, t) * np.exp(-t * 9) * np.float32(2.4 * bright)
    cycles = ((np.arange(len(t)) * (frequency / RATE)) % 1.0).astype(np.float32)
    return singles(
        np.sin(cycles * np.float32(np.pi * 2) + modulation) * np.exp(-t * 4.5) * swell(t, attack=0.004, release=0.03)
    )


def keys(note: float, duration_s: float, *, bright: float) -> Floats:
    """An electric piano: a bell at the onset, a round tone after it."""
    t = seconds(duration_s)
    frequency = pitch(note)
    tone = sine(frequency, t) + np.float32(0.35 * bright) * sine(frequency * 2, t) * np.exp(-t * 3)
    bell = sine(frequency * 7.03, t) * np.exp(-t * 14) * np.float32(0.18 * bright)
    return singles((tone * np.exp(-t * 1.6) + bell) * swell(t, attack=0.006, release=0.08))


def lead(note: float, duration_s: float, *, bright: float) -> Floats:
    """A singing voice without words: vibrato that sets in late."""
    t = seconds(duration_s)
    vibrato = np.sin(t * np.float32(2 * np.pi * 5.2)) * np.clip(t * 2 - np.float32(0.3), 0, 1) * np.float32(0.010 * 2)
    cycles = ((np.arange(len(t)) * (pitch(note) / RATE)) % 1.0).astype(np.float32) * np.float32(np.pi * 2) + vibrato * 6
    sound = (
        np.sin(cycles) + np.float32(0.30 * bright) * np.sin(cycles * 2) + np.float32(0.12 * bright) * np.sin(cycles * 3)
    )
    return singles(sound * swell(t, attack=0.05, release=0.12))


def bass(note: float, duration_s: float, *, bright: float) -> Floats:
    t = seconds(duration_s)
    tone = sine(pitch(note), t) + np.float32(0.4 * bright) * sine(pitch(note) * 2, t) * np.exp(-t * 4)
    return singles(np.tanh(tone * np.float32(1.3)) * np.exp(-t * 1.2) * swell(t, attack=0.008, release=0.05))


def kick() -> Floats:
    t = seconds(0.32)
    cycles = np.cumsum(46 + 120 * np.exp(-t * 34)) / RATE
    return (np.sin(cycles * np.pi * 2) * np.exp(-t * 9) * swell(t, attack=0.001, release=0.02)).astype(np.float32)


def snare(rng: np.random.Generator) -> Floats:
    t = seconds(0.22)
    hiss = rng.standard_normal(len(t)).astype(np.float32) * np.exp(-t * 20)
    return (np.diff(hiss, prepend=0) * 0.5 + sine(190, t) * np.exp(-t * 26) * 0.5).astype(np.float32)


def hat(rng: np.random.Generator, *, open_: bool = False) -> Floats:
    t = seconds(0.18 if open_ else 0.06)
    hiss = rng.standard_normal(len(t)).astype(np.float32)
    return (np.diff(hiss, n=2, prepend=(0, 0)) * np.exp(-t * (18 if open_ else 60)) * 0.22).astype(np.float32)


def add(track: Floats, sound: Floats, at_s: float, level: float, balance: float = 0.0) -> None:
    """Mix a sound into a stereo track; what is past its end is cut off. `balance` is -1 (left) to 1 (right)."""
    start = max(0, round(at_s * RATE))
    stop = min(start + len(sound), track.shape[1])
    if stop > start:
        part = sound[: stop - start]
        track[0, start:stop] += part * np.float32(level * (1 - max(0.0, balance)))
        track[1, start:stop] += part * np.float32(level * (1 + min(0.0, balance)))


def room(track: Floats, rng: np.random.Generator, *, length_s: float = 1.3, level: float = 0.25) -> Floats:
    """The track and its echo, convolved block by block so that long tunes need little memory."""
    t = seconds(length_s)
    size = 1 << 17
    block = size - len(t)
    wet = np.zeros((2, track.shape[1] + size), np.float32)
    for channel in range(2):
        tail = (
            rng.standard_normal(len(t)).astype(np.float32)
            * np.exp(-t * np.float32(5.5 / length_s))
            * np.clip(t * 60, 0, 1)
        )
        tail = np.convolve(tail, np.ones(5, np.float32) / 5, mode="same")
        spectrum = np.fft.rfft(tail / np.sqrt(np.sum(tail * tail)), size)
        for start in range(0, track.shape[1], block):
            part = np.fft.irfft(np.fft.rfft(track[channel, start : start + block], size) * spectrum, size)
            wet[channel, start : start + size] += part.astype(np.float32)
    return singles(track + wet[:, : track.shape[1]] * np.float32(level))


def mastered(track: Floats, *, fade_in_s: float, fade_out_s: float) -> Floats:
    """Even loudness without clipping, faded at both ends."""
    peak = float(np.percentile(np.abs(track[:, ::7]), 99.7)) or 1.0
    loud = np.tanh(track * np.float32(0.9 / peak)) * np.float32(0.92)
    t = seconds(track.shape[1] / RATE)
    shape = swell(t, attack=fade_in_s, release=fade_out_s)
    return singles((loud * np.clip(shape, 0, 1)).astype(np.float32))
