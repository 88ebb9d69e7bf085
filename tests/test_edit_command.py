import numpy as np
import soundfile
from performances import compiled

from mirtool.io import formats
from mirtool.plots.editing import editing_figure
from mirtool.signal.overview import Watched
from mirtool.types import Audio, Notes

RATE = 22050
EDIT = ("edit", "take.wav", "--score", "piece.mid")


def read(name):
    return soundfile.read(name, dtype="float32")[0]


def level(samples, begin, end):
    """Return the level of a stretch (s) in dB."""
    return 10 * np.log10(np.mean(samples[int(begin * RATE) : int(end * RATE)] ** 2) + 1e-12)


@compiled
def test_a_muted_note_is_gone_and_all_else_is_there(call, here):
    assert call(*EDIT, "--mute", "pitch=C5", "-o", "out.wav").code == 0
    before, after = read("take.wav"), read("out.wav")
    assert level(after, 1.55, 1.95) < level(before, 1.55, 1.95) - 15
    np.testing.assert_array_equal(after[: int(1.3 * RATE)], before[: int(1.3 * RATE)])
    np.testing.assert_array_equal(after[int(2.6 * RATE) :], before[int(2.6 * RATE) :])


@compiled
def test_notes_are_edited_and_written(call, here):
    selection = "pitch=C5,time=1..2"
    words = ["--shift-pitch", f"{selection}:+2", "--move", f"{selection}:+0.5", "--mute", "time=2..2.4"]
    assert call(*EDIT, *words, "-o", "out.wav", "--write-score", "out.mid").code == 0
    notes = formats.read("out.mid").notes
    assert notes["pitch"].tolist() == [60, 64, 67, 74, 64, 60, 55]
    assert notes["onset"].tolist() == [0, 0.5, 1, 2, 2.5, 3, 3.5]
    sound = read("out.wav")[int(2.1 * RATE) : int(2.4 * RATE)]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * RATE))
    assert abs(np.argmax(spectrum) / 4 - 440 * 2 ** (5 / 12)) < 3


@compiled
def test_times_are_those_of_the_whole_recording(call, here):
    excerpt = ["--start", "1", "--duration", "2", "-o", "out.wav", "--write-score", "out.csv"]
    assert call(*EDIT, "--mute", "time=1.5..1.9", *excerpt).code == 0
    after = read("out.wav")
    assert len(after) == 2 * RATE
    assert level(after, 0.55, 0.95) < level(after, 0.05, 0.45) - 15
    assert formats.read("out.csv")["onset"].tolist() == [0, 0.5, 1, 2, 2.5, 3, 3.5]


@compiled
def test_of_several_scores_each_is_a_track(call, here):
    notes = formats.read("notes.csv")
    for name, chosen in (("high", notes["pitch"] >= 67), ("low", notes["pitch"] < 67)):
        formats.write(Notes({key: values[chosen] for key, values in notes.columns.items()}), f"{name}.csv")
    scores = ["--score", "high.csv", "--score", "low.csv"]
    assert call("edit", "take.wav", *scores, "--mute", "track=low", "-o", "named.wav").code == 0
    assert call("edit", "take.wav", *scores, "--mute", "track=2", "-o", "numbered.wav").code == 0
    np.testing.assert_array_equal(read("named.wav"), read("numbered.wav"))
    assert level(read("named.wav"), 0.05, 0.45) < level(read("take.wav"), 0.05, 0.45) - 15


def test_a_picture_shows_edited_notes_where_they_were_and_are():
    sound = Watched(Audio(np.random.default_rng(0).normal(0, 0.1, 8000), 8000))
    list(sound.blocks(1000))
    spectrogram = sound.spectrogram()
    columns = {"onset": [0.1, 0.5], "offset": [0.4, 0.9], "pitch": [60.0, 64.0], "velocity": [80.0, 80.0]}
    before = Notes(columns)
    after = before.replace(pitch=[62.0, 64.0])
    marks = np.array([True, False])
    figure = editing_figure((spectrogram, spectrogram), (before, after), (marks, marks), 10.0)
    axes = [one for one in figure.axes if one.get_title(loc="left")]
    assert [one.get_title(loc="left") for one in axes] == ["Before", "After"]
    for one, pitch in zip(axes, (60, 62), strict=True):
        plain, edited = one.collections
        assert len(plain.get_paths()) == len(edited.get_paths()) == 1
        corners = edited.get_paths()[0].vertices
        np.testing.assert_allclose(corners[:, 1].mean(), pitch, atol=0.5)
    assert axes[0].get_xlim()[0] < 10.1 < axes[0].get_xlim()[1]
