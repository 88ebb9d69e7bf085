"""`mirtool evaluate` as it is called."""

import csv
import io
import shutil

import pytest

HEADER = "item,points,mean_ms,median_ms,p95_ms,over_25ms,over_50ms,over_100ms,outside"


def rows(result):
    return list(csv.DictReader(io.StringIO(result.text)))


@pytest.fixture
def folder(tmp_path):
    """Two items, of which the estimates are wrong by 30 ms and by nothing."""
    for name in ("ref", "est"):
        (tmp_path / name / "sub").mkdir(parents=True)
    for item, error in (("one", 0.03), ("sub/two", 0.0)):
        (tmp_path / "ref" / f"{item}.csv").write_text("time_a,time_b\n1,1\n2,3\n3,4\n")
        (tmp_path / "est" / f"{item}.csv").write_text(
            "time_a,time_b\n" + "".join(f"{a},{b + error:.2f}\n" for a, b in ((1, 1), (2, 3), (3, 4)))
        )
    return tmp_path


def test_two_files(call, folder):
    result = call("evaluate", "sync", folder / "ref/one.csv", folder / "est/one.csv")
    assert result.code == 0
    assert result.text.splitlines()[0] == HEADER
    first, mean, low, high = rows(result)
    assert first["item"] == str(folder / "ref/one.csv")
    assert [row["item"] for row in (mean, low, high)] == ["mean", "low", "high"]
    for row in (first, mean, low, high):
        assert float(row["mean_ms"]) == pytest.approx(30)
        assert float(row["over_25ms"]) == 1
        assert float(row["over_50ms"]) == 0


def test_two_folders_by_relative_stem(call, folder):
    result = call("evaluate", "sync", folder / "ref", folder / "est")
    assert result.code == 0
    assert [row["item"] for row in rows(result)] == ["one", "sub/two", "mean", "low", "high"]
    assert [float(row["mean_ms"]) for row in rows(result)] == pytest.approx([30, 0, 15, 0, 30])
    assert [float(row["points"]) for row in rows(result)] == [3, 3, 6, 6, 6]


def test_a_missing_estimate_counts_as_failure(call, folder):
    (folder / "est/sub/two.csv").unlink()
    result = call("evaluate", "sync", folder / "ref", folder / "est")
    assert result.code == 1
    assert "sub/two: no estimate" in result.err
    assert "1 of 2 failed: sub/two" in result.err
    _, two, mean, *_ = rows(result)
    assert float(two["mean_ms"]) == 4000  # as long as the item
    assert float(two["over_100ms"]) == 1
    assert float(mean["mean_ms"]) == pytest.approx(2015)


def test_without_any_estimate_there_is_nothing_to_draw(call, folder):
    shutil.rmtree(folder / "est")
    (folder / "est").mkdir()
    shutil.copy(folder / "ref/one.csv", folder / "est/other.csv")
    result = call("evaluate", "sync", folder / "ref", folder / "est", "--plot", folder / "x.png")
    assert result.code == 1
    assert "2 of 2 failed: one, sub/two" in result.err
    assert float(rows(result)[-3]["mean_ms"]) == 4000
    assert not (folder / "x.png").exists()


def test_a_bad_estimate_counts_as_failure_and_names_the_line(call, folder):
    (folder / "est/one.csv").write_text("time_a,time_b\n1,1\n2,x\n")
    result = call("evaluate", "sync", folder / "ref", folder / "est", "-o", folder / "scores.csv")
    assert result.code == 1
    assert "one.csv:3: time_b is not a number: 'x'" in result.err
    assert (folder / "scores.csv").read_text().startswith(HEADER)


def test_a_bad_reference_is_named_and_left_out(call, folder):
    (folder / "ref/one.csv").write_text("time\n1\n")
    result = call("evaluate", "sync", folder / "ref", folder / "est")
    assert result.code == 1
    assert [row["item"] for row in rows(result)] == ["sub/two", "mean", "low", "high"]
    assert "1 of 2 failed: one" in result.err


def test_estimates_without_a_reference_are_named(call, folder):
    shutil.copy(folder / "est/one.csv", folder / "est/three.csv")
    result = call("evaluate", "sync", folder / "ref", folder / "est")
    assert result.code == 0
    assert "without a reference: three" in result.err


