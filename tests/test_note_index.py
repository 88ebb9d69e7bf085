"""The index of notes: its lines and triples against naive ones, and what it finds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool import store
from mirtool.store import entries as stored
from mirtool.symbolic import _gram_kernels as kernels
from mirtool.symbolic import note_index
from mirtool.symbolic.entries import entry_of, points, tempo_map
from mirtool.symbolic.points import PointSet, points_of
from mirtool.tempo_map import TempoMap
from mirtool.types import Notes, Score

DRUMS = 9


def point_set(rows: list[tuple[float, ...]]) -> PointSet:
    """Return the points of (onset, pitch[, track[, channel]]), each of 0.2 s."""
    full = sorted((*row, *(0, 0)[len(row) - 2 :]) for row in rows)
    onset, pitch, track, channel = np.array(full, dtype=np.float64).reshape(-1, 4).T
    return PointSet(onset, onset + 0.2, *(values.astype(np.int32) for values in (pitch, track, channel)))


def tune(seed: int, length: int, begin: float = 0.0) -> list[tuple[float, float]]:
    """Return a melody (onset, pitch) of steps and leaps in three note values."""
    rng = np.random.default_rng(seed)
    pitch = 66 + np.cumsum(rng.choice([-4, -2, -1, 1, 2, 3], length)) % 17
    onset = begin + np.concatenate(([0], np.cumsum(rng.choice([0.25, 0.5, 0.75], length - 1))))
    return list(zip(onset.tolist(), pitch.tolist(), strict=True))


def notes_of(rows: list[tuple[float, float]]) -> Notes:
    onset, pitch = np.array(rows).T
    return Notes({"onset": onset, "offset": onset + 0.2, "pitch": pitch, "velocity": np.full(len(onset), 64)})


def index_of(tmp_path: Any, corpus: Mapping[str, Notes | Score], per_segment: int = 1 << 30) -> store.Index:
    path = str(tmp_path / "notes.idx")
    with store.writing(path, note_index.LAYOUT.kind, {}) as writer:
        packer = stored.Packer(writer, note_index.LAYOUT)
        for place, (name, notes) in enumerate(corpus.items()):
            packer.add(store.Document(name), entry_of(notes))
            if place % per_segment == per_segment - 1:
                packer.flush()
        packer.flush()
    return store.open_index(path, note_index.LAYOUT.kind)


def played(
    rows: list[tuple[float, float]], shift: int = 0, ratio: float = 1.0, jitter: float = 0.0, seed: int = 0
) -> PointSet:
    rng = np.random.default_rng(seed)
    return point_set([(max(time * ratio + rng.normal(0, jitter), 0), pitch + shift) for time, pitch in rows])


def found(index: store.Index, query: PointSet, **options: Any) -> list[str]:
    chosen = note_index.candidates(index, query, **options)
    assert chosen is not None
    return [document.name for document, _ in chosen]


# ------------------------------------------------------------------------------------------------- lines and triples


def naive_line(rows: list[tuple[float, int]], numbers: list[int], side: int) -> list[int]:
    line: list[int] = []
    while numbers:
        chord = [n for n in numbers if rows[n][0] - rows[numbers[0]][0] < kernels.CHORD]
        line.append(max(chord, key=lambda n: (side * rows[n][1], -n)))
        numbers = [n for n in numbers if n not in chord]
    return line


def naive_triples(points: PointSet) -> set[tuple[int, ...]]:
    """Return the notes of all triples, line by line."""
    rows = list(zip(points.onset.tolist(), points.pitch.tolist(), strict=True))
    voices = list(zip(points.track.tolist(), points.channel.tolist(), strict=True))
    sounding = [n for n in range(len(rows)) if voices[n][1] != DRUMS]
    lines = [naive_line(rows, sounding, 1)]
    for voice in {voices[n] for n in sounding}:
        mine = [n for n in sounding if voices[n] == voice]
        lines += [naive_line(rows, mine, 1), naive_line(rows, mine, -1)]
    triples = set()
    for line in lines:
        for i in range(len(line)):
            for one, two in ((1, 1), (2, 1), (1, 2)):
                if i + one + two < len(line):
                    triples.add((line[i], line[i + one], line[i + one + two]))
    return {
        (a, b, c)
        for a, b, c in triples
        if max(abs(rows[b][1] - rows[a][1]), abs(rows[c][1] - rows[b][1])) <= kernels.WIDEST
        and rows[c][0] - rows[a][0] <= kernels.LONGEST
    }


places = st.tuples(
    st.integers(0, 60).map(lambda k: k * 0.02), st.integers(40, 80), st.integers(0, 1), st.sampled_from((0, 9))
)


@settings(deadline=None)  # the first example compiles
@given(st.lists(places, max_size=14, unique_by=lambda row: row[:2]))
def test_triples_are_those_of_the_outlines_of_voices_and_of_all(rows):
    points = point_set(rows)
    triples = note_index._triples(points.onset, points.pitch, points.track, points.channel)
    got = sorted(zip(triples.pairs.tolist(), triples.times.tolist(), triples.shapes.tolist(), strict=True))
    expected = []
    for a, b, c in naive_triples(points):
        one, two = points.pitch[b] - points.pitch[a], points.pitch[c] - points.pitch[b]
        steps = [max(points.onset[q] - points.onset[p], kernels.SHORTEST) for p, q in ((a, b), (b, c))]
        duration = round(float(np.log2(sum(steps))) * 16) + 96
        expected.append(
            (int((one + 24) * 49 + two + 24), float(points.onset[a]), int(points.pitch[a] * 256 + duration))
        )
    assert set(got) == set(expected)
    assert len(got) <= len(expected) + 4 * len(rows)  # few stand twice


def test_a_ratio_of_steps_is_told_in_bins_of_half_an_octave():
    points = point_set([(0, 60), (0.5, 62), (1.5, 64), (1.75, 65)])
    triples = note_index._triples(points.onset, points.pitch, points.track, points.channel)
    by_time = sorted(zip(triples.times.tolist(), triples.ratios.tolist(), strict=True))
    np.testing.assert_allclose([ratio for time, ratio in by_time if time == 0.5], [6 - 4])
    np.testing.assert_allclose(
        sorted(ratio for time, ratio in by_time if time == 0), sorted([6 + 2, 6 + 2 * np.log2(2.5), 6 - 2 * np.log2(6)])
    )


def test_lists_hold_the_triples_of_all_documents_by_key(tmp_path):
    tunes = {str(seed): notes_of(tune(seed, 9)) for seed in range(3)}
    with store.reading(index_of(tmp_path, tunes).file, note_index.LAYOUT.kind) as index:
        (segment,) = index.segments
        starts, times = segment.whole("triples/starts"), segment.whole("triples/times")
        origins = segment.whole("triples/origins")
        assert len(starts) == note_index.KEYS + 1
        assert starts[-1] == len(times) == len(segment.whole("triples/shapes")) == 3 * (7 + 6 + 6)
        for number, notes in enumerate(tunes.values()):
            points = points_of(notes)
            triples = note_index._triples(points.onset, points.pitch, points.track, points.channel)
            rounded = np.rint(triples.ratios).astype(int)
            for pair, ratio, time in zip(triples.pairs, rounded, triples.times, strict=True):
                key = int(pair) * kernels.RATIOS + int(ratio)
                assert int(origins[number] + round(time * 100)) in times[starts[key] : starts[key + 1]].tolist()
        del starts, times, origins, segment


# -------------------------------------------------------------------------------------------------------- candidates


@pytest.fixture(scope="module")
def corpus() -> dict[str, Notes]:
    return {f"{seed:03d}": notes_of(tune(seed, 120)) for seed in range(60)}


@pytest.fixture(scope="module")
def index(corpus, tmp_path_factory) -> store.Index:
    return index_of(tmp_path_factory.mktemp("index"), corpus, per_segment=25)


@pytest.mark.parametrize("seed", range(5))
def test_a_passage_is_found_in_another_key_and_tempo(index, seed):
    passage = tune(seed, 120)[40:52]
    assert found(index, played(passage, shift=3 - seed, ratio=0.7 + 0.15 * seed))[0] == f"{seed:03d}"


@pytest.mark.parametrize("seed", range(10, 15))
def test_a_passage_is_found_with_wrong_and_missing_notes_and_jitter(index, seed):
    passage = tune(seed, 120)[60:74]
    del passage[9], passage[4]
    passage[6] = (passage[6][0], passage[6][1] + 1)
    assert found(index, played(passage, shift=2, ratio=1.3, jitter=0.012, seed=seed))[0] == f"{seed:03d}"


def test_a_missing_note_of_the_document_matters_as_little(tmp_path, corpus):
    rows = tune(7, 120)
    del rows[45]
    index = index_of(tmp_path, {**corpus, "007": notes_of(rows)})
    assert found(index, played(tune(7, 120)[40:52]))[0] == "007"


def test_chords_below_and_another_track_leave_a_melody_as_it_is(tmp_path, corpus):
    rows = tune(3, 120)
    accompanied = [(*row, 0, 0) for row in rows]
    accompanied += [(time, pitch - 12 - k, 0, 0) for time, pitch in rows for k in (0, 4)]
    accompanied += [(time + 0.1, 90, 1, 1) for time, _ in rows] + [(time + 0.05, 100, 2, DRUMS) for time, _ in rows]
    points = point_set(accompanied)
    columns = {name: getattr(points, name).astype(float) for name in ("onset", "offset", "pitch", "track", "channel")}
    columns["velocity"] = np.full(len(points), 64.0)
    index = index_of(tmp_path, {**corpus, "003": Notes(columns)})
    assert found(index, played(rows[20:32]))[0] == "003"


def test_limits_of_key_and_tempo_are_respected(index):
    passage = tune(2, 120)[30:42]
    assert found(index, played(passage), transpose=False)[0] == "002"
    assert "002" not in found(index, played(passage, shift=1), transpose=False)[:1]
    assert found(index, played(passage, ratio=3.0), ratios=(0.2, 0.5))[0] == "002"
    assert "002" not in found(index, played(passage, ratio=3.0), ratios=(0.8, 1.25))[:1]


def test_elastic_steps(index):
    passage = tune(8, 120)[30:42]
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.2, 2.0, len(passage)))
    warped = point_set(list(zip(times.tolist(), (pitch for _, pitch in passage), strict=True)))
    assert found(index, warped, elastic=True)[0] == "008"


def test_what_is_removed_is_not_found(tmp_path, corpus):
    path = index_of(tmp_path, corpus).file
    with store.writing(path, note_index.LAYOUT.kind, {}) as writer:
        writer.remove(["005"])
    with store.reading(path, note_index.LAYOUT.kind) as index:
        names = found(index, played(tune(5, 120)[30:42]))
        assert names
        assert "005" not in names


def test_no_more_than_asked_for_and_none_without_triples(index):
    assert len(found(index, played(tune(4, 120)[:12]), most=3)) == 3
    assert note_index.candidates(index, played(tune(4, 120)[:2])) is None


def test_a_few_rare_lists_are_asked_rather_than_all(index, monkeypatch):
    monkeypatch.setattr(note_index, "MOST", 40)
    assert found(index, played(tune(9, 120)[30:46]))[0] == "009"


def test_an_empty_index(tmp_path):
    path = str(tmp_path / "empty.idx")
    with store.writing(path, note_index.LAYOUT.kind, {}):
        pass
    with store.reading(path, note_index.LAYOUT.kind) as index:
        assert note_index.candidates(index, played(tune(1, 9))) == []


def test_documents_without_notes_or_with_strange_ones_do_no_harm(tmp_path, corpus):
    far = notes_of(tune(70, 60, begin=5e7))  # beyond what an index can place
    empty = Notes({name: np.zeros(0) for name in ("onset", "offset", "pitch", "velocity")})
    before = notes_of(tune(72, 60, begin=-100.0))
    wild = notes_of(tune(73, 60)).replace(channel=np.full(60, 1000), track=np.full(60, 10**6))
    index = index_of(tmp_path, {"empty": empty, "before": before, **corpus, "wild": wild, "far": far})
    assert found(index, played(tune(6, 120)[30:42]))[0] == "006"


# ------------------------------------------------------------------------------------------------------------ entries


def test_points_come_back_from_an_entry_with_musical_time():
    rows = [(0, 480, 60, 64, 1, 2, 0), (480, 960, 62, 64, 1, 2, 0), (960, 1200, 64, 64, 0, 9, 0)]
    signature = ((0, b"\xff\x58\x03\x02\x18\x08"),)
    score = Score.from_rows(rows, TempoMap(480, [(480, 1_000_000)]), (signature,))
    entry = entry_of(score)
    back, direct = points(entry), points_of(score)
    for name, values in direct.arrays().items():
        np.testing.assert_allclose(back.arrays()[name], values, rtol=1e-6)
    assert back.beat is not None
    np.testing.assert_allclose(back.beat, [0, 1, 2])
    assert entry["signatures"].tolist() == [[0, 3, 4]]


def test_notes_without_musical_time_have_none():
    entry = entry_of(notes_of(tune(1, 5)))
    assert tempo_map(entry) is None
    assert points(entry).beat is None
    assert entry["track"].tolist() == [-1] * 5
