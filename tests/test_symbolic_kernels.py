"""The kernels of point-set matching: examples of the papers, oracles, invariants."""

import itertools

import naive_symbolic as naive
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.symbolic import _scaling_kernels as scaling
from mirtool.symbolic import _translation_kernels as translation
from mirtool.symbolic import _voting_kernels as voting
from mirtool.symbolic import _warping_kernels as warping
from mirtool.symbolic._hit_kernels import apart

# The data set of Meredith, Lemström and Wiggins (2002): a, b, c, d, e, f.
SIA = [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2)]
# A chorale and a line in it, as in the C-BRAHMS project's example of P1 and P2.
CHORALE = [
    (0, 65),
    (0, 69),
    (0, 72),
    (200, 64),
    (200, 67),
    (200, 72),
    (400, 62),
    (400, 65),
    (600, 60),
    (600, 64),
    (600, 72),
]
LINE = [(0, 72), (200, 72), (400, 62), (600, 72)]

points = st.sets(st.tuples(st.integers(0, 12), st.integers(60, 64)), min_size=1, max_size=12).map(sorted)
queries = st.sets(st.tuples(st.integers(0, 6), st.integers(60, 64)), min_size=1, max_size=5).map(sorted)


def columns(rows, dtype=np.int64):
    return tuple(np.array(column, dtype=dtype) for column in zip(*rows, strict=True))


def four(query, piece):
    return (*columns(piece), *columns(query))


def pairs(partners):
    return {frozenset((i, int(k)) for i, k in enumerate(row) if k >= 0) for row in partners}


def test_p1_finds_the_line_in_the_chorale() -> None:
    assert translation.p1(*four(LINE, CHORALE)).tolist() == [[0, 0]]


def test_p2_finds_the_line_best_where_it_is() -> None:
    found = translation.p2(*four(LINE, CHORALE), 2)
    assert found[found[:, 2].argmax()].tolist() == [0, 0, 4]


def test_siam_of_a_set_in_itself_gives_its_maximal_translatable_patterns() -> None:
    found = {(t, p): n for t, p, n in translation.siam(*four(SIA, SIA), 1).tolist()}
    rising = {vector: count for vector, count in found.items() if vector > (0, 0)}
    expected = {(0, 1): 2, (0, 2): 2, (1, -2): 1, (1, -1): 2, (1, 0): 3, (1, 1): 2, (1, 2): 1, (2, -1): 1, (2, 1): 1}
    assert rising == expected
    partners = translation.partners_of(*four(SIA, SIA), np.array([[1, 0, 3]]))
    assert [SIA[i] for i in np.flatnonzero(partners[0] >= 0)] == [(1, 1), (1, 3), (2, 2)]


@given(queries, points)
@settings(max_examples=60, deadline=None)
def test_p1_p2_and_siam_agree_with_all_translations(query, piece) -> None:
    every = naive.translations(query, piece)
    assert sorted(map(tuple, translation.p1(*four(query, piece)).tolist())) == naive.p1(query, piece)
    for needed in (1, 2, len(query)):
        expected = sorted((*shift, count) for shift, count in every.items() if count >= needed)
        assert sorted(map(tuple, translation.p2(*four(query, piece), needed).tolist())) == expected
        assert sorted(map(tuple, translation.siam(*four(query, piece), needed).tolist())) == expected


@given(queries, points)
@settings(max_examples=30, deadline=None)
def test_partners_lie_where_the_translation_says(query, piece) -> None:
    found = translation.p2(*four(query, piece), 1)
    for row, (later, higher, count) in zip(
        translation.partners_of(*four(query, piece), found), found.tolist(), strict=True
    ):
        assert (row >= 0).sum() == count
        for i in np.flatnonzero(row >= 0):
            assert piece[row[i]] == (query[i][0] + later, query[i][1] + higher)


notes = st.lists(st.tuples(st.integers(0, 10), st.integers(1, 4), st.integers(60, 62)), min_size=1, max_size=6).map(
    lambda rows: sorted((s, s + d, p) for s, d, p in rows)
)


@given(notes, notes)
@settings(max_examples=60, deadline=None)
def test_p3_finds_the_longest_common_time(query, piece) -> None:
    found = translation.p3(*columns(piece), *columns(query), 1)
    for later, higher, value in found.tolist():
        assert naive.common_time(query, piece, later, higher) == value
    best = max(
        naive.common_time(query, piece, later, higher)
        for later, higher in itertools.product(range(-16, 17), range(-2, 3))
    )
    assert found[:, 2].max() == best


def test_p3_of_a_note_in_itself() -> None:
    note = [(10, 30, 60)]
    found = translation.p3(*columns([(100, 140, 67)]), *columns(note), 1)
    assert (found[:, 1] == 7).all()
    assert found[:, 2].max() == 20
    companions = translation.companions_of(*columns([(100, 140, 67)]), *columns(note), found)
    assert companions.tolist() == [[0]] * len(found)


