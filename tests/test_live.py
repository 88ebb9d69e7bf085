"""Rhythm in real time: what is told when, delays, memory, and the commands as they are used."""

import sys

import numpy as np
import pytest
from performances import compiled

from mirtool.errors import ParameterError
from mirtool.features.parameters import NoveltyParameters
from mirtool.io import riff
from mirtool.rhythm.beats import beats
from mirtool.rhythm.evidence import evidence
from mirtool.rhythm.live_beats import BeatState, live_beats
from mirtool.rhythm.live_onsets import live_onsets
from mirtool.rhythm.onsets import onsets
from mirtool.rhythm.parameters import AccentParameters, BeatParameters, PeakParameters
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
    words = ["onsets", "--live", "-", "--raw", "s16le", "--sample-rate", "16000", "--delay", "0.3"]
    program = listening(*PROGRAM, *words)
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
    for count, rows in ((2, 30), (6, 120)):
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


# --------------------------------------------------------------------------------------------------------------- beats


def activations(beats, frames):
    """Return an activation (100 Hz) that is high for two frames at each beat."""
    curve = np.full(frames, 0.02)
    for beat in beats:
        curve[round(beat) : round(beat) + 2] = 0.7
    return curve


def track(curve, lag, **parameters):
    """Return the beats of an activation with the frames at which they were told."""
    state = BeatState(BeatParameters(**parameters), 100.0, lag)
    found = [(n, beat) for n, value in enumerate(curve) if (beat := state.push(value)) is not None]
    return found, state


@compiled
@pytest.mark.parametrize("lag", [-45, -15, 0, 5, 15])
def test_beats_are_told_as_many_frames_later_as_asked(lag):
    truth = np.arange(20, 1500, 47)
    found, state = track(activations(truth, 1500), lag)
    places = np.array([beat.frame for _, beat in found])
    for n, beat in found:
        assert n - beat.frame <= lag + state.reach + 1
    assert np.all(np.diff(places) > 20)
    assert all(np.abs(places - beat).min() < 4 for beat in truth[4:-1])
    assert all(beat.probability > 0.8 for _, beat in found[8:-1])


@compiled
def test_a_tempo_that_changes_is_followed():
    periods = np.concatenate((np.full(12, 60.0), np.linspace(60, 42, 16), np.full(12, 42.0)))
    truth = np.cumsum(periods)
    found, _ = track(activations(truth, round(truth[-1]) + 40), 10)
    places = np.array([beat.frame for _, beat in found])
    near = [np.abs(places - beat).min() < 5 for beat in truth[3:]]
    assert np.mean(near) > 0.9
    assert len(places) < 1.2 * len(truth)


@compiled
def test_the_last_beat_is_not_lost():
    found, state = track(activations(np.arange(10, 600, 50), 571), 12)
    assert [round(beat.frame, -1) for beat in state.flush()] == [560]
    assert all(beat.frame < 530 for _, beat in found)


@compiled
def test_without_a_pulse_beats_are_not_sure():
    noise = np.random.default_rng(1).uniform(0, 0.3, 1500)
    found, _ = track(noise, 10)
    assert np.mean([beat.probability for _, beat in found]) < 0.6


def told(sound, rate, delay, **parameters):
    """Return beats with how much sound had come when they were told (s); the rest, told at the end, apart."""
    source, rows = Heard(sound, rate), []
    for events in live_beats(source, BeatParameters(**parameters), AccentParameters(), delay):
        assert set(events.columns) == {"time", "beat", "confidence"}
        assert events["beat"][0] == 0
        assert 0 < events["confidence"][0] <= 1
        rows.append((events["time"][0], source.now))
    times, now = np.array(rows).T if rows else (np.zeros(0), np.zeros(0))
    return times, now


BEATS = np.arange(0.3, 11.8, 0.5)


@compiled
@pytest.mark.parametrize(("rate", "delay"), [(44100, 0.0), (44100, 0.15), (44100, 0.3), (22050, 0.1), (48000, 1.0)])
def test_beats_are_told_within_the_delay(rate, delay):
    times, now = told(plucked(BEATS, rate, 12.0), rate, delay)
    before = now < 12.0
    assert np.all((now - times)[before] <= delay)
    assert np.all(np.diff(times) > 0.2)
    assert all(np.abs(times - beat).min() < 0.04 for beat in BEATS[6:-1])
    assert len(times[times > 3]) <= np.count_nonzero(BEATS > 3) + 1


