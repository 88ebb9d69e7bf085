"""`mirtool match-audio` as it is called."""

import csv
import io

import numpy as np
import pytest
from performances import compiled
from recordings import music
from test_chroma import sound

from mirtool.io import formats
from mirtool.plots.matching import matching_figure
from mirtool.types import Audio, Features

pytestmark = compiled

HEADER = "file,start,end,score,transposition,tempo_ratio"
CHORDS = 12  # 18 s


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Recordings of three pieces, and another performance of the second: in E instead of D, faster and out of tune."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "music").mkdir()
    for seed in (1, 2, 3):
        formats.write(sound(music(seed, CHORDS)), str(folder / "music" / f"{seed}.wav"))
        formats.write(music(seed, CHORDS), str(folder / f"{seed}.mid"))
    formats.write(sound(music(2, CHORDS, 2, 1.2), cents=-30, partials=3), str(folder / "other.wav"))
    return folder


@pytest.fixture
def here(library, monkeypatch):
    monkeypatch.chdir(library)
    return library


def test_finds_the_piece_and_the_place(here, call):
    result = call("match-audio", "other.wav", "music", "--start", "5", "--duration", "8")
    assert (result.code, result.err, result.text.splitlines()[0]) == (0, "", HEADER)
    best, *rest = rows(result.text)
    assert (best["file"], best["transposition"]) == ("music/2.wav", "-2")
    assert float(best["start"]) == pytest.approx(6.0, abs=0.4)
    assert float(best["end"]) == pytest.approx(15.6, abs=0.4)
    assert float(best["tempo_ratio"]) == pytest.approx(1.2, abs=0.06)
    assert float(best["score"]) > max((float(row["score"]) for row in rest), default=0.0) + 0.3


def test_notes_and_sound_find_each_other(here, call):
    # the query: MIDI, the corpus: sound; and the other way round
    (best,) = rows(call("match-audio", "3.mid", "music", "--start", "3", "--duration", "9", "--top", "1").text)
    assert best["file"] == "music/3.wav"
    assert float(best["start"]) == pytest.approx(3, abs=0.3)
    (best,) = rows(call("match-audio", "music/1.wav", "3.mid", "2.mid", "1.mid", "--start", "3", "--top", "1").text)
    assert best["file"] == "1.mid"
    assert float(best["start"]) == pytest.approx(3, abs=0.3)


def test_an_index_finds_what_the_files_do(here, call, tmp_path):
    index = tmp_path / "library.mirdb"
    built = call("match-audio", "--index", index, "music")
    assert [row["change"] for row in rows(built.text)] == ["added"] * 3
    found = call("match-audio", "other.wav", "--index", index, "--duration", "8", "--top", "4")
    assert found.text == call("match-audio", "other.wav", "music", "--duration", "8", "--top", "4").text
    assert len(rows(found.text)) >= 1


def test_an_index_keeps_its_features(here, call, tmp_path):
    index = tmp_path / "library.mirdb"
    call("match-audio", "--index", index, "music", "--feature-rate", "5", "--statistics", "quantized")
    (best,) = rows(call("match-audio", "other.wav", "--index", index, "--top", "1").text)
    assert best["file"] == "music/2.wav"
    refused = call("match-audio", "other.wav", "--index", index, "--feature-rate", "10")
    assert refused.code == 2
    assert "feature-rate 5.0, not 10.0" in refused.err


def test_many_queries(here, call, tmp_path):
    (tmp_path / "list.txt").write_text("1.mid\nother.wav\n")
    found = rows(call("match-audio", "--queries", tmp_path / "list.txt", "music", "--top", "1").text)
    assert [(row["query"], row["file"]) for row in found] == [("1.mid", "music/1.wav"), ("other.wav", "music/2.wav")]


def test_a_bad_query_does_not_stop_the_others(here, call, tmp_path):
    formats.write(music(1, 1).take(slice(0, 0)), str(tmp_path / "empty.csv"))
    (tmp_path / "list.txt").write_text(f"{tmp_path}/empty.csv\n1.mid\n")
    result = call("match-audio", "--queries", tmp_path / "list.txt", "music", "--top", "1")
    assert (result.code, [row["file"] for row in rows(result.text)]) == (1, ["music/1.wav"])
    assert f"{tmp_path}/empty.csv: nothing to hear" in result.err


def test_silence_finds_nothing(here, call, tmp_path):
    formats.write(Audio(sound(music(9, 1)).samples * 0, 22050), str(tmp_path / "silence.wav"))
    result = call("match-audio", tmp_path / "silence.wav", "music")
    assert (result.code, result.text) == (0, HEADER + "\n")


def test_plot(here, call, tmp_path):
    result = call("match-audio", "other.wav", "music", "--top", "3", "--plot", tmp_path / "hits.png")
    assert result.code == 0
    assert (tmp_path / "hits.png").read_bytes().startswith(b"\x89PNG")


def test_the_plot_shows_the_hits_that_are_told(here, call, tmp_path, monkeypatch):
    seen = []

    def figure(curves, hits, pair):
        seen.append(len(hits))
        return matching_figure(curves, hits, pair)

    monkeypatch.setattr("mirtool.plots.matching.matching_figure", figure)
    words = ("match-audio", "other.wav", "music", "--plot", tmp_path / "hits.png")
    every = rows(call(*words).text)
    best = rows(call(*words, "--min-score", "0.9").text)
    assert seen == [len(every), len(best)]
    assert len(best) < len(every)


def test_narrow_hits_have_no_number():
    curve = Features(np.zeros((1, 1000)), 2.0, "matching", ("likeness", "time"), ("a.wav",))
    (axes,) = matching_figure([curve], [(0, 5, 7), (0, 8, 10), (0, 100, 120)], ()).axes
    assert [text.get_text() for text in axes.texts] == ["1", "3"]


def test_plot_without_hits(here, call, tmp_path):
    formats.write(Audio(sound(music(9, 1)).samples * 0, 22050), str(tmp_path / "silence.wav"))
    assert call("match-audio", tmp_path / "silence.wav", "music", "--plot", tmp_path / "none.png").code == 0
    assert (tmp_path / "none.png").read_bytes().startswith(b"\x89PNG")
