"""What is found with an index is what is found without it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mirtool import store
from mirtool.store import entries as stored
from mirtool.symbolic.entries import entry_of
from mirtool.symbolic.note_index import LAYOUT
from mirtool.symbolic.parameters import GradedParameters, MatchParameters
from mirtool.symbolic.points import PointSet, points_of
from mirtool.symbolic.searching import Occurrence, in_index, in_pieces
from mirtool.tempo_map import TempoMap
from mirtool.types import Notes, Score

METHODS = ("graded", "p1", "p2", "p3", "siam", "s1", "s2", "w1", "w2")
BEAT = 480


def tune(seed: int, length: int = 40) -> list[tuple[int, int, int]]:
    """Return onset and offset (ticks) and pitch of a melody in two note values."""
    rng = np.random.default_rng(seed)
    pitch = 66 + np.cumsum(rng.choice([-4, -2, -1, 1, 2, 3], length)) % 17
    onset = np.cumsum(rng.choice([BEAT // 2, BEAT], length))
    return [(int(time), int(time) + BEAT // 4, int(number)) for time, number in zip(onset, pitch, strict=True)]


def score_of(rows: list[tuple[int, int, int]], tempo: int = 500_000, channel: int = 0) -> Score:
    table = [(onset, offset, pitch, 64, 0, channel, 0) for onset, offset, pitch in rows]
    return Score.from_rows(table, TempoMap(BEAT, [(0, tempo)]))


def asked(rows: list[tuple[int, int, int]], shift: int = 0, tempo: int = 500_000) -> PointSet:
    return points_of(score_of([(onset, offset, pitch + shift) for onset, offset, pitch in rows], tempo))


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Iterator[store.Index]:
    path = str(tmp_path_factory.mktemp("index") / "notes.idx")
    with store.writing(path, LAYOUT.kind, {}) as writer:
        packer = stored.Packer(writer, LAYOUT)
        for seed in range(40):
            tempo = (400_000, 500_000, 700_000)[seed % 3]
            packer.add(store.Document(f"{seed:02d}"), entry_of(score_of(tune(seed), tempo)))
        packer.add(store.Document("drums"), entry_of(score_of(tune(99), channel=9)))
        packer.add(
            store.Document("nothing"),
            entry_of(Notes(dict.fromkeys(("onset", "offset", "pitch", "velocity"), np.zeros(0)))),
        )
        packer.flush()
    with store.reading(path, LAYOUT.kind) as opened:
        yield opened


def both(index: store.Index, query: PointSet, **options: Any) -> tuple[list[Occurrence], list[Occurrence]]:
    parameters, grading = MatchParameters(**options), GradedParameters()
    pieces = ((document.name, entry) for document, entry in stored.entries(index))
    return in_index(query, index, parameters, grading), in_pieces([query], pieces, parameters, grading)[0]


def rows_of(found: list[Occurrence]) -> list[tuple[Any, ...]]:
    hits = [(each.file, round(each.hit.start, 9), each.hit.transposition, round(each.hit.score, 9)) for each in found]
    return sorted(hits)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_same(index, method):
    fast, slow = both(index, asked(tune(5)[10:18], shift=2), method=method)
    best = fast[0].hit.score
    assert method == "p3" or "05" in {each.file for each in fast if each.hit.score == best}  # p3 knows no other tempo
    good, all_good = ([row for row in rows_of(found) if row[3] > 0.9 * best] for found in (fast, slow))
    assert good == all_good


@pytest.mark.parametrize("method", ["p1", "p2", "siam"])
def test_musical_time_counts_whatever_the_tempo(index, method):
    fast, slow = both(index, asked(tune(7)[10:18], tempo=1_600_000), method=method)
    assert fast[0].file == slow[0].file == "07"


@pytest.mark.parametrize("time", ["scaled", "fixed", "warped"])
def test_time(index, time):
    fast, slow = both(index, asked(tune(6)[10:20], tempo=400_000), time=time)
    assert fast[0].file == slow[0].file == "06"
    assert fast[0].hit.score == slow[0].hit.score


def test_mirrored_and_backwards(index):
    mirrored = [(onset, offset, 140 - pitch) for onset, offset, pitch in tune(8)[10:20]]
    fast, slow = both(index, asked(mirrored), inversion=True, retrograde=True)
    assert fast[0].file == slow[0].file == "08"
    assert fast[0].hit.form == slow[0].hit.form == "inversion"


def test_drums_are_sought_everywhere(index):
    fast, slow = both(index, asked(tune(99)[10:20]), drums=True)
    assert rows_of(fast) == rows_of(slow)
    assert fast[0].file == "drums"


def test_two_notes_are_sought_everywhere(index):
    fast, slow = both(index, asked(tune(3)[10:12]))
    assert rows_of(fast) == rows_of(slow)
    assert len({each.file for each in fast}) > 20
