"""Searches of a corpus: what a command line means, files and indexes alike; with a small command of its own."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import sample_commands
import soundfile

from mirtool import store
from mirtool.cli import corpus
from mirtool.cli.command import Entry, entry_of
from mirtool.cli.corpus import best
from mirtool.store import entries
from mirtool.types import Table

COMMANDS = entry_of(sample_commands).commands


@pytest.fixture
def run(call):
    """Run the sample command."""
    loader = lambda name: Entry(name, "", {name: COMMANDS[name]})  # noqa: E731
    return lambda *words: call("lookup", *words, loader=loader)


def write(name: str, *times: float) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("time\n" + "".join(f"{moment}\n" for moment in times))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Make queries and a corpus, and go there."""
    monkeypatch.chdir(tmp_path)
    write("q.csv", 1, 2)
    write("r.csv", 5)
    write("c/a.csv", 1, 7)
    write("c/b.csv", 1, 2)
    write("c/deep/c.csv", 2, 5)
    Path("c/.hidden.csv").write_text("nonsense")
    Path("c/page.html").write_text("<html>")
    return tmp_path


HITS = "file,score\nc/b.csv,1\nc/a.csv,0.5\nc/deep/c.csv,0.5\n"


def bad(name: str = "c/bad.csv") -> None:
    Path(name).write_text("time\nx\n")


def names_in(index: str) -> list[str]:
    with store.reading(index) as opened:
        return sorted(document.name for document, _, _ in opened.documents())


# ------------------------------------------------------------------------------------------------ without an index


def test_hits_come_best_first_and_then_by_name(run, files):
    assert run("q.csv", "c").text == HITS
    assert run("q.csv", "c/b.csv", "c", "c/a.csv", "c/b.csv").text == HITS
    assert run("--index", "x.db", "q.csv", "c", "c/a.csv").text == HITS
    assert run("q.csv", "c/", "--top", "1").text == "".join(HITS.splitlines(True)[:2])
    assert run("q.csv", "c/", "--min-score", "0.6").text == "".join(HITS.splitlines(True)[:2])
    assert run("q.csv", "c/", "--min-score", "1", "--worth", "0.9").text == "file,score\n"


def test_ties_are_broken_by_file_and_start():
    table = Table(
        {
            "file": np.array(["b", "a", "a"], object),
            "start": np.array([0.0, 2.0, 1.0]),
            "score": np.array([1.0, 1.0, 1.0]),
        }
    )
    assert best(table)["start"].tolist() == [1.0, 2.0, 0.0]


def test_jobs_do_not_change_a_byte(run, files):
    bad()
    assert run("q.csv", "c", "--jobs", "2") == run("q.csv", "c")
    one, two = run("--index", "1.db", "c"), run("--index", "2.db", "c", "--jobs", "2")
    assert one == two
    assert Path("1.db").read_bytes() == Path("2.db").read_bytes()


def test_several_queries_have_a_leading_column(run, files):
    expected = (
        "query,file,score\n"
        "q.csv,c/b.csv,1\nq.csv,c/a.csv,0.5\nq.csv,c/deep/c.csv,0.5\n"
        "r.csv,c/deep/c.csv,1\nr.csv,c/a.csv,0\nr.csv,c/b.csv,0\n"
    )
    Path("list").write_text("q.csv\nr.csv\n")
    assert run("--queries", "list", "c").text == expected
    assert run("--queries", "list", "c", "--top", "1").text.splitlines() == [
        expected.splitlines()[n] for n in (0, 1, 4)
    ]
    assert run("-H", "r.csv", "c").text == "query,file,score\n" + "".join(expected.splitlines(True)[4:])
    Path("qs").mkdir()
    for name in ("q.csv", "r.csv"):
        Path(name).rename(f"qs/{name}")
    inside = expected.replace("q.csv,", "qs/q.csv,").replace("r.csv,", "qs/r.csv,")
    for words in (("--queries", "qs", "c"), ("qs", "c")):
        assert run(*words).text == inside
    assert run("--index", "x.db", "--queries", "qs/", "c").text == inside
    Path("jobs.tsv").write_text("query\tcorpus\ttop\nqs/q.csv\tc\t1\nqs/r.csv\tc/a.csv\t\n")
    assert run("--files-from", "jobs.tsv").text == "query,file,score\nqs/q.csv,c/b.csv,1\nqs/r.csv,c/a.csv,0\n"
    Path("jobs.tsv").write_text("query\ttop\nqs/q.csv\t1\nqs/r.csv\t1\n")
    Path("folder.tsv").write_text("query\tcorpus\nqs\tc\n")
    Path("nothing.tsv").write_text("query\tcorpus\n")
    assert "a row takes one query" in run("--files-from", "folder.tsv").err
    assert run("--files-from", "nothing.tsv", "-H").code in (0, 2)
    assert run("--files-from", "jobs.tsv", "-H", "--index", "x.db") == run(
        "--files-from", "jobs.tsv", "--index", "x.db"
    )
    result = run("--files-from", "jobs.tsv", "--index", "x.db", "--jobs", "2")
    assert result.text == "query,file,score\nqs/q.csv,c/b.csv,1\nqs/r.csv,c/deep/c.csv,1\n"
    assert run("--files-from", "jobs.tsv", "--index", "x.db", "-o", "out/").code == 0
    assert Path("out/qs/r.csv").read_text() == "file,score\nc/deep/c.csv,1\n"


