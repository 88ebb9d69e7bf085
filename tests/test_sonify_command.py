"""`mirtool sonify` as it is called."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import environment

from mirtool.errors import DataError
from mirtool.io import formats
from mirtool.synthesis.sonify import sonified
from mirtool.types import Events, Features, Notes, Segments, Table

RATE = 8000


def samples(path):
    audio = formats.read(str(path))
    return np.concatenate(list(audio.blocks(1 << 16))), audio.sample_rate


def peaks(sound):
    """Return where sounds begin (s): the first samples after 20 ms of silence."""
    heard = np.flatnonzero(np.abs(sound) > 1e-3)
    return heard[np.diff(heard, prepend=-1000) > 160] / RATE


def test_clicks_alone_and_over_the_recording(call, here):
    assert call("sonify", "events.csv", "--sample-rate", RATE, "-o", "alone.wav").code == 0
    alone, rate = samples("alone.wav")
    assert (rate, alone.shape[1]) == (RATE, 1)
    np.testing.assert_allclose(peaks(alone[:, 0]), np.arange(8) / 2)

    result = call("sonify", "events.csv", "--over", "take.wav", "-o", "over.wav")
    assert (result.code, result.err) == (0, "")
    over, rate = samples("over.wav")
    take, take_rate = samples("take.wav")
    assert rate == take_rate == 22050
    assert len(over) == len(take)
    difference = over - take
    assert np.abs(difference[rate // 2]).max() > 0.3
    assert not difference[rate // 4 : rate // 2].any()

    assert call("sonify", "events.csv", "--over", "take.wav", "--stereo", "--gain=-6", "-o", "two.wav").code == 0
    two, _ = samples("two.wav")
    np.testing.assert_array_equal(two[:, 0], take[:, 0])
    np.testing.assert_allclose(two[:, 1], 10**-0.3 * difference[:, 0], atol=1e-6)


def test_what_goes_beyond_full_scale_is_kept_and_told(call, here):
    result = call("sonify", "events.csv", "--over", "take.wav", "--gain", "12", "-o", "loud.wav")
    assert result.code == 0
    assert result.err.count("\n") == 1
    assert "goes up to 1." in result.err
    assert np.abs(samples("loud.wav")[0]).max() > 1.3


@pytest.mark.parametrize("name", ["notes.csv", "piece.mid", "segments.csv", "chroma.npy"])
def test_other_kinds(call, here, name):
    result = call("sonify", name, "--over", "take.wav", "-o", "x.wav")
    assert (result.code, result.err) == (0, "")
    assert (samples("x.wav")[0][:80000] != samples("take.wav")[0][:80000]).mean() > 0.01


def test_features_from_a_pipe(call, here, program):
    features = call("features", "chroma", "take.wav").out
    result = program("sonify", "-", "--sample-rate", "8000", "-o", "tones.wav", data=features)
    assert (result.code, result.err) == (0, "")
    sound, _ = samples("tones.wav")
    assert len(sound) == pytest.approx(4.0 * RATE, rel=0.05)
    assert np.std(sound) > 0.02


def test_refusals(call, here):
    assert "--stereo needs --over" in call("sonify", "events.csv", "--stereo").err
    assert "exclude each other" in call("sonify", "events.csv", "--over", "take.wav", "--sample-rate", "8000").err
    assert call("sonify", "events.csv", "--over", "none.wav").code == 66
    assert call("sonify", "events.csv", "--over", "notes.csv").code == 65
    assert call("sonify", "events.csv", "--gain", "1000").code == 2
    assert call("sonify", "path.csv").code == 65


def mixed(container, **more):
    return np.concatenate(list(sonified(container, RATE, **more).blocks(4096)))[:, 0]


def test_segments_are_clicked_at_their_beginnings():
    sound = mixed(Segments({"start": [0.0, 1.0, 1.0], "end": [1.0, 2.0, 1.5], "label": ["A", "B", "C"]}))
    np.testing.assert_allclose(peaks(sound), [0, 1])


def test_labelled_strokes_are_drums():
    strokes = Events({"time": [0.0, 1.0, 2.0], "label": ["kick", "Snare", "cowbell"], "strength": [1.0, 0.5, 0.1]})
    sound = mixed(strokes)
    alone = mixed(Events({"time": [0.0], "label": ["kd"], "strength": [3.0]}))
    np.testing.assert_array_equal(sound[:1000], alone[:1000])
    kick, snare = (np.abs(np.fft.rfft(sound[at : at + RATE // 4])) for at in (0, RATE))
    low = slice(0, 30)  # below 120 Hz
    assert kick[low].sum() / kick.sum() > 3 * snare[low].sum() / snare.sum()
    labelled = Events({"time": [0.0, 1.0], "label": ["a", "b"]})
    np.testing.assert_array_equal(mixed(labelled), mixed(Events({"time": [0.0, 1.0]})))


def test_notes_on_channel_10_are_drums():
    columns = {"onset": [0.0, 1.0], "offset": [0.5, 1.5], "pitch": [60, 38], "velocity": [90, 90]}
    both = mixed(Notes({**columns, "channel": [0, 9]}), player="organ")
    plain = mixed(Notes(columns), player="organ")
    np.testing.assert_array_equal(both[: RATE // 2], plain[: RATE // 2])
    assert np.abs(both[RATE : RATE + 2000] - plain[RATE : RATE + 2000]).max() > 0.05


def test_features_know_their_tuning():
    data = np.zeros((12, 10), np.float32)
    data[9] = 1
    plain = Features(data, 10.0, "chroma", ("chroma", "time"))
    tuned = Features(data, 10.0, "chroma", ("chroma", "time"), provenance={"parameters": {"tuning": 40.0}})
    assert not np.array_equal(mixed(plain), mixed(tuned))
    np.testing.assert_array_equal(mixed(Features(data, 10.0)), mixed(plain))  # a matrix of one's own


@pytest.mark.parametrize(
    "container",
    [
        Table({"bpm": [120.0]}),
        Events({"time": [0.0], "bpm": [120.0]}),
        Features(np.zeros((1, 9)), 10.0, "novelty", ("novelty", "time")),
        Features(np.zeros((12, 9)), None),
        Features(np.zeros((4, 9)), 10.0, "x", ("pitch", "time"), (1.0, 2.0, 1.0, 2.0)),
    ],
)
def test_what_has_no_sound(container):
    with pytest.raises(DataError, match="no sound for"):
        sonified(container, RATE)


def test_no_events_no_sound():
    assert len(mixed(Events({"time": np.zeros(0)}))) == 0


# Sonifies so many minutes over silence, and prints the peak of its memory (MB).
PEAK = """
import resource, sys
import numpy as np
from mirtool.synthesis.mix import over
from mirtool.synthesis.sonify import sonified
from mirtool.types import Events, Features