def test_a_job_table_makes_one_report(call, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "pairs.tsv").write_text("ref\test\nref/one.csv\test/one.csv\nref/one.csv\test/sub/two.csv\n")
    result = call("evaluate", "sync", "--files-from", "pairs.tsv")
    assert result.code == 0
    assert [row["item"] for row in rows(result)] == [
        "ref/one.csv est/one.csv", "ref/one.csv est/sub/two.csv", "mean", "low", "high",
    ]  # fmt: skip


def test_rows_with_outputs_of_their_own_make_reports_of_their_own(call, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "pairs.tsv").write_text(
        "ref\test\toutput\nref/one.csv\test/one.csv\ta.csv\nref/one.csv\test/sub/two.csv\tb.csv\n"
    )
    assert call("evaluate", "sync", "--files-from", "pairs.tsv").code == 0
    assert (folder / "a.csv").read_text().splitlines()[1].startswith("ref/one.csv,3,30,")
    assert (folder / "b.csv").read_text().splitlines()[1].startswith("ref/one.csv,3,0,")


def test_the_estimate_may_come_through_a_pipe(program, folder):
    estimate = (folder / "est/one.csv").read_bytes()
    result = program("evaluate", "sync", folder / "ref/one.csv", "-", data=estimate)
    assert result.code == 0, result.err
    assert float(rows(result)[0]["mean_ms"]) == pytest.approx(30)


def test_the_seed_moves_the_interval_only(call, folder):
    results = [rows(call("evaluate", "sync", folder / "ref", folder / "est", "--resamples", "20", "--seed", seed))
               for seed in ("0", "0", "1")]  # fmt: skip
    assert results[0] == results[1]
    assert results[0][2] == results[2][2]


@pytest.mark.parametrize("items", ["one.csv", ""])
def test_plot(call, folder, items):
    target = folder / "errors.svg"
    result = call("evaluate", "sync", folder / "ref" / items, folder / "est" / items, "--plot", target)
    assert result.code == 0, result.err
    assert b"<svg" in target.read_bytes()


def test_refusals(call, folder):
    mixed = call("evaluate", "sync", folder / "ref", folder / "est/one.csv")
    assert mixed.code == 2
    assert "a folder is compared with a folder" in mixed.err
    assert call("evaluate", "sync", folder / "ref/one.csv", folder / "none.csv").code == 66
    (folder / "beats.csv").write_text("time\n1\n")
    wrong = call("evaluate", "sync", folder / "ref/one.csv", folder / "beats.csv")
    assert wrong.code == 65
    assert "events" in wrong.err
    assert call("evaluate", "sync", folder / "ref/one.csv").code == 2
    assert call("evaluate", "nothing", "a", "b").code == 2


@pytest.fixture
def events(tmp_path):
    """Four items in ref/ and est/: perfect, late, halved, and without an estimate."""
    found = {"perfect": (0.0, 1), "late": (0.04, 1), "half": (0.0, 2)}
    for name in ("ref", "est"):
        (tmp_path / name).mkdir()
    for item in (*found, "missing"):
        rows = [f"{time / 2:.2f},{time % 4 + 1}\n" for time in range(80)]
        (tmp_path / "ref" / f"{item}.csv").write_text("time,beat\n" + "".join(rows))
        if item in found:
            late, step = found[item]
            rows = [f"{time / 2 + late:.2f},{time % 4 + 1}\n" for time in range(0, 80, step)]
            (tmp_path / "est" / f"{item}.csv").write_text("time,beat\n" + "".join(rows))
    return tmp_path


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("onsets", {"perfect": ("f", 1), "late": ("f25", 0), "half": ("recall", 0.5), "missing": ("f", 0)}),
        ("beats", {"perfect": ("cmlt", 1), "late": ("bias_ms", 40), "half": ("amlt", 1), "missing": ("f", 0)}),
        ("tempo", {"perfect": ("acc1", 1), "late": ("acc1", 1), "half": ("acc2", 1), "missing": ("acc2", 0)}),
    ],
)
def test_folders_of_events(call, events, task, expected):
    target = events / "scores.svg"
    result = call("evaluate", task, events / "ref", events / "est", "--plot", target)
    assert result.code == 1
    assert "1 of 4 failed: missing" in result.err
    found = {row["item"]: row for row in rows(result)}
    assert list(found) == [*sorted(expected), "mean", "low", "high"]
    for item, (column, value) in expected.items():
        assert float(found[item][column]) == pytest.approx(value, abs=0.03)
    assert b"<svg" in target.read_bytes()


