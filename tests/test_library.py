"""The index of fingerprints: what is in it after tracks were added, replaced, removed and merged."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from mirtool import store
from mirtool.errors import DataError, FormatError, ParameterError
from mirtool.retrieval.parameters import FingerprintParameters
from mirtool.retrieval.recognition import library
from mirtool.retrieval.recognition.fingerprints import Fingerprint
from mirtool.retrieval.recognition.library import KIND, Library, Track

PARAMETERS = FingerprintParameters()


def track(name: str, seed: int = 0, landmarks: int = 40) -> Track:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 60, landmarks).astype(np.uint32)
    times = np.sort(rng.integers(0, 100, landmarks)).astype(np.uint32)
    return Track(store.Document(name, seed, seed + 1), 2.5 + seed, Fingerprint(hashes, times, 100))


def landmarks_of(made: Track) -> list[tuple[int, int]]:
    return sorted(set(zip(made.fingerprint.hashes.tolist(), made.fingerprint.times.tolist(), strict=True)))


def content(path: str) -> dict[str, list[tuple[int, int]]]:
    """Return the landmarks of each live track, from a search for all hashes."""
    hashes = np.arange(60, dtype=np.uint32)
    found = {}
    with store.reading(path, KIND) as index:
        opened = Library(index)
        for segment, lists in zip(opened.segments, opened.lists, strict=True):
            which, positions = lists.find(hashes)
            owner = np.searchsorted(lists.starts, positions, side="right") - 1
            for place in np.flatnonzero(segment.documents.live).tolist():
                times = positions[owner == place] - lists.starts[place]
                found[segment.documents[place].name] = sorted(
                    zip(hashes[which[owner == place]].tolist(), times.tolist(), strict=True)
                )
    return found


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "library")


def test_tracks_are_added_replaced_and_removed_one_by_one(path):
    """Over many small segments, which are merged on the way."""
    rng = np.random.default_rng(1)
    expected: dict[str, Track] = {}
    most = 0
    for seed in range(40):
        made = track(f"{'ab'[seed % 2]}/{rng.integers(0, 50)}", seed, landmarks=int(rng.integers(0, 80)))
        library.add(path, [made], PARAMETERS)
        expected[made.document.name] = made
        if seed % 7 == 6:
            name = sorted(expected)[int(rng.integers(len(expected)))]
            assert library.remove(path, [name]) == [name]
            del expected[name]
        with store.reading(path, KIND) as index:
            most = max(most, len(Library(index).segments))
    assert content(path) == {name: landmarks_of(made) for name, made in expected.items()}
    assert 2 < most < 20
    with store.reading(path, KIND) as index:
        rows = sorted(library.tracks_of(index))
        known = library.known(index, ["a/none", *expected])
    assert [row[0] for row in rows] == sorted(expected)
    assert {name: (each.document, each.duration) for name, each in known.items()} == {
        name: (made.document, made.duration) for name, made in expected.items()
    }


def test_a_folder_is_removed(path):
    library.add(path, [track(name) for name in ("a/b/1", "a/b0", "a/b/c/2", "a/b", "d")], PARAMETERS)
    assert library.remove(path, ["a/b/"]) == ["a/b/1", "a/b/c/2"]
    assert library.remove(path, ["a/b"]) == ["a/b"]
    assert library.remove(path, ["a"]) == ["a/b0"]
    with pytest.raises(DataError, match="a: not in "):
        library.remove(path, ["d", "a"])
    assert set(content(path)) == {"d"}


def test_a_file_that_is_mostly_waste_is_written_anew(path, monkeypatch):
    monkeypatch.setattr(library, "WASTE", 1000)
    library.add(path, [track(str(number), number, 2000) for number in range(10)], PARAMETERS)
    with store.reading(path, KIND) as index:
        before = index.size
    library.remove(path, [str(number) for number in range(8)])
    with store.reading(path, KIND) as index:
        assert index.size < before / 3
    assert content(path) == {"8": landmarks_of(track("8", 8, 2000)), "9": landmarks_of(track("9", 9, 2000))}


def test_indexes_are_merged(path, tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    library.add(one, [track("a", 1), track("b", 2)], PARAMETERS)
    library.add(two, [track("b", 3), track("c", 4)], PARAMETERS)
    expected = [("a", 1), ("b", 3), ("c", 4)]
    for turn in range(2):  # the second time into what is there
        with store.reading(one, KIND) as first, store.reading(two, KIND) as second:
            library.merge(path, [first, second])
        assert content(path) == {name: landmarks_of(track(name, seed)) for name, seed in expected}
        with store.reading(path, KIND) as index:
            assert len(index.segments) == 1, turn


def test_parameters_are_those_of_the_index(path):
    other = replace(PARAMETERS, density=PARAMETERS.density + 1)
    library.add(path, [track("a")], other)
    with store.reading(path, KIND) as index:
        assert Library(index).parameters == other
        assert library.agreed(index, PARAMETERS, ["fan_out"]) == other
        assert library.agreed(index, other, ["density"]) == other
        with pytest.raises(ParameterError, match="density"):
            library.agreed(index, PARAMETERS, ["density"])
        with pytest.raises(ParameterError, match="density"):
            library.merge(path, [index, *_made_with(path + "2", PARAMETERS)])


def _made_with(path, parameters):
    library.add(path, [track("b")], parameters)
    return [store.open_index(path, KIND)]


def test_parameters_of_another_version_are_refused(path):
    with store.writing(path, KIND, {**asdict(PARAMETERS), "later": 1}):
        pass
    with store.reading(path, KIND) as index, pytest.raises(FormatError, match="build it again"):
        Library(index)


def test_sizes_that_are_merged():
    assert library.due([5] * 7, fanout=8) == [*range(7)]  # enough for one of the next class
    assert library.due([1] * 7, fanout=8) == []
    assert library.due([1] * 8, fanout=8) == [*range(8)]
    assert library.due([100, 1, 1, 1, 30, 1, 1, 1, 1, 1], fanout=8) == [1, 2, 3, 5, 6, 7, 8, 9]
    assert library.due([], fanout=8) == []
    assert library.due([10_000], fanout=8) == []


def test_merging_costs_little_however_an_index_grows():
    """Every landmark is written once a class at most, and a search meets few segments."""
    rng = np.random.default_rng(0)
    sizes: list[int] = []
    written = added = most = 0
    for _ in range(3000):
        sizes.append(int(10 ** rng.uniform(3, 5)))
        added += sizes[-1]
        while chosen := library.due(sizes):
            total = sum(sizes[number] for number in chosen)
            written += total
            sizes = [size for number, size in enumerate(sizes) if number not in chosen] + [total]
        most = max(most, len(sizes))
    assert written < added * math.log(added / 1000, library.FANOUT)
    assert most < library.FANOUT * 4
