import numpy as np
import pytest

from mirtool.errors import DataError
from mirtool.signal.parameters import TimeScaleParameters
from mirtool.sync.warp import maps, warp, warp_features
from mirtool.tempo_map import TempoMap
from mirtool.types import Audio, Events, Features, Notes, Score, Segments, WarpingPath

PATH = WarpingPath.from_times([[0, 0], [2, 4], [4, 5], [8, 7]])
THREE = WarpingPath.from_times([[0, 0, 1], [1, 2, 3]])


def test_events_move_and_keep_their_columns():
    events = Events({"time": [1.0, 3.0, 10.0], "beat": [1, 2, 3], "label": ["a", "b", "c"]})
    moved = warp(events, PATH)
    assert isinstance(moved, Events)
    np.testing.assert_allclose(moved["time"], [2, 4.5, 8])
    np.testing.assert_array_equal(moved["beat"], events["beat"])
    np.testing.assert_array_equal(moved["label"], events["label"])
    assert list(moved.columns) == list(events.columns)
    np.testing.assert_allclose(warp(moved, PATH, 1, 0)["time"], events["time"])


def test_segments_stay_joined():
    moved = warp(Segments({"start": [0, 2], "end": [2, 3], "label": ["A", "B"]}), PATH)
    assert isinstance(moved, Segments)
    np.testing.assert_allclose(moved["start"], [0, 4])
    np.testing.assert_allclose(moved["end"], [4, 4.5])


def test_notes_change_their_durations():
    notes = Notes({"onset": [0, 2.0], "offset": [1.0, 4.0], "pitch": [60, 62], "velocity": [64, 80], "track": [0, 1]})
    moved = warp(notes, PATH)
    assert isinstance(moved, Notes)
    np.testing.assert_allclose(moved["offset"] - moved["onset"], [2, 1])
    np.testing.assert_array_equal(moved["track"], [0, 1])


def test_two_of_several_versions():
    moved = warp(Events({"time": [2.0]}), THREE, 1, 2)
    np.testing.assert_allclose(moved["time"], [3])


def test_a_table_without_times():
    with pytest.raises(DataError, match="no times to move in a table of time_a, time_b"):
        warp(PATH, PATH)


def test_a_score_keeps_its_musical_time():
    ticks = np.array([[0, 480], [480, 960], [960, 1920]])
    tempo_map = TempoMap(480, [(0, 1_000_000)])
    times = tempo_map.seconds(ticks)
    notes = Notes({"onset": times[:, 0], "offset": times[:, 1], "pitch": [60, 62, 64], "velocity": [64, 64, 64]})
    moved = warp(Score(notes, ticks, tempo_map), PATH)
    assert isinstance(moved, Score)
    np.testing.assert_array_equal(moved.ticks, ticks)
    np.testing.assert_allclose(moved.notes["onset"], [0, 2, 4], atol=1e-3)
    np.testing.assert_allclose(moved.notes["offset"], [2, 4, 5], atol=1e-3)


@pytest.mark.parametrize("reverse", [False, True])
def test_silence_that_one_version_lacks_is_left_out(reverse):
    matrix = np.array([[0, 0], [0.001, 0.8], [1, 1.8], [4, 4.8], [4.001, 6]])
    path = WarpingPath.from_times(matrix[:, ::-1] if reverse else matrix)
    forward, backward = maps(path)[::-1] if reverse else maps(path)
    np.testing.assert_allclose(forward(np.array([0, 0.5, 4.0, 4.5])), [0.8, 1.3, 4.8, 5.3], atol=0.002)
    np.testing.assert_allclose(backward(np.array([0, 0.8, 4.8, 6])), [-0.8, 0, 4, 5.2], atol=0.002)
    events = warp(Events({"time": [0.0, 1.0]}), path, int(reverse), int(not reverse))
    np.testing.assert_allclose(events["time"], [0.8, 1.8], atol=0.002)


def test_a_pause_within_is_kept():
    path = WarpingPath.from_times([[0, 0], [1, 1], [1.001, 3], [2, 4]])
    np.testing.assert_allclose(warp(Events({"time": [1.0, 1.5]}), path)["time"], [1, 3.5], atol=0.002)


def ramp(frames, rate, start=0.0):
    """Two rows: the time of each frame, and a constant."""
    times = start + np.arange(frames) / rate
    return Features(np.stack([times, np.full(frames, 3.0)]), rate, "curve", ("row", "time"), start=start, unit="s")


def test_features_are_resampled_at_their_rate():
    curve = ramp(81, 10)
    moved = warp(curve, PATH)
    assert isinstance(moved, Features)
    assert (moved.feature_rate, moved.kind, moved.dims, moved.unit) == (10, "curve", ("row", "time"), "s")
    assert moved.frames == 71
    np.testing.assert_allclose(moved.times, np.arange(71) / 10)
    np.testing.assert_allclose(moved.data[0], np.interp(moved.times, PATH["time_b"], PATH["time_a"]), atol=1e-5)
    np.testing.assert_array_equal(moved.data[1], np.full(71, 3, dtype=np.float32))


def test_features_begin_within_the_new_time_line():
    moved = warp_features(ramp(11, 10, start=0.05), *maps(WarpingPath.from_times([[0, -0.5], [1, 0.5]])))
    assert moved.start == 0
    np.testing.assert_allclose(moved.data[0], moved.times + 0.5, atol=1e-6)
    later = warp(ramp(11, 10), WarpingPath.from_times([[0, 2.04], [1, 3.04]]))
    assert later.start == pytest.approx(2.1)
    assert later.frames == 10


def test_identity_keeps_features():
    curve = ramp(50, 7.5, start=2 / 7.5)
    moved = warp(curve, WarpingPath.from_times([[0, 0], [3, 3]]))
    np.testing.assert_allclose(moved.data, curve.data, atol=1e-6)
    assert moved.start == pytest.approx(curve.start)


def test_complex_features_and_single_frames():
    one = Features(np.array([[1 + 2j]]), 10)
    moved = warp(one, WarpingPath.from_times([[0, 1], [1, 2]]))
    np.testing.assert_allclose(moved.data, [[1 + 2j]])
    assert moved.start == 1
    assert warp(Features(np.empty((3, 0)), 10), PATH).frames == 0
    with pytest.raises(DataError, match="without a time axis"):
        warp(Features(np.ones((2, 2)), None), PATH)


@pytest.mark.parametrize("method", ["pv", "wsola"])
def test_sound_follows_the_path(method):
    rate = 8000
    t = np.arange(8 * rate) / rate
    frequency = np.where(t < 2, 500, np.where(t < 4, 900, 700))
    sound = Audio(0.3 * np.sin(2 * np.pi * np.cumsum(frequency) / rate), rate)
    moved = warp(sound, PATH, parameters=TimeScaleParameters(tsm=method))
    assert moved.frames == 7 * rate
    samples = np.concatenate(list(moved.blocks(5000)))[:, 0]
    for begin, end, pitch in ((0.1, 3.9, 500), (4.1, 4.9, 900), (5.1, 6.9, 700)):
        piece = samples[int(begin * rate) : int(end * rate)]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 17))
        assert np.argmax(spectrum) * rate / (1 << 17) == pytest.approx(pitch, abs=1)
