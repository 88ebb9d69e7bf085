import naive_retrieval as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled
from test_spectral_peaks import music

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import FingerprintParameters
from mirtool.retrieval.recognition._fingerprint_kernels import pairs
from mirtool.retrieval.recognition.fingerprints import HASH_BITS, combination, fingerprint, landmarks, triplets
from mirtool.retrieval.recognition.peaks import HOP, RATE, Peaks, peaks
from mirtool.types import Audio


def some_peaks(times, frequencies, levels=None):
    return Peaks(
        np.array(times, np.float32),
        np.array(frequencies, np.float32),
        np.zeros(len(times), np.float32) if levels is None else np.array(levels, np.float32),
    )


def test_a_landmark_is_two_frequencies_and_the_time_between():
    found = some_peaks([10, 30, 90], [400, 800, 800], [0, 1, 2])
    hashes, times, anchors = landmarks(found, 3)
    # 400 Hz is 72 bins of 1/36 octave above 100 Hz, the target 36 bins higher, 20 frames are 10 steps.
    assert hashes.tolist() == [72 << 13 | (64 + 36) << 6 | 10, 108 << 13 | 64 << 6 | 30]
    assert anchors.tolist() == [0, 1]
    assert times.tolist() == [10, 30]  # the third is 80 frames from the first: too far


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(0, 5)), max_size=20),
    st.integers(1, 4),
)
def test_pairs_are_those_of_the_definition(points, fan_out):
    points.sort(key=lambda point: point[0])
    times, bins, levels = np.array(points, np.float32).reshape(-1, 3).T.copy()
    zone = np.array((2, 9, 4), np.float32)
    room = np.empty((len(points) * fan_out, 2), np.int64)
    count = pairs(times, bins, levels, zone, fan_out, room)
    np.testing.assert_array_equal(room[:count], naive.pairs(times, bins, levels, zone, fan_out))


@compiled
def test_a_shift_by_whole_frames_moves_the_times_only():
    sound = music(6)
    parameters = FingerprintParameters()
    whole = fingerprint(Audio(sound, RATE), parameters)
    later = fingerprint(Audio(np.concatenate((np.zeros(100 * HOP, np.float32), sound)), RATE), parameters)
    expected = set(zip(whole.hashes.tolist(), (whole.times + 100).tolist(), strict=True))
    shared = expected & set(zip(later.hashes.tolist(), later.times.tolist(), strict=True))
    assert len(shared) > 0.8 * len(expected)  # those near the beginning have other rivals
    assert later.frames == whole.frames + 100
    assert whole.hashes.max() < 1 << HASH_BITS


@compiled
def test_speed_can_be_undone_on_the_peaks():
    sound = music(6)
    slow, _ = peaks(Audio(sound, RATE), 20.0)
    fast = Peaks(slow.times / np.float32(1.04), slow.frequencies * np.float32(1.04), slow.levels)
    hashes, times, _ = landmarks(slow, 5)
    undone, moments, _ = landmarks(fast, 5, speed=1.04, pitch=1.04)
    same = hashes == undone
    assert same.mean() > 0.99  # but for rounding
    np.testing.assert_allclose(moments, times, rtol=1e-5)
    assert len(set(landmarks(fast, 5)[0].tolist()) & set(hashes.tolist())) < 0.3 * len(hashes)


def test_a_triplet_is_two_intervals_and_a_ratio_of_times():
    found = some_peaks([10, 20, 50], [400, 800, 200], [0, 1, 2])
    hashes, times, anchors = triplets(found, 2)
    # 400 Hz is in the third register; one octave up, one down; 10 of 40 frames are 8 of 31 steps.
    assert hashes.tolist() == [2 << 19 | (64 + 36) << 12 | (64 - 36) << 5 | 8]
    assert times.tolist() == [10]
    assert anchors.tolist() == [0]


@pytest.mark.parametrize(("speed", "pitch"), [(0.9, 1.0), (1.0, 1.03), (1.05, 1.05)])
def test_triplets_change_neither_with_tempo_nor_with_pitch(speed, pitch):
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 400, 120))
    bins = rng.integers(30, 100, 120) * 1.0  # whole ones: nothing is rounded in the other direction
    levels = rng.normal(size=120)
    original = triplets(some_peaks(times, 100 * 2 ** (bins / 36), levels), 3)
    changed = triplets(some_peaks(times / speed, 100 * pitch * 2 ** (bins / 36), levels), 3)
    same = len(set(original[0].tolist()) & set(changed[0].tolist())) / len(original[0])
    assert same > 0.6  # but for those at an edge: of the zone, of a register
    landmark = landmarks(some_peaks(times, 100 * 2 ** (bins / 36), levels), 3)
    moved = landmarks(some_peaks(times / speed, 100 * pitch * 2 ** (bins / 36), levels), 3)
    assert len(set(landmark[0].tolist()) & set(moved[0].tolist())) / len(landmark[0]) < same - 0.3


@compiled
def test_both_kinds_fit_into_the_bits():
    found, _ = peaks(Audio(music(6), RATE), 40.0)
    for combine in (landmarks, triplets):
        hashes, times, _ = combine(found, 3)
        assert len(hashes) > len(found)
        assert hashes.max() < 1 << HASH_BITS
        assert (np.diff(times) >= 0).all()


def test_what_cannot_be():
    with pytest.raises(ParameterError, match="fan-out must be positive"):
        landmarks(some_peaks([1], [500]), 0)
    with pytest.raises(ParameterError, match="no fingerprints quads"):
        combination("quads")
    for combine in (landmarks, triplets):
        assert combine(some_peaks([], []), 5)[0].shape == (0,)
        assert combine(some_peaks([1], [500]), 1)[0].shape == (0,)