@pytest.mark.parametrize("task", ["onsets", "beats", "tempo"])
def test_one_pair_of_events(call, events, task):
    target = events / "one.svg"
    result = call("evaluate", task, events / "ref/late.csv", events / "est/late.csv", "--plot", target)
    assert (result.code, result.err) == (0, "")
    assert len(rows(result)) == 4
    assert b"<svg" in target.read_bytes()


@pytest.mark.parametrize("task", ["onsets", "beats", "tempo"])
def test_an_empty_estimate_is_wrong_and_an_empty_reference_refused(call, events, task):
    (events / "empty.csv").write_text("time\n")
    result = call("evaluate", task, events / "ref/late.csv", events / "empty.csv")
    assert (result.code, result.err) == (0, "")
    assert float(rows(result)[0]["acc1" if task == "tempo" else "f"]) == 0
    result = call("evaluate", task, events / "empty.csv", events / "est/late.csv")
    assert result.code == 65
    assert "a reference without" in result.err


def test_beats_of_other_formats(call, events):
    for name in ("x.beats", "x.svl", "x.jams", "x.mid"):
        assert call("convert", events / "ref/late.csv", "-o", events / name).code == 0
        result = call("evaluate", "beats", events / "ref/late.csv", events / name)
        assert (result.code, result.err) == (0, "")
        assert float(rows(result)[0]["cmlc"]) == 1
        assert float(rows(result)[0]["downbeat_f"]) == 1


# ----------------------------------------------------------------------------------------------------------- retrieval


@pytest.fixture
def answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ref.csv").write_text("file,group,artist\na,1,x\nb,1,y\nc,1,x\nd,2,x\ne,2,z\nf,,z\n")
    (tmp_path / "est.csv").write_text("query,file,score\na,a,1\na,d,0.9\na,c,0.8\na,b,0.7\nd,f,0.3\nd,a,0.2\nf,a,0.1\n")
    return tmp_path


def test_retrieval(call, answered):
    result = call("evaluate", "retrieval", "ref.csv", "est.csv")
    assert result.code == 0
    assert result.err == (
        "mirtool evaluate retrieval: ref.csv: nothing is relevant for f; left out\n"
        "mirtool evaluate retrieval: est.csv: no query: b, c, e; left out (--all counts them)\n"
    )
    a, d, mean, low, _ = rows(result)
    assert [a["item"], d["item"], mean["item"]] == ["a", "d", "mean"]
    assert float(a["ap"]) == pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-5)
    assert (float(a["rr"]), float(a["top1"]), float(a["top5"]), float(a["rank"])) == (0.5, 0, 1, 2)
    assert (float(d["ap"]), d["rank"]) == (0, "")
    assert float(mean["queries"]) == 2
    assert float(mean["rr"]) == pytest.approx(0.25)
    assert float(low["rr"]) == 0
    filtered = rows(call("evaluate", "retrieval", "ref.csv", "est.csv", "--filter", "artist"))
    assert float(filtered[0]["ap"]) == 1  # only b is left
    every = rows(call("evaluate", "retrieval", "ref.csv", "est.csv", "--all", "--ranks", "3"))
    assert [row["item"] for row in every[:5]] == ["a", "b", "c", "d", "e"]
    assert list(every[0])[5:] == ["rr", "top3", "p3", "rank"]


def test_retrieval_is_drawn(call, answered):
    (answered / "one.csv").write_text("query,file\na,c\na,b\n")
    (answered / "answer.csv").write_text("file,score\nd,0.9\nb,0.8\nc,0.5\n")
    assert call("evaluate", "retrieval", "one.csv", "answer.csv", "--plot", "one.svg").code == 0
    assert call("evaluate", "retrieval", "ref.csv", "est.csv", "--plot", "two.svg").code == 0
    (answered / "answer.csv").write_text("file,score\n")
    result = call("evaluate", "retrieval", "one.csv", "answer.csv")
    assert (result.code, float(rows(result)[0]["ap"])) == (0, 0)
    assert call("evaluate", "retrieval", "one.csv", "answer.csv", "--plot", "x.svg").code == 65


def test_retrieval_without_a_common_name(call, answered):
    (answered / "est.csv").write_text("query,file\n./a,b\n")
    result = call("evaluate", "retrieval", "ref.csv", "est.csv")
    assert result.code == 65
    assert "est.csv: no answer to a query of the reference; there it is 'a', here './a'" in result.err
    assert call("evaluate", "retrieval", "ref.csv", "ref.csv").code == 65
    assert call("evaluate", "retrieval", "ref.csv", "est.csv", "--filter", "album").code == 2
