"""Rhythm in real time: what is told when, delays, memory, and the commands as they are used."""

import sys

import numpy as np
import pytest

from mirtool.errors import ParameterError
from mirtool.features.parameters import NoveltyParameters
from mirtool.rhythm.live import live_onsets
from mirtool.rhythm.onsets import onsets
from mirtool.rhythm.parameters import PeakParameters
from mirtool.signal.resampling import LiveSamples
from mirtool.types import Audio

PROGRAM = (sys.executable, "-m", "mirtool")


def plucked(times, rate, seconds, seed=0):
    """Return plucked notes of changing pitch at these times (s)."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * rate), np.float32)
    for time in times:
        clock = np.arange(round(0.4 * rate)) / rate
        pitch = 440 * 2 ** (rng.integers(-12, 12) / 12)
        note = sum(np.sin(2 * np.pi * pitch * k * clock) / k**2 for k in range(1, 5)) * np.exp(-20 * clock)
        begin = round(time * rate)
        end = min(begin + len(note), len(sound))
        sound[begin:end] += (0.3 * note[: end - begin]).astype(np.float32)
    return sound


class Heard:
    """Sound that notes how much of it has been handed out."""

    channels, frames = 1, None

    def __init__(self, samples, sample_rate):
        self.audio, self.sample_rate, self.given = Audio(samples, sample_rate), sample_rate, 0

    @property
    def now(self):
        return self.given / self.sample_rate

    def blocks(self, size, overlap=0):
        for block in self.audio.blocks(size, overlap):
            self.given += len(block)
            yield block


def pcm(samples):
    return (samples * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize("rates", [(44100, 16000), (48000, 22050), (22050, 16000), (16000, 16000), (8000, 22050)])
def test_samples_come_within_their_latency(rates):
    source = Heard(plucked([0.5], rates[0], 2.0), rates[0])
    samples = LiveSamples(source, rates[1])
    total, worst, before = 0, 0.0, 0.0
    for step in samples:
        worst = max(worst, source.now - before) if total and source.now < 2 else worst
        total += len(step)
        before = total / rates[1]
    assert total == 2 * rates[1]
    assert worst <= samples.latency + 1e-9 <= 0.13


def test_samples_are_the_same_whatever_pieces_they_come_in():
    sound = plucked([0.1, 0.3], 44100, 0.6)

    class Pieces(Heard):
        def blocks(self, size, overlap=0):
            from mirtool.blocks import reblocked

            pieces = (sound[begin : begin + 137, None] for begin in range(0, len(sound), 137))
            return reblocked(pieces, size, overlap)

    whole, pieces = (np.concatenate(list(LiveSamples(kind(sound, 44100), 16000))) for kind in (Heard, Pieces))
    np.testing.assert_array_equal(whole, pieces)


# -------------------------------------------------------------------------------------------------------------- onsets

ONSETS = np.array([0.5, 0.8, 1.1, 1.5, 1.62, 2.3, 2.9, 3.3])


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("delay", [0.28, 0.5, 1.5])
def test_onsets_are_told_within_the_delay(rate, delay):
    source = Heard(plucked(ONSETS, rate, 4.5), rate)
    found = []
    for events in live_onsets(source, NoveltyParameters(), PeakParameters(), delay):
        for time in events["time"]:
            assert source.now - time <= delay
            found.append(time)
    assert np.all(np.diff(found) > 0)
    assert all(np.abs(np.array(found) - onset).min() < 0.015 for onset in ONSETS)
    assert len(found) == len(ONSETS)


def test_with_enough_delay_onsets_are_those_of_the_whole():
    sound = plucked(ONSETS, 16000, 4.5)
    live = list(live_onsets(Audio(sound, 16000), NoveltyParameters(), PeakParameters(), 3.0))
    whole = onsets(Audio(sound, 16000), NoveltyParameters(), PeakParameters()).events
    for name in ("time", "strength"):
        np.testing.assert_allclose(np.concatenate([events[name] for events in live]), whole[name], atol=1e-5)


def test_a_delay_that_is_too_short():
    with pytest.raises(ParameterError, match=r"onsets are known 0\.2\d\d s after they sound; the delay is 0.1 s"):
        live_onsets(Audio(np.zeros(1000, np.float32), 16000), NoveltyParameters(), PeakParameters(), 0.1)


def test_onsets_from_a_pipe_come_while_it_is_open(listening):
    program = listening(*PROGRAM, "onsets", "--live", "-", "--raw", "s16le", "--sample-rate", "16000")
    sound = plucked(ONSETS, 16000, 4.5)
    step, told = 1600, 0
    program.feed(pcm(sound[:step]))
    program.wait_for(1)
    for begin in range(step, len(sound), step):
        program.feed(pcm(sound[begin : begin + step]))
        due = int(np.count_nonzero((begin + step) / 16000 >= ONSETS + 0.3))
        if due > told:
            rows = program.wait_for(1 + due).splitlines()[1:]
            times = np.array([float(row.split(",")[0]) for row in rows])
            assert all(np.abs(times - onset).min() < 0.015 for onset in ONSETS[:due])
            told = due
    code, text, err = program.finish()
    assert (code, err, told) == (0, "", len(ONSETS))
    assert text.startswith("time,strength\n")


def test_the_memory_of_live_onsets_does_not_grow(listening):
    program = listening(*PROGRAM, "onsets", "--live", "-", "--raw", "s16le", "--sample-rate", "16000")
    sound = pcm(plucked(np.arange(0.2, 10, 0.5), 16000, 10.0))
    peaks = []
    for count, rows in ((2, 30), (10, 200)):
        for _ in range(count):
            program.feed(sound)
        program.wait_for(1 + rows)
        peaks.append(program.peak())
    assert peaks[1] - peaks[0] < 1024  # kB


def test_live_onsets_refuse_what_is_no_sound(call, here):
    for name, says in (("piece.mid", "holds a score, not audio"), ("chroma.npy", "holds features, not audio")):
        result = call("onsets", "--live", name)
        assert (result.code, result.text) == (65, "")
        assert says in result.err
    result = call("onsets", "--live", "take.wav", "--activation", "chroma.npy")
    assert (result.code, result.err) == (2, "mirtool onsets: --live: not together with --activation\n")