@given(queries, points)
@settings(max_examples=60, deadline=None)
def test_s1_and_s2_agree_with_all_tempi(query, piece) -> None:
    ratios = (0.5, 2.0)
    complete = naive.scaled(query, piece, 0.5, 2, len(query))
    if len({time for time, _ in query}) > 1:
        assert pairs(scaling.s1(*four(query, piece), ratios)) == complete
        needed = max(2, len(query) - 1)
        found = pairs(scaling.s2(*four(query, piece), ratios, needed))
        with_a_tempo = {match for match in found if len({query[i][0] for i, _ in match}) > 1}
        expected = naive.scaled(query, piece, 0.5, 2, needed)
        assert expected <= with_a_tempo
        assert all(any(match <= longest for longest in expected) for match in with_a_tempo)


def test_s1_finds_an_augmentation_and_s2_one_with_a_wrong_note() -> None:
    query = [(0, 60), (2, 62), (3, 64), (4, 60)]
    slow = [(10 + 2 * t, p + 5) for t, p in query]
    assert scaling.s1(*four(query, slow), (0.5, 2.0)).tolist() == [[0, 1, 2, 3]]
    slow[2] = (slow[2][0], 70)
    assert len(scaling.s1(*four(query, slow), (0.5, 2.0))) == 0
    assert [0, 1, -1, 3] in scaling.s2(*four(query, slow), (0.5, 2.0), 3).tolist()


@given(queries, points, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_chains_are_as_long_as_possible_and_keep_their_limits(query, piece, skipped) -> None:
    four_arrays = (
        columns(piece, np.float64)[0],
        columns(piece, np.int32)[1],
        columns(query, np.float64)[0],
        columns(query, np.int32)[1],
    )
    found = warping.chains(*four_arrays, (0.5, 2.0), 0.0, 1, skipped)
    assert (found >= 0).sum(axis=1).max() == naive.longest_chain(query, piece, 0.5, 2, skipped)
    for row in found:
        known = np.flatnonzero(row >= 0)
        for i, h in itertools.pairwise(known):
            spacing, taken = query[h][0] - query[i][0], piece[row[h]][0] - piece[row[i]][0]
            assert 0.5 * spacing <= taken <= 2 * spacing
            assert piece[row[h]][1] - piece[row[i]][1] == query[h][1] - query[i][1]


def test_a_chain_follows_a_warped_melody() -> None:
    query = [(0, 60), (1, 62), (2, 64), (3, 65)]
    rubato = [(5, 67), (6.9, 69), (7.5, 71), (9, 72)]
    found = warping.chains(
        *(
            columns(rows, dtype)[place]
            for rows, place, dtype in (
                (rubato, 0, np.float64),
                (rubato, 1, np.int32),
                (query, 0, np.float64),
                (query, 1, np.int32),
            )
        ),
        (0.5, 2.0),
        0.0,
        4,
        0,
    )
    assert found.tolist() == [[0, 1, 2, 3]]


@given(queries, points, st.integers(2, 3))
@settings(max_examples=40, deadline=None)
def test_candidates_are_where_enough_notes_agree(query, piece, needed) -> None:
    if needed > len(query):
        return
    found = voting.vote(
        columns(piece, np.float64)[0],
        columns(piece, np.int32)[1],
        columns(query, np.float64)[0],
        columns(query, np.int32)[1],
        np.arange(len(query)),
        np.array([1.0, 1.0]),
        0.1,
        needed,
        True,
    )
    expected = {
        (piece[j][0] - query[a][0], piece[j][1] - query[a][1])
        for a, j in itertools.product(range(len(query)), range(len(piece)))
        if naive.votes(query, piece, a, j, 1, 0.1) >= needed
    }
    assert {(round(time), round(shift)) for time, shift, _ in found.tolist()} == expected


def test_votes_find_a_tempo() -> None:
    query = [(0, 60), (1, 64), (2, 67), (4, 72)]
    piece = [(10 + 1.5 * t, p + 3) for t, p in query]
    arrays = [
        columns(rows, dtype)[place] for rows in (piece, query) for place, dtype in ((0, np.float64), (1, np.int32))
    ]
    found = voting.vote(*arrays, np.array([0]), np.array([0.5, 2.0]), 0.05, 4, True)
    assert len(found) == 1
    np.testing.assert_allclose(found[0], [10, 3, 1.5], atol=0.03)
    assert len(voting.vote(*arrays, np.array([0]), np.array([0.5, 2.0]), 0.05, 4, False)) == 0


def test_matches_that_share_a_note_with_a_better_one_are_left_out() -> None:
    partners = np.array([[0, 1], [1, 2], [2, -1], [0, 1]], dtype=np.int32)
    assert apart(partners, 3, False).tolist() == [True, False, True, False]
    assert apart(partners, 3, True).tolist() == [True, True, False, False]