@compiled
def test_live_beats_are_nearly_those_of_the_whole():
    rng = np.random.default_rng(3)
    beats_at = 0.4 + np.cumsum(0.46 + 0.04 * np.sin(np.arange(40) / 6))
    between = beats_at[:-1][rng.random(39) < 0.5] + 0.24
    sound = plucked(np.sort(np.concatenate((beats_at, between))), 22050, 20.0)
    sound += 0.003 * rng.standard_normal(len(sound)).astype(np.float32)
    times, _ = told(sound, 22050, 0.3)
    whole = beats(evidence(Audio(sound, 22050), AccentParameters()), BeatParameters())["time"]
    late = whole[(whole > 5) & (whole < 19)]
    assert np.mean([np.abs(times - beat).min() < 0.07 for beat in late]) > 0.9
    assert len(times[(times > 5) & (times < 19)]) <= 1.1 * len(late)


@compiled
def test_beats_end_with_the_sound_and_begin_again():
    sound = np.zeros(22050 * 20, np.float32)
    first, second = plucked(np.arange(0.2, 6, 0.5), 22050, 6.2), plucked(np.arange(0.2, 6, 0.4), 22050, 6.2)
    sound[: len(first)], sound[22050 * 13 : 22050 * 13 + len(second)] = first, second
    times, _ = told(sound, 22050, 0.3)
    assert np.count_nonzero((times > 8.5) & (times < 13)) == 0
    assert np.count_nonzero((times > 13.5) & (times < 19)) > 10
    assert len(told(np.zeros(22050 * 5, np.float32), 22050, 0.3)[0]) == 0


@compiled
def test_the_range_chooses_the_level():
    sound = plucked(BEATS, 22050, 12.0)
    assert np.median(np.diff(told(sound, 22050, 0.3, range=(150.0, 300.0))[0])) == pytest.approx(0.25, abs=0.02)
    assert np.median(np.diff(told(sound, 22050, 0.3, range=(100.0, 140.0))[0])) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_beats_of_the_pulse_are_told_within_the_delay(delay):
    times, now = told(plucked(BEATS, 22050, 12.0), 22050, delay, method="plp", range=(80.0, 160.0))
    before = now < 12.0
    assert np.all((now - times)[before] <= delay)
    assert all(np.abs(times - beat).min() < 0.05 for beat in BEATS[10:-1])
    assert len(times[times > 5]) <= np.count_nonzero(BEATS > 5) + 2


def test_live_beats_come_from_the_bar_pointer_or_the_pulse():
    with pytest.raises(ParameterError, match="live by hmm or plp, not by dp"):
        live_beats(Audio(np.zeros(1000, np.float32), 22050), BeatParameters(method="dp"), AccentParameters(), 0.3)


@pytest.mark.parametrize("form", ["raw", "wav"])
def test_beats_from_a_pipe_come_while_it_is_open(listening, form):
    """Each row is there before more sound has come than the delay allows."""
    rate, delay = 44100, 0.2
    described = ["--raw", "f32le", "--sample-rate", str(rate)] if form == "raw" else []
    program = listening(*PROGRAM, "beats", "--live", "-", *described, "--delay", str(delay))
    sound = plucked(BEATS, rate, 12.0)[: 7 * rate]
    if form == "wav":
        program.feed(riff.HeaderWriter(rate, 1, "FLOAT").bytes(None))
    step = rate // 50
    for begin in range(0, len(sound), step):
        program.feed(sound[begin : begin + step].tobytes())
        now = (begin + step) / rate
        due = BEATS[(BEATS > 3) & (BEATS + delay + 0.05 < now)]  # a beat is placed within 50 ms
        if len(due):
            while not any(abs(time - due[-1]) < 0.05 for time in program.column(0)):
                program.wait_for(program.text.count(b"\n") + 1)
    code, text, err = program.finish()
    assert (code, err) == (0, "")
    assert text.startswith("time,beat,confidence\n")


def test_the_memory_of_live_beats_does_not_grow(listening):
    program = listening(*PROGRAM, "beats", "--live", "-", "--raw", "s16le", "--sample-rate", "22050")
    sound = pcm(plucked(np.arange(0.25, 10, 0.5), 22050, 10.0))
    peaks = []
    for count, rows in ((3, 55), (6, 140)):
        for _ in range(count):
            program.feed(sound)
        program.wait_for(1 + rows)
        peaks.append(program.peak())
    assert peaks[1] - peaks[0] < 1024  # kB


def test_what_live_beats_cannot_do_is_refused(call, here):
    for option, value in (
        ("--level", "half"),
        ("--subdivide", "2"),
        ("--first-downbeat", "1"),
        ("--correct", "events.csv"),
    ):
        result = call("beats", "--live", "take.wav", option, value)
        assert (result.code, result.text) == (2, "")
        assert result.err == f"mirtool beats: --live: not together with {option}\n"
    result = call("beats", "--live", "take.wav", "--beats-per-bar", "3")
    assert (result.code, "no bars" in result.err) == (2, True)
    assert call("beats", "--live", "take.wav", "-o", "map.mid").code == 2
    assert call("beats", "--live", "take.wav", "--click", "click.wav").code == 2