def test_an_option_may_stand_for_the_query(run, files):
    assert run("--times", "1 2", "c").text == HITS
    assert run("--times", "1 2", "-H", "c/a.csv").text == "query,file,score\n1 2,c/a.csv,0.5\n"
    assert run("--times", "1 2", "--index", "x.db", "c").text == HITS
    assert run("--times", "1 2", "--index", "x.db").text == HITS


def test_a_bad_file_is_named_and_the_others_go_on(run, files):
    bad()
    write("c/m.csv", 9)
    Path("c/m.csv").write_text("time,marked\n9,1\n")
    result = run("q.csv", "c")
    assert result.code == 1
    assert result.text == HITS + "c/m.csv,0\n"
    first, second, last = result.err.splitlines()
    assert first.startswith("mirtool sample-commands lookup: c/bad.csv:2: ")
    assert second == "mirtool sample-commands lookup: c/m.csv: is marked"
    assert last == "mirtool sample-commands lookup: 1 of 6 failed: c/bad.csv"
    assert run("q.csv", "c/a.csv", "none.csv").code == 1


def test_a_file_is_named_once(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sound = np.random.default_rng(0).normal(0, 0.1, 4096)
    soundfile.write("good.wav", sound, 22050)
    sound[100] = np.nan
    soundfile.write("nan.wav", sound, 22050, "FLOAT")
    first, last = call("similar", "good.wav", "good.wav", "nan.wav").err.splitlines()
    assert first == "mirtool similar: nan.wav: sample nan at 0.004535 s (channel 1)"
    assert last == "mirtool similar: 1 of 3 failed: nan.wav"


def test_a_single_file_fails_as_itself(run, files):
    bad("q2.csv")
    for words in (("q.csv", "q2.csv"), ("q2.csv", "c"), ("--queries", "list", "c")):
        Path("list").write_text("q2.csv\n")
        result = run(*words)
        assert (result.code, result.text) == (65, "")
        assert result.err.startswith("mirtool sample-commands lookup: q2.csv:2: ")
        assert result.err.count("\n") == 1
    assert run("q.csv", "none.csv").code == 66
    assert run("none.csv", "c").code == 66


def test_where_nothing_can_be_read_nothing_is_written(run, files):
    bad("x.csv"), bad("y.csv")
    Path("o.csv").write_text("older")
    Path("list").write_text("x.csv\ny.csv\n")
    for words in (("q.csv", "x.csv", "y.csv"), ("--queries", "list", "c")):
        assert run(*words, "-o", "o.csv").code == 1
        assert Path("o.csv").read_text() == "older"
    Path("list").write_text("x.csv\nr.csv\ny.csv\n")
    result = run("--queries", "list", "c/deep")
    assert (result.code, result.text) == (1, "query,file,score\nr.csv,c/deep/c.csv,1\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "missing argument QUERY"),
        (["q.csv"], "where to look? Give CORPUS… or --index FILE"),
        (["--queries", "list"], "where to look?"),
        (["--build", "c"], "--build needs --index"),
        (["--build", "--index", "x.db"], "of which files?"),
        (["--build", "--index", "x.db", "--queries", "list", "c"], "not together with --queries"),
        (["--build", "--index", "x.db", "--times", "1", "c"], "not together with --times"),
        (["--index", "x.db", "q.csv", "-"], "an index holds files, not stdin"),
        (["--queries", "list", "c", "--plot", "x.png"], "--plot draws what one query finds, not several"),
        (["--index", "x.db", "c", "--plot", "x.png"], "not none"),
        (["q.csv", "c", "-o", "c/a.csv"], "is an input"),
        (["--index", "x.db", "q.csv", "c", "-o", "x.db"], "is an input"),
        (["--queries", "-", "-"], "stdin (-) can be read once only"),
        (["q.csv", "c", "--top", "0"], "at least 1"),
        (["q.csv", "c", "--min-score", "1.5"], "--min-score: must be at most 1, not 1.5"),
        (["--index", "", "c"], "--index: the name of a file is needed, not none"),
        (["--index", "-", "c"], "--index: the name of a file is needed, not stdin or stdout (-)"),
        (["--index", "x.db", "c", "--top", "3"], "--top: nothing is searched here; give a query, or --queries"),
        (["--index", "x.db", "c", "--start", "3"], "--start: nothing is searched here"),
        (["--index", "x.db", "c", "-H"], "--with-filename: nothing is searched here"),
        (["--index", "x.db", "c", "--worth", "0.5"], "--worth: nothing is searched here"),
        (["--index", "x.db", "c", "--step", "0"], "a step is positive, not 0"),
        (["--index", "x.db", "q.csv", "c", "--step", "0"], "a step is positive, not 0"),
        (["none.csv", "c", "--step", "0"], "a step is positive, not 0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(run, files, words, says):
    Path("list").write_text("q.csv\n")
    result = run(*words)
    assert result.code == 2
    assert says in result.err
    assert not Path("x.db").exists()


def test_empty_lists_and_folders_are_refused(run, files):
    Path("list").write_text("\n")
    Path("empty").mkdir()
    assert "an empty list of queries" in run("--queries", "list", "c").err
    assert run("q.csv", "empty").code == 66
    assert run("--index", "x.db", "empty").code == 66


# ---------------------------------------------------------------------------------------------------- with an index


def test_an_index_finds_what_the_files_do(run, files):
    assert run("--index", "x.db", "q.csv", "c").text == HITS
    assert run("--index", "x.db", "q.csv").text == HITS
    assert run("--index", "x.db", "q.csv", "--top", "1", "-H").text == "query,file,score\nq.csv,c/b.csv,1\n"
    before = Path("x.db").read_bytes()
    assert run("--index", "x.db", "q.csv", "c").text == HITS
    assert Path("x.db").read_bytes() == before


def test_a_folder_alone_builds_and_says_what_it_did(run, files):
    result = run("--index", "x.db", "c")
    assert result.text == "file,change\nc/a.csv,added\nc/b.csv,added\nc/deep/c.csv,added\n"
    write("c/b.csv", 3, 4, 5)
    os.unlink("c/a.csv")
    write("c/d.csv", 1)
    assert run("--index", "x.db", "c/").text == "file,change\nc/a.csv,removed\nc/b.csv,updated\nc/d.csv,added\n"
    assert run("--index", "x.db", "c").text == "file,change\n"
    assert run("--index", "x.db", "--build", "q.csv", "r.csv").text == "file,change\nq.csv,added\nr.csv,added\n"
    assert names_in("x.db") == ["c/b.csv", "c/d.csv", "c/deep/c.csv", "q.csv", "r.csv"]
    assert run("--index", "x.db", "q.csv", "--min-score", "0.5").text == (
        "file,score\nq.csv,1\nc/d.csv,0.5\nc/deep/c.csv,0.5\n"
    )


def test_only_what_has_gone_from_the_folders_that_are_named_leaves_it(run, files):
    write("c2/a.csv", 1)
    run("--index", "x.db", "c", "c2")
    os.unlink("c2/a.csv")
    write("c2/b.csv", 1)
    os.unlink("c/deep/c.csv")
    assert run("--index", "x.db", "c").text == "file,change\nc/deep/c.csv,removed\n"
    assert names_in("x.db") == ["c/a.csv", "c/b.csv", "c2/a.csv"]


def test_a_change_of_the_same_size_is_noticed_by_its_time(run, files):
    run("--index", "x.db", "c")
    write("c/a.csv", 2, 7)
    later = time.time_ns() + 10**9
    os.utime("c/a.csv", ns=(later, later))
    assert run("--index", "x.db", "c").text == "file,change\nc/a.csv,updated\n"


def test_bad_files_do_not_enter_an_index_and_leave_it(run, files):
    bad()
    result = run("--index", "x.db", "q.csv", "c")
    assert (result.code, result.text) == (1, HITS)
    assert "c/bad.csv" not in names_in("x.db")
    bad("c/a.csv")
    result = run("--index", "x.db", "c")
    assert (result.code, result.text) == (1, "file,change\nc/a.csv,removed\n")
    assert names_in("x.db") == ["c/b.csv", "c/deep/c.csv"]
    result = run("--index", "x.db", "q.csv")
    assert result.code == 0


def test_what_was_done_before_an_interrupt_is_kept(run, files):
    write("c/b.csv", 66)  # an interrupt, as the sample understands it
    assert run("--index", "x.db", "c").code == 130
    assert names_in("x.db") == ["c/a.csv"]
    write("c/b.csv", 1, 2)
    assert run("--index", "x.db", "q.csv", "c").text == HITS


def test_what_was_added_a_while_ago_survives_a_crash(run, files, monkeypatch):
    def crash(self, document, entry):
        if document.name == "c/deep/c.csv":
            raise RuntimeError
        return add(self, document, entry)

    add = entries.Packer.add
    monkeypatch.setattr(entries.Packer, "add", crash)
    assert run("--index", "x.db", "c").code == 70
    assert not Path("x.db").exists()
    monkeypatch.setattr(corpus, "STEP", -1.0)
    assert run("--index", "x.db", "c").code == 70
    assert names_in("x.db") == ["c/a.csv", "c/b.csv"]


def test_a_full_disk_leaves_the_index_as_it_was(run, files, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    run("--index", "x.db", "c/a.csv", "--build")
    before = Path("x.db").read_bytes()
    monkeypatch.setattr(os, "pwrite", full)
    for index in ("x.db", "y.db"):
        result = run("--index", index, "q.csv", "c")
        assert (result.code, result.text) == (74, "")
        assert f"{index}: cannot be written: No space left on device; the index is as it was" in result.err
    assert Path("x.db").read_bytes() == before
    assert not [name for name in os.listdir() if "y.db" in name]


def test_a_query_that_cannot_be_read_builds_nothing(run, files):
    assert run("--index", "x.db", "none.csv", "c").code == 66
    assert not Path("x.db").exists()


@pytest.mark.parametrize(
    "words", ["versions --compression nan", "versions --tuning inf", "match-audio --tuning nan", "similar --cepstra 0"]
)
def test_no_index_is_built_with_senseless_parameters(call, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.zeros(100), 22050)
    soundfile.write("b.wav", np.zeros(100), 22050)
    refused = call(*words.split(), "--build", "--index", "x.db", "a.wav", "b.wav")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert sorted(os.listdir()) == ["a.wav", "b.wav"]


def test_a_parameter_file_may_hold_what_is_for_searches(run, files):
    Path("p.toml").write_text(run("--dump-params").text)
    assert run("--index", "x.db", "c", "--params", "p.toml").code == 0


def test_parameters_are_those_of_the_index(run, files):
    run("--index", "x.db", "c", "--step", "10", "--digits", "3")
    expected = run("q.csv", "c", "--step", "10").text
    assert expected != HITS
    assert run("--index", "x.db", "q.csv").text == expected
    assert run("--index", "x.db", "q.csv", "c", "--step", "10").text == expected
    result = run("--index", "x.db", "q.csv", "--step", "1")
    assert result.code == 2
    assert "x.db: was built with step 10.0, not 1.0" in result.err
    Path("p.toml").write_text(run("--dump-params").text)
    assert "digits [3], not [1, 2], step 10.0, not 1.0" in run("--index", "x.db", "q.csv", "--params", "p.toml").err


def test_other_files_are_no_index(run, files):
    for content, message in (("", "an empty file, not an index"), ("time\n1\n", "not an index (first bytes")):
        Path("x.db").write_text(content)
        for words in (("q.csv",), ("q.csv", "c"), ("c",)):
            result = run("--index", "x.db", *words)
            assert result.code == 65
            assert f"x.db: {message}" in result.err
            assert Path("x.db").read_text() == content
    os.unlink("x.db")
    with store.writing("x.db", store.Kind("landmarks", 1)):
        pass
    assert "x.db: an index of landmarks, not of rounded events" in run("--index", "x.db", "q.csv").err
    with store.rewriting("x.db", store.Kind("landmarks", 1)):
        pass
    os.unlink("x.db")
    with store.writing("x.db", store.Kind("rounded events", 1), {"other": 1}):
        pass
    assert "made by another version of mirtool: build it again" in run("--index", "x.db", "q.csv").err
    os.unlink("x.db")
    assert run("--index", "x.db", "q.csv").code == 66
    assert run("--index", "none/x.db", "c").code == 73


def test_a_damaged_index_is_refused(run, files):
    run("--index", "x.db", "c")
    data = bytearray(Path("x.db").read_bytes())
    data[store.layout.HEADER + 3] ^= 1
    Path("x.db").write_bytes(data)
    for words in (("q.csv",), ("q.csv", "c/a.csv")):
        result = run("--index", "x.db", *words)
        assert (result.code, result.text) == (65, "")
        assert "x.db: a damaged index (segment 1, page 1): build it again" in result.err


def test_many_small_changes_are_tidied_up(run, files):
    for count in range(30):
        write(f"c/{count}.csv", count)
        assert run("--index", "x.db", "c").code == 0
    with store.reading("x.db") as index:
        assert len(index.segments) < 20
        assert len(index) == 33
    expected = run("q.csv", "c").text
    assert run("--index", "x.db", "q.csv").text == expected


# -------------------------------------------------------------------------------------------------- entries themselves


def derived(arrays):
    return {"total": np.array([arrays["x"].sum()])}


def test_what_is_derived_is_made_for_each_segment(tmp_path):
    path = str(tmp_path / "x")
    layout = entries.Layout(store.Kind("sums", 1), lambda container, parameters: {}, derived, largest=1000)
    items = [(store.Document(f"{n}"), {"x": np.full((n, 2), n), "y": np.zeros(n % 3)}) for n in range(20)]
    with store.writing(path, layout.kind) as writer:
        entries.fill(writer, layout, items)
        assert writer.segments > 2
        writer.remove(["3", "19"])
    entries.rewrite(path, layout)
    with store.reading(path, layout.kind) as index:
        for segment in index.segments:
            assert segment.whole("total") == segment.whole("x").sum()
            assert entries.names_of(segment) == ["x", "y"]
        kept = {document.name: entry for document, entry in entries.entries(index)}
        assert set(kept) == {document.name for document, _ in items} - {"3", "19"}
        for document, entry in items:
            if document.name in kept:
                np.testing.assert_array_equal(kept[document.name]["x"], entry["x"])
                np.testing.assert_array_equal(kept[document.name]["y"], entry["y"])
        assert not entries.tidy(path, layout)


def test_all_entries_together(tmp_path):
    path, layout = str(tmp_path / "x.idx"), entries.Layout(store.Kind("rows", 1), lambda container, parameters: {})
    with store.writing(path, layout.kind, {}) as writer:
        for names in ("abc", "de"):
            items = ((store.Document(name), {"x": np.full((1, 2), ord(name))}) for name in names)
            entries.fill(writer, layout, items)
        writer.remove(["b"])
    with store.reading(path, layout.kind) as index:
        names, arrays = entries.together(index)
    assert names == ["a", "c", "d", "e"]
    np.testing.assert_array_equal(arrays["x"], [[97, 97], [99, 99], [100, 100], [101, 101]])


def test_entries_of_an_index_are_alike(tmp_path):
    from mirtool.errors import DataError

    for second in ({"x": np.zeros(3, np.float32)}, {"y": np.zeros(3)}, {"x": np.zeros((3, 1))}):
        with pytest.raises(DataError, match="differ in their arrays 'x'"):
            entries.packed([{"x": np.zeros(2)}, second])
