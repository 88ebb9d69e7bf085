"""The bar pointer: worked examples, a slow oracle, invariants, fixed beats, sections, filtering."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm import bar_pointer as module
from mirtool.rhythm.bar_pointer import BarPointerFilter, near_the_beat, positions, state_space, viterbi
from mirtool.rhythm.parameters import BarPointerParameters
from tests.naive_rhythm import BarPointer, bar_pointer_filter, bar_pointer_viterbi

COMPILED = not numba.config.DISABLE_JIT
few = settings(max_examples=60 if COMPILED else 5, deadline=None)

# At 1 Hz and 60 a minute a beat is a frame long: ranges below are lengths of beats, 2 to 4 frames.
SHORT = BarPointerParameters(range=(15, 30), steadiness=3.0, bar_change=0.1)


def likelihoods(N, beats, downbeats=()):
    """Frames that look like beats at given places, and like none elsewhere."""
    active = np.full(N, 0.05)
    active[list(beats)] = 0.9
    active[list(downbeats)] = 0.1
    down = np.full(N, 0.02)
    down[list(downbeats)] = 0.95
    return np.log(np.stack((active, 1 - active, down), axis=1)).astype(np.float32)


def by_definition(space, bars):
    def class_of(k, m, p):
        row = min(k, len(space.observation.rows)) - 1
        run = max(r for r, share in enumerate(space.observation.shares) if p >= share * space.intervals[m] - 1e-9)
        return space.observation.rows[row][run]

    return BarPointer(space.intervals.tolist(), bars, space.kernel.tempo_change, space.kernel.bar_change, class_of)


def score_of(path, log_likelihoods, space, bars):
    """Score a path by the definition."""
    N, kernel = len(log_likelihoods), space.kernel
    total = float(space.initial[0, 0])
    for frame, beat, interval in zip(path.frames, path.beats, path.intervals, strict=True):
        m = int(np.flatnonzero(space.intervals == interval)[0])
        row = space.observation.rows[min(beat, len(space.observation.rows)) - 1]
        for n in range(max(frame, 0), min(frame + interval, N)):
            share = (n - frame) / interval
            run = max(r for r, begin in enumerate(space.observation.shares) if share >= begin - 1e-9)
            total += float(log_likelihoods[n, row[run]])
    m = np.searchsorted(space.intervals, path.intervals)
    total += kernel.tempo_change[m[:-1], m[1:]].sum()
    kinds = [sorted(bars).index(length) for length in path.bars]
    for k in range(1, len(path.frames)):
        if path.beats[k] == 1:
            total += kernel.bar_change[kinds[k - 1], kinds[k]]
    return total


def test_the_state_space_of_krebs_has_a_state_a_frame():
    """At 50 Hz a beat lasts 20 frames at 150 BPM and 30 at 100: as many states, and a tempo for each number between."""
    space = state_space(BarPointerParameters(range=(100, 150)), 50.0, beats_per_bar=(4,))
    assert space.intervals.tolist() == list(range(20, 31))
    assert space.states == 4 * sum(range(20, 31))
    assert np.exp(space.kernel.tempo_change).sum(axis=1) == pytest.approx(np.ones(11))
    # λ |24 / 20 - 1| = 20 below the same tempo
    assert space.kernel.tempo_change[0, 0] - space.kernel.tempo_change[0, 4] == pytest.approx(20.0)
    assert space.kernel.bounds[0].tolist() == [0, 2, 20]  # 20/16 of a frame, begun frames count


def test_fewer_tempi_lie_equal_ratios_apart():
    space = state_space(BarPointerParameters(range=(50, 200), tempi=3), 100.0)
    assert space.intervals.tolist() == [30, 60, 120]


def test_a_path_by_hand():
    space = state_space(SHORT, 1.0, beats_per_bar=(3,))
    path = viterbi(likelihoods(14, (1, 4, 7, 10, 13))[:, :2], space)
    assert path.frames[-5:].tolist() == [1, 4, 7, 10, 13]
    assert path.intervals[1:].tolist() == [3] * 5
    assert path.frames[0] == -2  # the beat under way at the beginning
    assert set(path.bars) == {3}
    assert (np.diff(path.beats) % 3 == 1).all()


def test_downbeats_tell_the_metre():
    beats = range(2, 60, 3)
    for length in (2, 3, 4):
        observed = likelihoods(60, beats, list(beats)[1::length])
        space = state_space(SHORT, 1.0, near_the_beat(downbeats=True), (2, 3, 4))
        path = viterbi(observed, space)
        assert set(path.bars) == {length}
        assert set(path.frames[path.beats == 1]) - {-1} == set(list(beats)[1::length])


def test_the_metre_may_change():
    beats = list(range(0, 90, 3))
    downbeats = beats[:15:3] + beats[15::4]
    space = state_space(SHORT, 1.0, near_the_beat(downbeats=True), (3, 4))
    path = viterbi(likelihoods(90, beats, downbeats), space)
    assert path.frames[path.beats == 1].tolist() == downbeats
    assert path.bars.tolist() == [3] * 15 + [4] * 15


@st.composite
def problems(draw):
    bars = draw(st.sampled_from([(1,), (2,), (1, 3), (2, 3)]))
    observation = draw(
        st.sampled_from(
            [
                near_the_beat(0.3),
                near_the_beat(0.5, downbeats=True),
                positions(2, 2),
                module.Observation((0.0,), ((0,),)),
            ]
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    N = draw(st.integers(1, 16))
    values = np.round(rng.normal(size=(N, observation.classes)), draw(st.sampled_from([0, 6]))).astype(np.float32)
    return values, state_space(SHORT, 1.0, observation, bars), bars


@few
@given(problems(), st.integers(0, 20), st.integers(0, 3))
def test_the_path_is_the_best_of_all(problem, place, position):
    values, space, bars = problem
    fixed = {} if place >= len(values) else {place: position}
    score = bar_pointer_viterbi(values, by_definition(space, bars), fixed)
    if score == -math.inf:
        with pytest.raises(ParameterError, match="no path"):
            viterbi(values, space, fixed)
        return
    path = viterbi(values, space, fixed)
    assert path.log_probability == pytest.approx(score, abs=1e-9)
    assert score_of(path, values, space, bars) == pytest.approx(score, abs=1e-9)
    for frame, beat in fixed.items():
        assert frame in path.frames
        assert beat in (0, path.beats[path.frames == frame][0])


@few
@given(problems(), st.integers(4, 9))
def test_sections_change_nothing(problem, size):
    values, space, _ = problem
    whole = viterbi(values, space)
    starts = list(range(1, max(len(values), 2), size))
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "_starts", lambda N, space: starts)
    cut = viterbi(values, space)
    patch.undo()
    assert cut.log_probability == whole.log_probability
    assert cut.frames.tolist() == whole.frames.tolist()
    assert cut.beats.tolist() == whole.beats.tolist()


@few
@given(problems())
def test_filtering_is_the_forward_algorithm(problem):
    values, space, bars = problem
    filter = BarPointerFilter(space)
    expected = bar_pointer_filter(values, by_definition(space, bars))
    for frame, distribution in zip(values, expected, strict=True):
        beginning = filter.push(frame)
        assert filter.probabilities.ravel() == pytest.approx(distribution)
        assert beginning == pytest.approx(filter.probabilities[:, filter.offsets].sum(axis=1))


def test_the_filter_follows_the_pulse():
    space = state_space(BarPointerParameters(range=(60, 180)), 20.0, beats_per_bar=(4,))
    filter = BarPointerFilter(space)
    for frame in likelihoods(200, range(3, 200, 11))[:, :2]:
        filter.push(frame)
    _, interval, since = filter.best()
    assert (interval, since) == (11, (199 - 3) % 11)


def test_beats_keep_to_the_range_whatever_they_hear():
    rng = np.random.default_rng(3)
    space = state_space(BarPointerParameters(range=(60, 150), steadiness=10), 50.0, beats_per_bar=(3, 4))
    path = viterbi(np.log(rng.random((3000 if COMPILED else 300, 2))), space)
    gaps = np.diff(path.frames)
    assert gaps.min() >= 20
    assert gaps.max() <= 50
    assert (gaps == path.intervals[:-1]).all()
    assert -50 < path.frames[0] <= 0
    following = np.where(path.beats[:-1] == path.bars[:-1], 1, path.beats[:-1] + 1)
    assert (path.beats[1:] == following).all()


def test_no_frames_have_no_beats():
    path = viterbi(np.zeros((0, 2)), state_space(SHORT, 1.0))
    assert path.frames.size == path.beats.size == 0


def test_long_inputs_are_cut_into_few_sections():
    """3 hours at 100 Hz: scores kept at the sections and back-pointers of one, together."""
    space = state_space(BarPointerParameters(range=(40, 240)), 100.0, near_the_beat(downbeats=True), (3, 4))
    N = 3 * 3600 * 100
    starts = module._starts(N, space)
    frames = starts[1] - starts[0]
    pointers = frames * space.intervals.size * (7 + 2)
    kept = len(starts) * space.initial.nbytes * int(space.intervals[-1])
    assert pointers + kept < 100e6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"range": (0, 100)}, "no tempo"),
        ({"range": (120, 60)}, "no tempo"),
        ({"range": (math.nan, 60)}, "no tempo"),
        ({"range": (2999.5, 2999.9)}, "whole number of frames"),
        ({"range": (1, 3000)}, "too many"),
        ({"tempi": 0}, "at least one tempo"),
        ({"tempi": 10**12}, "too many"),
        ({"range": (1e-12, 240)}, "too many"),
        ({"steadiness": -1.0}, "steadiness"),
        ({"bar_change": 1.5}, "probability"),
    ],
)
def test_bad_parameters(change, message):
    with pytest.raises(ParameterError, match=message):
        state_space(BarPointerParameters(**change), 50.0, beats_per_bar=(3, 4))


def test_bad_bars_and_bad_likelihoods():
    with pytest.raises(ParameterError, match="a bar has"):
        state_space(SHORT, 1.0, beats_per_bar=(0,))
    with pytest.raises(ParameterError, match="feature rate"):
        state_space(SHORT, 0.0)
    space = state_space(SHORT, 1.0)
    with pytest.raises(DataError, match="2 classes"):
        viterbi(np.zeros((5, 3)), space)
    with pytest.raises(DataError, match="finite"):
        viterbi(np.full((5, 2), np.nan), space)
    with pytest.raises(ParameterError, match="frame 9"):
        viterbi(np.zeros((5, 2)), space, {9: 0})
    with pytest.raises(ParameterError, match="position -1"):
        viterbi(np.zeros((5, 2)), space, {2: -1})
    with pytest.raises(ParameterError, match="no path"):
        viterbi(np.zeros((9, 2)), space, {2: 0, 3: 0})


@pytest.mark.skipif(not COMPILED, reason="without compiled loops there is nothing to compile")
def test_each_kernel_is_compiled_once():
    from mirtool.rhythm import _bar_pointer_kernels as kernels

    kernels.warm()
    space = state_space(SHORT, 1.0, near_the_beat(downbeats=True), (2, 3))
    viterbi(likelihoods(30, range(0, 30, 3)), space, {3: 1})
    filter = BarPointerFilter(space)
    filter.push([0, 0, 0])
    filter.push(np.zeros(3, np.float32))
    for name in ("forward", "finish", "trace", "restrict", "move", "weigh"):
        assert len(getattr(kernels, name).signatures) == 1, name