class Silence:
    sample_rate, channels, frames = 8000, 2, int(sys.argv[1]) * 60 * 8000
    def blocks(self, size, overlap=0):
        return (np.zeros((min(size, self.frames - begin), 2), np.float32) for begin in range(0, self.frames, size))

times = np.arange(0, int(sys.argv[1]) * 60, 0.5)
beats = Events({"time": times, "beat": np.arange(len(times)) % 4 + 1})
curve = Events({"time": times, "f0_hz": 200 + times % 50})
chroma = Features(np.random.default_rng(0).random((12, len(times))), 2.0, "chroma", ("chroma", "time"))
for container in (beats, curve, chroma):
    assert sum(len(block) for block in over(Silence(), sonified(container, 8000)).blocks(65536)) >= Silence.frames
scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length():
    peaks = []
    for minutes in ("10", "30"):
        words = [sys.executable, "-c", PEAK, minutes]
        done = subprocess.run(words, stdout=subprocess.PIPE, check=True, env=environment(), timeout=120)
        peaks.append(float(done.stdout))
    assert peaks[1] - peaks[0] < 10


def test_times_in_milliseconds_do_not_fill_the_disk(call, here):
    (here / "far.csv").write_text("time\n500000\n")
    refused = call("sonify", "far.csv", "-o", "far.wav")
    assert (refused.code, refused.err) == (
        65,
        "mirtool sonify: far.csv: 139 hours of sound: are its times in seconds?\n",
    )
    assert not (here / "far.wav").exists()
