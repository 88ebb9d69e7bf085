"""Search for a query in a piece, by every method."""

from dataclasses import replace

import numpy as np
import pytest

from mirtool.errors import DataError, ParameterError
from mirtool.symbolic.bars import bars_and_beats
from mirtool.symbolic.entries import entry_of
from mirtool.symbolic.matching import search
from mirtool.symbolic.parameters import METHODS, GradedParameters, MatchParameters
from mirtool.symbolic.points import PointSet
from mirtool.symbolic.searching import in_pieces, selected
from mirtool.tempo_map import TempoMap
from mirtool.types import Score

TICKS = 480
SUBJECT = [60, 62, 64, 65, 67, 65, 64, 69, 62]
BEATS = [0.5, 1, 1.5, 2, 2.75, 3, 3.5, 4, 4.5]
GRADING = GradedParameters()


def points(rows, channel=0) -> PointSet:
    """Make points of (onset, duration, pitch)."""
    onset, duration, pitch = np.array(sorted(rows), dtype=float).reshape(-1, 3).T
    same = np.zeros(len(onset), dtype=np.int32)
    return PointSet(onset, onset + duration, pitch.astype(np.int32), same, same + channel, onset)


def melody(pitches=SUBJECT, start=0.0, ratio=1.0, shift=0):
    steps = np.diff([*BEATS, 5.0])[: len(pitches)]
    rows = zip(BEATS, steps, pitches, strict=False)
    return [(start + ratio * (beat - BEATS[0]), ratio * step, pitch + shift) for beat, step, pitch in rows]


def accompaniment(length=40):
    return [(0.5 * n, 0.5, 40 + (7 * n) % 12) for n in range(2 * length)]


def found(query, piece, least=0.5, **options):
    return search(points(query), points(piece), MatchParameters(**options), GRADING, least)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_melody_in_another_key(method) -> None:
    hits = found(melody(), [*accompaniment(), *melody(start=8, shift=5)], method=method)
    assert hits[0].score == pytest.approx(1.0)
    assert hits[0].transposition == 5
    assert hits[0].start == pytest.approx(8)
    assert hits[0].end == pytest.approx(12.5)
    assert hits[0].tempo_ratio == pytest.approx(1.0)
    assert len(hits[0].notes) == len(SUBJECT)


@pytest.mark.parametrize("method", METHODS)
def test_in_the_same_key_only(method) -> None:
    piece = [*melody(start=8, shift=5), *melody(start=20)]
    hits = found(melody(), piece, method=method, transpose=False, least=0.9)
    assert [(hit.start, hit.transposition) for hit in hits] == [(20, 0)]


@pytest.mark.parametrize(("method", "time"), [("graded", "scaled"), ("s1", "scaled"), ("s2", "scaled")])
def test_at_another_tempo(method, time) -> None:
    (hit,) = found(melody(), melody(start=3, ratio=1.5), method=method, time=time)
    assert hit.tempo_ratio == pytest.approx(1.5)
    assert hit.start == pytest.approx(3)


def test_not_at_another_tempo_if_the_time_is_fixed() -> None:
    assert not found(melody(), melody(start=3, ratio=1.5), time="fixed", least=0.8)
    assert not found(melody(), melody(start=3, ratio=1.5), tempo_range=(0.9, 1.1), least=0.8)


@pytest.mark.parametrize(("method", "time"), [("graded", "warped"), ("w1", "scaled"), ("w2", "scaled")])
def test_with_elastic_spacings(method, time) -> None:
    rows = melody(start=3)
    onsets = [3, 3.9, 4.2, 5.1, 5.6, 6.0, 6.4, 7.3, 7.7]
    warped = [(onset, 0.2, pitch) for onset, (_, _, pitch) in zip(onsets, rows, strict=True)]
    (hit,) = found(melody(), warped, method=method, time=time)
    assert len(hit.notes) == len(SUBJECT)
    assert hit.start == 3


def test_jitter_wrong_and_missing_notes_cost_little() -> None:
    noise = np.random.default_rng(1).normal(0, 0.012, len(SUBJECT))
    rows = [(onset + late, length, pitch) for (onset, length, pitch), late in zip(melody(start=5), noise, strict=True)]
    rows[3] = (rows[3][0], rows[3][1], rows[3][2] + 1)
    del rows[6]
    hit = found(melody(), [*rows, *accompaniment()], least=0.5)[0]
    assert hit.start == pytest.approx(5, abs=0.06)
    assert 0.7 < hit.score < 0.9
    assert (hit.partners >= 0).sum() == len(SUBJECT) - 1


def test_worth_of_a_note_falls_with_its_distance() -> None:
    scores = []
    for off in (0, 1, 2, 3):
        rows = melody()
        rows[4] = (rows[4][0], rows[4][1], rows[4][2] + off)
        scores.append(found(melody(), rows)[0].score)
    np.testing.assert_allclose(1 - np.array(scores), np.array([0, 1, 2, 3]) / 3 / len(SUBJECT), atol=1e-9)


def test_notes_between_those_of_a_hit_make_it_less() -> None:
    rows = melody()
    crowded = sorted([*rows, (1.2, 0.1, 65)])
    assert found(rows, crowded)[0].score < found(rows, rows)[0].score


def test_other_voices_between_do_not() -> None:
    rows = melody()
    piece = points([*rows, (1.2, 0.1, 65)])
    piece = replace(piece, track=np.where(piece.onset == 1.2, 1, 0).astype(np.int32))
    assert search(points(rows), piece, MatchParameters(), GRADING)[0].score == pytest.approx(1)


