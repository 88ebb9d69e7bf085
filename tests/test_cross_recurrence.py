import naive_recurrence as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from performances import compiled

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import RecurrenceParameters
from mirtool.retrieval.versions import _recurrence_kernels as kernels
from mirtool.retrieval.versions.cross_recurrence import Query, brought_together, checked, recurrence
from mirtool.retrieval.versions.cross_recurrence import match as best_match

DEFAULT = RecurrenceParameters()
PLOTS = arrays.arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(1, 5)))


def longest(R, onset=0.5, extension=0.5):
    """Run the kernel on a given recurrence plot."""
    rows, columns = R.shape
    every = np.ones(rows, np.uint16), np.ones(columns, np.uint16)
    return kernels.longest_trace(R.astype(np.uint16), *every, onset, extension)


def piece(frames, seed=0):
    """Return chroma (frames × 12): three classes a frame, each chord for two frames."""
    rng = np.random.default_rng(seed)
    chords = np.zeros((-(-frames // 2), 12), np.float32)
    for chord in chords:
        chord[rng.choice(12, 3, replace=False)] = 1 / np.sqrt(3)
    return np.repeat(chords, 2, axis=0)[:frames]


def match(X, Y, parameters):
    return best_match(Query.of(X), Y, parameters)


class TestWorkedExample:
    """The traces of Serrà et al. (2009): straight, curved, disrupted."""

    def test_straight_trace(self):
        assert longest(np.eye(6, dtype=bool)) == 6

    def test_curved_trace_counts_its_neighbours(self):
        R = np.zeros((7, 5), bool)
        for cell in ((0, 0), (2, 1), (3, 2), (4, 4)):  # steps (2, 1), (1, 1), (1, 2)
            R[cell] = True
        assert longest(R) == 4

    def test_a_gap_costs_its_onset_and_its_extension(self):
        R = np.eye(10, dtype=bool)
        R[4:7, 4:7] = False
        assert longest(R, 0.5, 0.25) == 7 - 0.75  # one of the three is passed over by steps of two
        assert longest(R, 5.0, 0.5) == 4  # what follows is worth less than it costs to go on

    def test_nothing_in_common(self):
        assert longest(np.zeros((4, 6), bool)) == 0


@given(PLOTS, st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0.0, 0.25, 0.5]))
@settings(max_examples=60, deadline=None)
def test_longest_trace_is_the_best_of_all(R, onset, extension):
    assert longest(R, onset, extension) == pytest.approx(naive.q_max(R, onset, extension))


@given(PLOTS)
@settings(max_examples=30, deadline=None)
def test_trace_has_the_neighbours_of_the_longest(R):
    rows, columns = R.shape
    every = np.ones(rows, np.uint16), np.ones(columns, np.uint16)
    moves, path = np.empty(R.shape, np.uint8), np.empty((rows, 2), np.int64)
    size = kernels.trace(R.astype(np.uint16), *every, 0.0, 0.0, moves, path)
    cells = path[:size][::-1]
    assert size == longest(R, 0.0, 0.0)  # gaps that cost nothing leave the number of neighbours
    assert R[tuple(cells.T)].all()
    assert (np.diff(cells, axis=0) >= 1).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(4, 9), st.integers(4, 9))
@settings(max_examples=30, deadline=None)
def test_similarities_are_those_of_stacks(seed, stack, N, M):
    rng = np.random.default_rng(seed)
    X, Y = (
        frames / np.linalg.norm(frames, axis=1, keepdims=True) for frames in (rng.random((N, 3)), rng.random((M, 3)))
    )
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    levels = np.empty((N - stack + 1, M - stack + 1), np.uint16)
    kernels.similarities(X, np.ascontiguousarray(Y.T), stack, levels)
    expected = naive.stacked_similarities(X, Y, stack)
    np.testing.assert_allclose(levels, expected * (kernels.LEVELS - 1), atol=0.51)


