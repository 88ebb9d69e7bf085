from dataclasses import replace

import naive_matching
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from performances import compiled
from recordings import CHORD, frames

from mirtool.errors import ParameterError
from mirtool.retrieval.matching.features import centred
from mirtool.retrieval.matching.matches import Hit, Recordings, apart, check, matches
from mirtool.retrieval.matching.scan import Block, Piece, blocks, diagonals, matching_curve, warping
from mirtool.retrieval.parameters import MatchingParameters

DTW, DIAGONAL = MatchingParameters(), MatchingParameters(method="diagonal", tempo_range=(0.7, 1.4))
WIDE = (0.5, 2.0)
WEIGHTS = (1.0, 1.0, 2.0)


def test_worked_examples():
    # The sequences of FMP, Section 7.2, X = (3, 0, 6) and Y; with the steps (1,1), (1,2), (2,1) worked out by hand.
    C = np.abs(np.subtract.outer([3, 0, 6], [2, 4, 0, 4, 0, 0, 5, 2])).astype(np.float32) / 2
    cost, start = warping(C, (0, 9))
    np.testing.assert_allclose(6 * cost, [np.inf, 5, 11, 3, 7, 7, 2, 5], atol=1e-3)
    assert (start[6], cost.argmin()) == (3, 6)  # 4 0 0 5
    cost, start = diagonals(C, (1.0, 1.0))
    np.testing.assert_allclose(6 * cost, [np.inf, np.inf, 11, 3, 13, 7, 4, 12], atol=1e-5)
    assert (start[3], cost.argmin()) == (1, 3)  # 4 0 4


@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 7)), elements=st.floats(0, 2, width=16)))
def test_warping_agrees_with_all_paths(C):
    expected, _ = naive_matching.subsequence(C, WEIGHTS)
    cost, start = warping(C.astype(np.float32), (0, 9))
    np.testing.assert_allclose(cost, expected / len(C), atol=2e-4)
    ends = np.flatnonzero(np.isfinite(cost))
    assert np.all(start[ends] <= ends)
    assert np.all(ends - start[ends] <= 2 * (len(C) - 1))


def test_paths_stay_within_a_recording():
    C = np.random.default_rng(0).uniform(size=(6, 30)).astype(np.float32)
    C[:, [11, 12, 20, 21]] = np.inf
    for compare in (warping, diagonals):
        joined, start = compare(C, WIDE)
        for begin, stop in ((0, 11), (13, 20), (22, 30)):
            alone, first = compare(np.ascontiguousarray(C[:, begin:stop]), WIDE)
            assert np.array_equal(joined[begin:stop], alone)
            reached = np.isfinite(alone)
            assert np.array_equal(start[begin:stop][reached], first[reached] + begin)


def test_diagonals_agree_with_the_definition():
    C = np.random.default_rng(1).uniform(size=(5, 24)).astype(np.float32)
    expected = naive_matching.diagonals(C, np.geomspace(0.5, 1.5, 9))
    np.testing.assert_allclose(diagonals(C, (0.5, 1.5))[0], expected, rtol=1e-4)


@pytest.mark.parametrize("parameters", [DTW, DIAGONAL])
def test_blocks_do_not_change_the_matching_function(parameters, monkeypatch):
    rng = np.random.default_rng(2)
    query, *recordings = (centred(rng.normal(size=(count, 12)).astype(np.float32)) for count in (6, 70, 3, 20, 25))
    whole = np.full((4, 70), np.inf)
    for number, recording in enumerate(recordings):
        alone = Block(recording, (Piece(number, 0, 0, len(recording)),))
        whole[number, : len(recording)] = matching_curve(query, alone, parameters).cost
    monkeypatch.setattr("mirtool.retrieval.matching.scan.BLOCK", 40)
    found = np.full((4, 70), np.inf)
    for block in blocks(recordings, 13):
        assert len(block.frames) <= 52
        assert len(block.gaps) == 2 * len(block.pieces) - 2
        curve = matching_curve(query, block, parameters)
        for piece in block.pieces:
            place = slice(piece.first, piece.first + piece.stop - piece.begin)
            found[piece.document, place] = np.minimum(
                found[piece.document, place], curve.cost[piece.begin : piece.stop]
            )
    np.testing.assert_allclose(found, whole, rtol=1e-4)


def search(query, recordings, parameters=DTW, top=5):
    return matches(query, Recordings.of(recordings, parameters), parameters, top)