def test_inversion_and_retrograde_have_their_flags() -> None:
    mirrored = [(onset, length, 120 - pitch) for onset, length, pitch in melody(start=2)]
    assert not found(melody(), mirrored, least=0.9)
    (hit,) = found(melody(), mirrored, least=0.9, inversion=True)
    assert (hit.form, hit.transposition, hit.start) == ("inversion", 0, 2)
    end = max(onset + length for onset, length, _ in melody())
    backwards = [(end - onset - length, length, pitch) for onset, length, pitch in melody()]
    (hit,) = found(melody(), backwards, least=0.9, retrograde=True)
    assert hit.form == "retrograde"


def test_hits_share_no_notes_unless_asked() -> None:
    scale = [(0.5 * n, 0.5, 60 + n) for n in range(12)]
    apart = found(scale[:4], scale, least=0.9)
    assert [hit.start for hit in apart] == [0, 2, 4]
    assert len(found(scale[:4], scale, least=0.9, overlap=True)) > len(apart)


def test_voices_of_a_stretto_are_both_found() -> None:
    piece = [*melody(start=0), *melody(start=1, shift=7)]
    assert [hit.transposition for hit in found(melody(), piece, least=0.8)] == [0, 7]


def test_a_polyphonic_query_in_polyphonic_music() -> None:
    chords = [(0.5 * n, 0.5, p) for n, chord in enumerate([(60, 64, 67), (59, 65, 67), (60, 64, 72)]) for p in chord]
    piece = [*((onset + 7, length, pitch - 3) for onset, length, pitch in chords), *accompaniment()]
    hit = found(chords, piece)[0]
    assert (hit.score, hit.start, hit.transposition) == (pytest.approx(1), 7, -3)


def test_a_single_note_is_everywhere() -> None:
    assert len(found([(0, 1, 60)], melody())) == len(SUBJECT)


def test_nothing_is_found_in_nothing() -> None:
    for method in METHODS:
        assert found(melody(), np.zeros((0, 3)), method=method) == []
    with pytest.raises(DataError, match="without notes"):
        found([], melody())


@pytest.mark.parametrize(
    "wrong",
    [{"tempo_range": (2.0, 1.0)}, {"tolerance": 0.0}, {"pitch_tolerance": -1}, {"method": "p4"}, {"time": "free"}],
)
def test_parameters_outside_their_domain_are_refused(wrong) -> None:
    with pytest.raises(ParameterError):
        found(melody(), melody(), **wrong)


def test_weights_outside_their_domain_are_refused() -> None:
    with pytest.raises(ParameterError, match="weights"):
        search(points(melody()), points(melody()), MatchParameters(), GradedParameters(duration_weight=2))


def score_of(rows, tempo=500_000, signatures=()):
    table = [
        (round(onset * TICKS), round((onset + length) * TICKS), pitch, 80, 0, 0, 0) for onset, length, pitch in rows
    ]
    messages = tuple((tick, bytes((0xFF, 0x58, above, below.bit_length() - 1))) for tick, above, below in signatures)
    return Score.from_rows(table, TempoMap(TICKS, [(0, tempo)]), (messages,))


def test_exact_methods_compare_musical_time() -> None:
    slow, fast = score_of(melody(), 900_000), score_of(melody(start=4), 400_000)
    query = selected(points(melody()), drums=False)
    (hits,) = in_pieces(
        [query], [("slow", entry_of(slow)), ("fast", entry_of(fast))], MatchParameters(method="p1"), GRADING
    )
    assert [hit.file for hit in hits] == ["fast", "slow"]
    assert [round(hit.hit.tempo_ratio, 6) for hit in hits] == [0.4, 0.9]


def test_hits_much_worse_than_the_best_are_not_told() -> None:
    part = melody()[:6]
    pieces = [("whole", entry_of(score_of(melody()))), ("part", entry_of(score_of(part)))]
    query = points([(onset / 2, length / 2, pitch) for onset, length, pitch in melody()])
    told = in_pieces([query], pieces, MatchParameters(), GRADING)[0]
    assert {hit.file for hit in told} == {"whole"}
    assert {hit.file for hit in in_pieces([query], pieces, MatchParameters(), GRADING, 0.5)[0]} == {"whole", "part"}


def test_drums_tracks_and_channels_are_chosen() -> None:
    drums = points(melody(), channel=9)
    with pytest.raises(DataError, match="--drums"):
        selected(drums, drums=False)
    assert len(selected(drums, drums=True)) == len(SUBJECT)
    assert len(selected(drums, drums=True, track=1, channel=10)) == len(SUBJECT)
    with pytest.raises(DataError, match="without notes there"):
        selected(drums, drums=True, track=2)


def test_bars_and_beats() -> None:
    tempo_map = TempoMap(TICKS, [(0, 1_000_000)])
    signatures = [(0, 3, 4), (6 * TICKS, 6, 8)]
    found = bars_and_beats([0, 2.5, 3, 5.9999999, 6, 7.5, 9], tempo_map, signatures)
    np.testing.assert_allclose(found, [[1, 1], [1, 3.5], [2, 1], [3, 1], [3, 1], [3, 4], [4, 1]], atol=1e-5)
    assert np.isnan(bars_and_beats([1.0], None, signatures)).all()
    assert np.isnan(bars_and_beats([1.0], tempo_map, [])).all()
