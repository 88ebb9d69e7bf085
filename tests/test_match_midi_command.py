"""`mirtool match-midi` as it is called."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from mirtool.io import formats
from mirtool.tempo_map import TempoMap
from mirtool.types import Score

TICKS = 480
MELODY = [(0, 60), (1, 62), (2, 64), (3, 60), (3.5, 67), (4, 65), (5, 64), (6, 62), (7, 60)]


def score(notes, tempo=500_000):
    """Make a score of (beat, pitch, track, channel) in 4/4."""
    rows = [(round(b * TICKS), round((b + 0.5) * TICKS), p, 80, t, c, 0) for b, p, t, c in notes]
    signature = (0, b"\xff\x58\x04\x02\x18\x08")
    return Score.from_rows(rows, TempoMap(TICKS, [(0, tempo)]), ((signature,),))


def at(beat, shift=0, track=0, channel=0):
    return [(beat + b, p + shift, track, channel) for b, p in MELODY]


def noise(seed, length=60, track=1):
    rng = np.random.default_rng(seed)
    return [
        (float(b), int(p), track, 0)
        for b, p in zip(np.arange(0, length, 0.5), rng.integers(36, 55, 2 * length), strict=True)
    ]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Make a query and a folder to search, and go there."""
    monkeypatch.chdir(tmp_path)
    Path("corpus").mkdir()
    formats.write(score([*at(0), *noise(9, 20)]), "query.mid")
    formats.write(score([*at(9, 5), *noise(1)]), "corpus/high.mid")
    formats.write(score([*at(20), *at(40, -2), *noise(2)], 800_000), "corpus/slow.mid")
    formats.write(score(noise(3)), "corpus/none.mid")
    formats.write(score([(b, p, 0, 9) for b, p in MELODY]), "corpus/drums.mid")
    return tmp_path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_track_of_a_file_is_found_in_all_keys_and_tempi(call, corpus):
    found = rows(call("match-midi", "query.mid", "corpus", "--track", "1").text)
    assert [(row["file"], row["transposition"], row["notes"]) for row in found] == [
        ("corpus/high.mid", "5", "9"),
        ("corpus/slow.mid", "0", "9"),
        ("corpus/slow.mid", "-2", "9"),
    ]
    assert [(row["bar"], row["beat"]) for row in found] == [("3", "2"), ("6", "1"), ("11", "1")]
    assert [float(row["tempo_ratio"]) for row in found] == pytest.approx([1, 1.6, 1.6], abs=1e-4)
    assert float(found[0]["start"]) == pytest.approx(4.5, abs=1e-5)


def test_an_index_finds_what_a_search_of_the_files_finds(call, corpus):
    files = call("match-midi", "query.mid", "corpus", "--track", "1").text
    assert call("match-midi", "--index", "notes.mirdb", "corpus").code == 0
    assert call("match-midi", "--index", "notes.mirdb", "query.mid", "--track", "1").text == files
    for method in ("p2", "p3", "s2", "w2"):
        options = ("--track", "1", "--method", method)
        assert (
            call("match-midi", "--index", "notes.mirdb", "query.mid", *options).text
            == call("match-midi", "query.mid", "corpus", *options).text
        )


def test_hits_are_extracted_and_counted(call, corpus):
    call("match-midi", "query.mid", "corpus", "--track", "1", "--extract", "hits", "--top", "2")
    assert sorted(path.name for path in Path("hits").iterdir()) == ["001.mid", "002.mid"]
    first = formats.read("hits/001.mid").notes
    assert {pitch + 5 for _, pitch in MELODY} <= set(first["pitch"].astype(int).tolist())
    assert first["onset"].min() == 0
    counted = rows(call("match-midi", "query.mid", "corpus", "--track", "1", "--count").text)
    assert [(row["file"], row["count"]) for row in counted] == [("corpus/high.mid", "1"), ("corpus/slow.mid", "2")]


def test_several_queries_are_named_and_not_extracted(call, corpus):
    Path("list.txt").write_text("query.mid\ncorpus/drums.mid\n")
    found = rows(call("match-midi", "--queries", "list.txt", "corpus", "--drums", "--start", "0", "--track", "1").text)
    assert {row["query"] for row in found} == {"query.mid", "corpus/drums.mid"}
    refused = call("match-midi", "--queries", "list.txt", "corpus", "--drums", "--extract", "hits")
    assert refused.code == 2
    assert "one query" in refused.err


def test_a_query_without_notes_does_not_stop_the_others(call, corpus):
    Path("queries.txt").write_text("none.csv\nquery.mid\n")
    Path("none.csv").write_text("onset,offset,pitch,velocity\n")
    result = call("match-midi", "--queries", "queries.txt", "corpus", "--top", "1", "--track", "1")
    assert result.code == 1
    assert [row["query"] for row in rows(result.text)] == ["query.mid"]
    assert result.err.splitlines()[0] == "mirtool match-midi: none.csv: a query without notes"
    assert call("match-midi", "none.csv", "corpus").err == "mirtool match-midi: none.csv: a query without notes\n"


def test_drums_are_searched_only_when_asked(call, corpus):
    files = [row["file"] for row in rows(call("match-midi", "query.mid", "corpus", "--track", "1", "--drums").text)]
    assert "corpus/drums.mid" in files
    assert "--drums" in call("match-midi", "corpus/drums.mid", "corpus").err


def test_the_plot_is_drawn_also_without_a_hit(call, corpus):
    assert call("match-midi", "query.mid", "corpus", "--track", "1", "--plot", "hits.png").code == 0
    typed = ("--notes", "C1 C#6 C1 C#6 C1 C#6", "--plot", "none.svg")
    assert call("match-midi", "corpus", *typed).code == 0
    assert Path("hits.png").stat().st_size > 1000
    assert "No hit" in Path("none.svg").read_text() or Path("none.svg").stat().st_size > 1000