@compiled
@pytest.mark.parametrize("parameters", [DTW, DIAGONAL])
@pytest.mark.parametrize(("semitones", "tempo", "lilt"), [(0, 1.0, 0.0), (4, 1.0, 0.0), (-2, 1.2, 0.0), (1, 0.85, 1.0)])
def test_finds_another_performance(parameters, semitones, tempo, lilt):
    others = [frames(seed) for seed in (11, 12, 13)]
    query = frames(10)[120:270]  # the chords 9 to 18
    recording = frames(10, 30, semitones, tempo, lilt)
    best, *rest = search(query, [*others, recording], parameters)
    beat = 24.0  # 12 s at two beats a second
    truth = CHORD / 3 / tempo * (beat + lilt * np.sin(beat / 7))
    assert (best.document, best.transposition) == (3, semitones)
    assert best.first / 10 == pytest.approx(truth, abs=0.4)
    assert best.tempo_ratio == pytest.approx((best.last - best.first) / 149)
    assert best.tempo_ratio == pytest.approx(1 / tempo, abs=0.08)
    assert best.score > 0.9
    assert max((hit.score for hit in rest), default=0.0) < best.score - 0.3


@compiled
def test_other_keys_are_left_out_without_transposition():
    hit, *_ = search(frames(10)[120:270], [frames(10, 30, 4)])
    assert (hit.transposition, hit.score > 0.9) == (4, True)
    left = search(frames(10)[120:270], [frames(10, 30, 4)], replace(DTW, transpose=False))
    assert all(other.transposition == 0 and other.score < 0.6 for other in left)


@compiled
def test_a_repeated_passage_is_found_twice():
    part = frames(10)[120:270]
    recording = np.concatenate((frames(11)[:200], part, frames(12)[:100], part, frames(13)[:50]))
    found = search(part, [recording], top=2)
    assert sorted(hit.first for hit in found) == pytest.approx([200, 450], abs=1)
    assert all(hit.score > 0.95 and hit.tempo_ratio == pytest.approx(1, abs=0.02) for hit in found)


@compiled
def test_hits_do_not_overlap_unless_asked():
    recording = frames(10, 30, 0, 1.0)
    for share in (0.0, 0.5):
        found = search(frames(10)[:100], [recording], replace(DTW, max_overlap=share), top=50)
        for place, a in enumerate(found):
            for b in found[:place]:
                shorter = min(a.last - a.first, b.last - b.first)
                assert min(a.last, b.last) - max(a.first, b.first) <= share * shorter
        assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_overlap():
    hits = [Hit(0, 0, 10, 0.5, 0, 1.0), Hit(0, 6, 16, 0.9, 0, 1.0), Hit(1, 6, 16, 0.5, 0, 1.0)]
    assert apart(hits, 0.0) == [hits[1], hits[2]]
    assert apart(hits, 0.4) == [hits[1], hits[0], hits[2]]


def test_hits_of_a_single_frame_are_told_once():
    hits = [Hit(0, 5, 5, 0.5, 0, 1.0), Hit(0, 5, 5, 0.5, 3, 1.0), Hit(0, 6, 6, 0.4, 0, 1.0)]
    assert apart(hits, 0.0) == [hits[0], hits[2]]


@compiled
@pytest.mark.parametrize("length", [1, 2, 4, 8, 10])
def test_a_brief_query_is_found_as_it_is(length):
    best = search(frames(10)[120 : 120 + length], [frames(10)])[0]
    assert best.score > 0.95
    assert abs(best.first - 120) <= 1
    assert (best.last - best.first, best.tempo_ratio) == (length - 1, 1.0)


@compiled
def test_tempi_out_of_range_are_no_hits():
    query, slow = frames(10)[120:270], frames(10, 30, 0, 0.6)
    assert search(query, [slow])[0].tempo_ratio == pytest.approx(1 / 0.6, abs=0.1)
    for hit in search(query, [slow], replace(DTW, tempo_range=(0.8, 1.25))):
        assert hit.score < 0.6


@compiled
def test_short_recordings_and_queries():
    assert search(frames(10)[:100], [frames(11)[:1], frames(11)[:20]]) == []
    assert search(frames(10)[:1], [frames(10)[:20]])[0].score > 0.5


def test_a_silent_query():
    assert search(np.zeros((20, 12), np.int8), [frames(10)]) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "guess"}, "no method guess"),
        ({"tempo_range": (1.2, 0.8)}, "low end first"),
        ({"tempo_range": (0.3, 1.0)}, "from 0.5 to 2"),
        ({"method": "diagonal", "tempo_range": (1e-300, 1.0)}, "tempi lie in 0.1 … 10, not 1e-300,1"),
        ({"method": "diagonal", "tempo_range": (1.0, 11.0)}, "tempi lie in 0.1 … 10"),
        ({"max_overlap": 1.5}, "hits may overlap by a share from 0 to 1"),
        ({"smoothing": 0}, "smoothing window"),
        ({"downsampling": 0}, "downsampling"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ParameterError, match=message):
        check(replace(DTW, **changes))