@given(
    arrays.arrays(np.uint16, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=st.integers(0, 6)),
    st.integers(1, 3),
    st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_thresholds_are_those_of_sorted_levels(levels, in_row, in_column):
    rows, columns = levels.shape
    in_row, in_column = min(in_row, columns), min(in_column, rows)
    of_rows, of_columns = np.empty(rows, np.uint16), np.empty(columns, np.uint16)
    kernels.thresholds(levels, in_row, in_column, of_rows, of_columns)
    assert of_rows.tolist() == [naive.reached_by(row, in_row) for row in levels]
    assert of_columns.tolist() == [naive.reached_by(column, in_column) for column in levels.T]


@compiled
class TestMatch:
    def test_a_piece_is_like_itself(self):
        X = piece(60)
        found = recurrence(X, X, 0, DEFAULT)
        assert found.q_max == len(X) - DEFAULT.stack + 1
        assert match(X, X, DEFAULT).score == 1

    @pytest.mark.parametrize("shift", [-6, -1, 0, 3, 5])
    def test_transposing_changes_the_transposition_only(self, shift):
        X, Y = piece(70), piece(50, 1)
        Y[10:40] = X[5:35]
        before = match(X, Y, DEFAULT)
        after = match(X, np.roll(Y, shift, axis=1), DEFAULT)
        assert after.score == before.score
        assert (after.transposition - before.transposition - shift) % 12 == 0
        assert -6 <= after.transposition < 6

    def test_order_does_not_matter(self):
        X, Y = piece(70), piece(50, 1)
        Y[10:40] = np.roll(X[5:35], 2, axis=1)
        one, other = match(X, Y, DEFAULT), match(Y, X, DEFAULT)
        assert one.score == pytest.approx(other.score)
        assert one.tempo_ratio == 1 / other.tempo_ratio
        assert one.transposition == -other.transposition == 2

    def test_a_version_at_another_tempo_with_a_part_left_out(self):
        X = piece(120)
        version = np.roll(np.concatenate([X[:50], X[80:]])[np.arange(0, 90, 0.8).astype(int)], 4, axis=1)
        found = match(X, version, DEFAULT)
        assert found.transposition == 4
        assert found.score > 1.1 * match(X, piece(112, 5), DEFAULT).score

    def test_silence_is_like_nothing(self):
        silence = np.zeros((30, 12), np.float32)
        assert match(silence, silence, DEFAULT).score == 0
        assert match(piece(30), silence, DEFAULT).score == 0

    def test_pieces_shorter_than_a_stack(self):
        assert match(piece(4), piece(4), DEFAULT).score == 1
        assert match(piece(1), piece(30), DEFAULT).score > 0

    def test_trace_runs_through_what_is_common(self):
        X, Y = piece(60), piece(50, 1)
        Y[10:40] = X[20:50]
        found = recurrence(X, Y, 0, DEFAULT)
        path = found.trace
        common = path[(path[:, 1] >= 10) & (path[:, 1] < 30)]
        assert len(common) >= 20
        assert (common[:, 0] - common[:, 1] == 10).all()
        assert (np.diff(path, axis=0) >= 1).all()
        assert found.plot[tuple(path.T)].all()
        assert len(path) >= found.q_max


def test_long_pieces_are_thinned_out():
    X, Y = np.eye(12, dtype=np.float32)[np.arange(9000) // 50 % 12], np.eye(12, dtype=np.float32)[np.zeros(5000, int)]
    assert brought_together(X[:100], Y[:100], 1.0)[2] == (1, 1)
    X, Y, (factor, same) = brought_together(X, Y, 1.0)
    assert 0.8 < factor < 0.9
    assert factor == same
    assert len(X) * len(Y) == pytest.approx(1 << 25, rel=0.01)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.25, 2.0])
def test_the_faster_piece_is_slowed_down(ratio):
    X, Y, factors = brought_together(piece(40), piece(60, 1), ratio)
    assert factors == (max(ratio, 1), max(1 / ratio, 1))
    assert len(X) == pytest.approx(40 * factors[0], abs=2)
    assert len(Y) == pytest.approx(60 * factors[1], abs=2)


class TestTranspositions:
    def likely(self, X, Y, count=1):
        return Query.of(X).likely_transpositions(Y, count)

    def test_the_likeliest_comes_first(self):
        X = piece(40)
        assert self.likely(X, np.roll(X, 5, axis=1)) == [5]
        assert self.likely(X, np.roll(X, 7, axis=1)) == [-5]
        assert sorted(self.likely(X, X, 12)) == list(range(-6, 6))

    def test_chords_tell_keys_apart_that_have_the_same_notes(self):
        """Triads of C major and of G major, each class as often as the others: the means of the frames are flat."""
        triads = [(0, 4, 7), (2, 5, 9), (11, 1, 6), (3, 8, 10)]
        X = np.zeros((4, 12), np.float32)
        for frame, triad in zip(X, triads, strict=True):
            frame[list(triad)] = 1 / np.sqrt(3)
        assert np.ptp(X.mean(axis=0)) == 0
        for shift in (-4, 1, 3):
            assert self.likely(X, np.roll(X[::-1], shift, axis=1)) == [shift]


@pytest.mark.parametrize(
    "wrong",
    [
        {"stack": 0},
        {"neighbours": 0.0},
        {"neighbours": 1.5},
        {"gap_onset": -1.0},
        {"transpositions": 13},
        {"tempo_ratios": ()},
        {"candidates": 0},
    ],
)
def test_parameters_outside_of_their_domain(wrong):
    with pytest.raises(ParameterError):
        checked(RecurrenceParameters(**wrong))
