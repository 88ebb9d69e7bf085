"""Inverted lists: what is looked up, and what merging leaves, compared with a walk through all landmarks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError
from mirtool.retrieval.recognition import postings
from mirtool.retrieval.recognition.postings import GAP, InMemory, Part, Postings

landmarks = st.tuples(st.integers(0, 600), st.integers(0, 49))
few = settings(max_examples=40, deadline=None)
tracks = st.lists(st.lists(landmarks, max_size=60), max_size=6)


def build(content: list[list[tuple[int, int]]], length: int = 50) -> InMemory:
    ordered = [sorted(track, key=lambda pair: pair[1]) for track in content]
    hashes = [np.array([pair[0] for pair in track], np.uint32) for track in ordered]
    frames = [np.array([pair[1] for pair in track], np.uint32) for track in ordered]
    return InMemory(postings.build(hashes, frames, [length] * len(content)))


def naive(content: list[list[tuple[int, int]]], wanted: int, length: int = 50) -> list[int]:
    """Return where a hash stands, by a walk through all landmarks."""
    places = [
        number * (length + GAP) + time for number, track in enumerate(content) for hash, time in track if hash == wanted
    ]
    return sorted(set(places))


def assert_same(one: InMemory, other: InMemory) -> None:
    assert set(one.arrays) == set(other.arrays)
    for name in one.arrays:
        assert one.arrays[name].dtype == other.arrays[name].dtype
        assert np.array_equal(one.arrays[name], other.arrays[name]), name


def test_two_tracks():
    lists = build([[(7, 3), (9, 4), (7, 8)], [(9, 1), (9, 1)]])
    assert lists.arrays["keys"].tolist() == [7, 9]
    assert lists.arrays["bounds"].tolist() == [0, 2, 4]
    assert lists.arrays["positions"].tolist() == [3, 8, 4, 50 + GAP + 1]
    found = Postings(lists)
    assert (found.postings, found.starts.tolist()) == (4, [0, 50 + GAP, 2 * (50 + GAP)])
    which, positions = found.find(np.array([9, 8, 7, 9], np.uint32))
    assert which.tolist() == [0, 0, 2, 2, 3, 3]
    assert positions.tolist() == [4, 51 + GAP, 3, 8, 4, 51 + GAP]
    assert found.counts(np.array([9, 8, 7], np.uint32)).tolist() == [2, 0, 2]


@few
@given(tracks, st.lists(st.integers(0, 610), max_size=30))
def test_everything_is_found(content, wanted):
    found = Postings(build(content))
    which, positions = found.find(np.array(wanted, np.uint32))
    for place, hash in enumerate(wanted):
        assert positions[which == place].tolist() == naive(content, hash)
    assert found.counts(np.array(wanted, np.uint32)).tolist() == [len(naive(content, hash)) for hash in wanted]


@few
@given(
    tracks, st.lists(st.integers(0, 610), max_size=30), st.integers(0, 7000), st.integers(0, 7000), st.integers(1, 4)
)
def test_all_between_two_places_is_found(content, wanted, low, high, narrow):
    found = Postings(build(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "NARROW", narrow)
        which, positions = found.find_between(np.array(wanted, np.uint32), low, high)
    for place, hash in enumerate(wanted):
        assert positions[which == place].tolist() == [at for at in naive(content, hash) if low <= at < high]


def test_a_frequent_hash_is_read_in_part():
    lists = build([[(5, time) for time in range(20_000)]], 20_000)
    taken = []

    class Counting(InMemory):
        def array(self, name):
            array = super().array(name)
            if name != "positions":
                return array
            real = array.pieces
            object.__setattr__(
                array, "pieces", lambda starts, stops: taken.append(int((stops - starts).sum())) or real(starts, stops)
            )
            return array

    which, positions = Postings(Counting(lists.arrays)).find_between(np.array([5], np.uint32), 777, 790)
    assert positions.tolist() == [*range(777, 790)]
    assert which.tolist() == [0] * 13
    assert sum(taken) < 3 * postings.NARROW


def test_keys_beyond_one_block():
    """Three blocks of keys, the last one not full; with all that lies between the keys."""
    keys = range(0, 2 * (2 * postings.BLOCK + 10), 2)
    found = Postings(build([[(key, key % 49) for key in keys]]))
    wanted = np.arange(-1, max(keys) + 3).astype(np.uint32)  # -1: the largest number there is
    which, positions = found.find(wanted)
    assert wanted[which].tolist() == [*keys]
    assert positions.tolist() == [key % 49 for key in keys]


@few
@given(st.lists(tracks, min_size=1, max_size=3), st.integers(10, 60), st.data())
def test_merging_is_building_of_what_is_kept(lists, at_once, data):
    kept = [np.array(data.draw(st.lists(st.booleans(), min_size=len(one), max_size=len(one))), bool) for one in lists]
    parts = [Part(build(one), keep) for one, keep in zip(lists, kept, strict=True)]
    pieces = postings.merged(parts, at_once)
    joined = {name: np.concatenate([*array]) if name != "starts" else array for name, array in pieces.items()}
    every = [
        track for one, keep in zip(lists, kept, strict=True) for track, going in zip(one, keep, strict=True) if going
    ]
    assert_same(InMemory(joined), build(every))


def test_merging_holds_little_in_memory():
    rng = np.random.default_rng(0)
    parts = [
        Part(
            build([[(int(hash), time % 50) for time, hash in enumerate(rng.integers(0, 300, 2000))]]), np.ones(1, bool)
        )
        for _ in range(3)
    ]
    sizes = [len(piece) for piece in postings.merged(parts, at_once=200)["positions"]]
    assert sum(sizes) > 3000
    assert max(sizes) <= 200


def test_the_largest_hash_goes_on():
    largest = 2**32 - 1
    part = Part(build([[(largest, 0), (largest, 1), (0, 2)]]), np.ones(1, bool))
    assert [*map(len, postings.merged([part], at_once=1)["positions"])] == [0, 1, 2]


def test_a_time_line_has_an_end():
    with pytest.raises(DataError, match="too many for one list"):
        postings.build([np.zeros(0, np.uint32)] * 2, [np.zeros(0, np.uint32)] * 2, [2**31, 2**31])
