"""`mirtool versions` as it is called."""

import csv
import io
import os

import numpy as np
import pytest
from performances import compiled, manner, piece

from mirtool.io import formats
from mirtool.synthesis.performance import perform
from mirtool.types import Features, Notes

pytestmark = compiled


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def other(seed):
    """Return other music of the same length: chords that have nothing to do with the piece."""
    rng = np.random.default_rng(seed)
    onset = np.repeat(np.arange(0, 16.0, 0.5), 3)
    pitch = 55 + rng.integers(0, 24, len(onset))
    return Notes({"onset": onset, "offset": onset + 0.5, "pitch": pitch, "velocity": np.full(len(onset), 80.0)})


@pytest.fixture(scope="module")
def covers(tmp_path_factory):
    """A folder of versions of a piece, and of other music; as MIDI, so that it is quick."""
    folder = tmp_path_factory.mktemp("covers")
    for name, notes in {
        "quick": perform(piece(), manner(130)),
        "slow": perform(piece(), manner(85, 3, rubato=0.2)),
        "high": perform(piece(8, 3), manner(110, 4)),
        "one": other(1),
        "two": other(2),
    }.items():
        formats.write(notes, str(folder / f"{name}.mid"))
    return folder


def test_versions_come_first(covers, call):
    result = call("versions", covers / "quick.mid", covers)
    assert result.code == 0, result.err
    assert result.text.startswith("file,score,transposition\n")
    found = rows(result.text)
    names = [os.path.basename(row["file"]) for row in found]
    assert names[0] == "quick.mid"
    assert set(names[:3]) == {"quick.mid", "slow.mid", "high.mid"}
    scores = [float(row["score"]) for row in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1
    assert min(scores[:3]) > 1.3 * max(scores[3:])
    assert float(found[names.index("high.mid")]["transposition"]) == 3


def test_top_and_least_score(covers, call):
    assert len(rows(call("versions", covers / "quick.mid", covers, "--top", "2").text)) == 2
    assert len(rows(call("versions", covers / "quick.mid", covers, "--min-score", "0.99").text)) == 1
    nothing = call("versions", covers / "one.mid", covers / "slow.mid", "--min-score", "0.99")
    assert (nothing.code, nothing.text) == (0, "file,score,transposition\n")


def test_an_index_gives_what_files_give(covers, call, tmp_path):
    index = tmp_path / "covers.mirdb"
    built = call("versions", "--index", index, covers)
    assert built.code == 0, built.err
    assert len(rows(built.text)) == 5
    query = covers / "slow.mid"
    assert call("versions", "--index", index, query).text == call("versions", query, covers).text


def test_matrix_of_all_pairs(covers, call, tmp_path):
    target = tmp_path / "pairs.npy"
    result = call("versions", covers / "quick.mid", covers, "--matrix", target)
    assert result.code == 0, result.err
    matrix = formats.read(str(target))
    assert isinstance(matrix, Features)
    assert (matrix.kind, matrix.feature_rate, matrix.dims) == ("similarity", None, ("file", "file"))
    names = [os.path.basename(str(name)) for name in matrix.axis]
    assert sorted(names) == ["high.mid", "one.mid", "quick.mid", "slow.mid", "two.mid"]
    assert (matrix.data == matrix.data.T).all()
    assert (np.diag(matrix.data) == 1).all()
    found = {os.path.basename(row["file"]): float(row["score"]) for row in rows(result.text)}
    for name, score in zip(names, matrix.data[names.index("quick.mid")], strict=True):
        assert score == pytest.approx(found[name], abs=0.02)  # levels are rounded after a transposition of either


def test_the_matrix_of_several_queries_is_drawn(covers, call, tmp_path):
    words = ("versions", covers, covers, "--plot", tmp_path / "map.png")
    assert call(*words).code == 2
    assert call(*words, "--matrix", tmp_path / "all.npy").code == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_diffusion_makes_sets_stand_out(covers, call, tmp_path):
    plain, spread = tmp_path / "plain.npy", tmp_path / "spread.npy"
    for target, words in ((plain, ()), (spread, ("--diffuse", "2"))):
        assert call("versions", covers / "quick.mid", covers, "--matrix", target, *words).code == 0

    def margin(target):
        matrix = formats.read(str(target))
        version = np.array([str(name).endswith(("quick.mid", "slow.mid", "high.mid")) for name in matrix.axis])
        return matrix.data[np.ix_(version, version)].min() / matrix.data[np.ix_(version, ~version)].max()

    assert margin(spread) > 1.2 * margin(plain) > 1.2
    assert call("versions", covers / "quick.mid", covers, "--diffuse", "2").code == 2


def test_several_queries(covers, call, tmp_path):
    listing = tmp_path / "queries.txt"
    listing.write_text(f"{covers / 'quick.mid'}\n{covers / 'one.mid'}\n")
    result = call("versions", "--queries", listing, covers, "--top", "1")
    assert [(row["query"], row["file"]) for row in rows(result.text)] == [
        (str(covers / name), str(covers / name)) for name in ("quick.mid", "one.mid")
    ]


def test_chroma_of_ones_own(covers, call, tmp_path):
    for name in ("quick", "slow"):
        assert call("features", "chroma", covers / f"{name}.mid", "-o", tmp_path / f"{name}.npy").code == 0
    found = rows(call("versions", tmp_path / "quick.npy", tmp_path / "slow.npy").text)
    assert float(found[0]["score"]) > 0.5


def test_picture(covers, call, tmp_path):
    picture = tmp_path / "best.png"
    assert call("versions", covers / "quick.mid", covers / "slow.mid", covers / "one.mid", "--plot", picture).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_picture_of_all_pairs(covers, call, tmp_path):
    picture, matrix = tmp_path / "pairs.svg", tmp_path / "pairs.npy"
    words = ("versions", covers / "quick.mid", covers / "slow.mid", covers / "one.mid")
    assert call(*words, "--matrix", matrix, "--plot", picture).code == 0
    assert picture.read_bytes().startswith(b"<?xml")
    nothing = call("versions", "--index", tmp_path / "covers.mirdb", covers, "--matrix", matrix)
    assert (nothing.code, nothing.text) == (2, "")


def test_a_bad_query_does_not_stop_the_others(covers, call, here):
    listing = here / "queries.txt"
    listing.write_text(f"{covers / 'quick.mid'}\npath.csv\n")
    result = call("versions", "--queries", listing, covers, "--top", "1")
    assert result.code == 1
    assert "path.csv" in result.err
    assert [row["query"] for row in rows(result.text)] == [str(covers / "quick.mid")]


def test_a_bad_file_does_not_stop_the_rest(covers, call, here):
    result = call("versions", covers / "quick.mid", covers / "slow.mid", here / "page.html")
    assert result.code == 1
    assert "page.html" in result.err
    assert len(rows(result.text)) == 1


def test_what_cannot_be_compared(call, here):
    result = call("versions", "take.wav", "slow.wav", "--stack", "0")
    assert (result.code, result.text) == (2, "")
    assert "stack" in result.err
