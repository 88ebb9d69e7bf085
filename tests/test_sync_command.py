"""`mirtool sync` as it is called."""

import json
from pathlib import Path

import numpy as np
import pytest
from performances import compiled, errors, version

from mirtool.io import formats
from mirtool.types import WarpingPath

pytestmark = compiled

ONSETS = np.arange(8) / 2  # of take.wav; slow.wav is 1.25 times as slow


def rows(text):
    header, *lines = text.splitlines()
    return header, np.array([[float(cell) for cell in line.split(",")] for line in lines])


def assert_slower(text, tolerance=0.03):
    """A path between take.wav and slow.wav."""
    header, path = rows(text)
    assert header == "time_a,time_b"
    assert np.all(np.diff(path, axis=0) > 0)
    off = np.interp(ONSETS, *path.T[:2]) - 1.25 * ONSETS
    assert np.abs(off[1:]).mean() < tolerance
    return path


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Longer versions, as files: sound, MIDI and features."""
    folder = tmp_path_factory.mktemp("music")
    for name in ("quick", "slow", "high"):
        formats.write(version(name).audio, str(folder / f"{name}.wav"))
        formats.write(version(name).features, str(folder / f"{name}.npy"))
    formats.write(version("half").notes, str(folder / "half.mid"))
    return folder


@pytest.fixture
def studio(music, tmp_path, monkeypatch):
    """A folder with links to the music."""
    for path in music.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--method", "exact"],
        ["--steps", "slanted"],
        ["--step-weights", "1.5,1.5,2"],
        ["--feature-weights", "chroma=1,dlnco=0.5"],
        ["--transpose", "0"],
        ["--tuning", "0"],
        ["--band", "2"],
        ["--no-trim"],
        ["--feature-rate", "50"],
        ["--compression", "100", "--onset-compression", "5000"],
    ],
    ids=" ".join,
)
def test_every_way_finds_the_way(call, here, flags):
    result = call("sync", "take.wav", "slow.wav", *flags)
    assert (result.code, result.err) == (0, "")
    assert_slower(result.text)


def test_grid(call, here):
    header, path = rows(call("sync", "take.wav", "slow.wav", "--grid", "4", "--confidence").text)
    assert header == "time_a,time_b,confidence"
    np.testing.assert_allclose(path[:, 0], np.arange(len(path)) / 4)
    assert path[-1, 0] == pytest.approx(4, abs=0.3)


def test_at_events_of_the_first(call, here):
    result = call("sync", "take.wav", "slow.wav", "--at", "events.csv")
    path = assert_slower(result.text)
    np.testing.assert_allclose(path[:, 0], ONSETS)
    Path("twice.csv").write_text("time\n0.5\n0.5\n1\n")
    np.testing.assert_allclose(rows(call("sync", "take.wav", "slow.wav", "--at", "twice.csv").text)[1][:, 0], [0.5, 1])


def test_anchors(call, here):
    Path("anchors.csv").write_text("time_a,time_b\n1,1.25\n2,2.6\n")
    _, path = rows(call("sync", "take.wav", "slow.wav", "--anchors", "anchors.csv", "--plot", "x.svg").text)
    np.testing.assert_allclose(np.interp([1, 2], *path.T), [1.25, 2.6], atol=1e-5)
    assert Path("x.svg").read_bytes().startswith(b"<?xml")


def test_anchors_of_three_versions(call, here):
    Path("anchors.csv").write_text("time_1,time_2,time_3\n2,2.6,2.1\n")
    result = call("sync", "take.wav", "slow.wav", "take.wav", "--anchors", "anchors.csv")
    header, path = rows(result.text)
    assert header == "time_1,time_2,time_3"
    for column, time in ((1, 2.6), (2, 2.1)):
        assert np.interp(2, path[:, 0], path[:, column]) == pytest.approx(time, abs=1e-5)


def test_an_excerpt(call, studio):
    flags = ("--duration", "4", "--start", "3", "--subsequence", "--transpose", "0")
    header, path = rows(call("sync", "quick.wav", "slow.wav", *flags).text)
    assert header == "time_a,time_b"
    assert path[0, 0] == pytest.approx(3)  # on the time line of the whole
    assert path[-1, 0] == pytest.approx(7, abs=0.02)
    a, b = version("quick"), version("slow")
    inside = (a.beats > 3.2) & (a.beats < 6.8)
    off = np.interp(a.beats[inside], *path.T) - b.beats[inside]
    assert np.abs(off).mean() < 0.05


def test_an_excerpt_of_features_keeps_its_times(call, studio):
    one = call("sync", "quick.wav", "slow.npy", "--start", "2", "--transpose", "0")
    other = call("sync", "quick.npy", "slow.npy", "--start", "2", "--transpose", "0")
    for result in (one, other):
        assert rows(result.text)[1][0, 0] == pytest.approx(2)


def test_an_excerpt_of_a_score_and_its_cost_keep_their_times(call, here):
    flags = ("--start", "1", "--cost-matrix", "c.npy", "--transpose", "0", "--no-trim")
    assert rows(call("sync", "notes.csv", "slow.wav", *flags).text)[1][0, 0] == 1.0
    _, about = cost("c.npy")
    assert (about["axis"][0], about["start"]) == (1.0, 0.0)


def test_transposition_is_told(call, studio):
    result = call("sync", "quick.wav", "high.wav", "-v", "-o", "x.csv")
    assert result.err.strip() == "mirtool sync: high.wav lies +3 semitones from quick.wav"
    told = call("sync", "quick.wav", "high.wav", "--transpose", "3")
    assert told.text == Path("x.csv").read_text()


@pytest.mark.parametrize(("a", "b"), [("half.mid", "quick.wav"), ("quick.npy", "half.mid"), ("half.mid", "half.mid")])
def test_scores(call, studio, a, b):
    result = call("sync", a, b, "--confidence")
    assert (result.code, result.err) == (0, "")
    path = formats.read(str(write("x.csv", result.out)))
    off = errors(path, *(version(Path(name).stem) for name in (a, b)))
    assert np.median(off) < 0.03


def write(name, data):
    Path(name).write_bytes(data)
    return Path(name).resolve()


def test_musicxml(call, here):
    partitura = pytest.importorskip("partitura", reason="MusicXML needs partitura")
    part = partitura.score.Part("P0", quarter_duration=2)
    part.set_quarter_duration(0, 2)
    part.add(partitura.score.TimeSignature(4, 4), 0)
    for place, (step, octave) in enumerate(
        [("C", 4), ("E", 4), ("G", 4), ("C", 5), ("G", 4), ("E", 4), ("C", 4), ("G", 3)]
    ):
        note = partitura.score.Note(step=step, octave=octave, id=f"n{place}", voice=1)
        part.add(note, 2 * place, 2 * place + 2)
    partitura.score.add_measures(part)
    partitura.save_musicxml(part, "piece.musicxml")
    result = call("sync", "piece.musicxml", "slow.wav")
    assert (result.code, result.err) == (0, "")
    path = rows(result.text)[1]
    seconds = formats.read("piece.musicxml").notes["onset"]
    assert np.abs(np.interp(seconds, *path.T) - 1.25 * ONSETS)[1:].mean() < 0.05


# Features


def test_features_in_any_mix(call, here):
    for name in ("take", "slow"):
        assert call("features", "sync", f"{name}.wav", "-o", f"{name}.npy").code == 0
    sound = call("sync", "take.wav", "slow.wav").out
    for a, b in (("take.npy", "slow.wav"), ("take.wav", "slow.npy"), ("take.npy", "slow.npy")):
        assert call("sync", a, b).out == sound


def test_features_at_another_rate_decide(call, here):
    assert call("features", "sync", "slow.wav", "-o", "slow.npy", "--feature-rate", "40").code == 0
    assert call("sync", "take.wav", "slow.npy").out == call("sync", "take.wav", "slow.wav", "--feature-rate", "40").out


@pytest.mark.parametrize("name", ["take.wav", "notes.csv", "take.npy"])
def test_chroma(call, here, name):
    for stem in ("take", "slow"):
        assert call("features", "chroma", f"{stem}.wav", "-o", f"{stem}.npy").code == 0
    result = call("sync", name, "slow.npy")
    assert (result.code, result.err) == (0, "")
    assert_slower(result.text, 0.06)


def test_plain_matrices(call, here):
    for name, speed in (("x.npy", 1), ("y.npy", 0.8)):
        at = np.arange(int(200 / speed)) * speed / 25
        np.save(name, np.stack([np.exp(-((at - knot) ** 2) / 2) for knot in range(9)]))
    result = call("sync", "x.npy", "y.npy", "--input-feature-rate", "25")
    _, path = rows(result.text)
    assert np.abs(path[:, 1] - 1.25 * path[:, 0]).mean() < 0.06
    missing = call("sync", "x.npy", "y.npy")
    assert (missing.code, missing.err.count("\n")) == (65, 1)
    assert "x.npy: does not say its frames per second: give --input-feature-rate" in missing.err


# Further outputs


def cost(name):
    with open(name, "rb") as stream:
        return np.load(stream), json.loads(np.load(stream).tobytes())


def test_cost_matrix(call, here):
    for flags in (["coarse.npy"], ["fine.npy", "--cost-rate", "10"]):
        assert call("sync", "take.wav", "slow.wav", "-o", "x.csv", "--cost-matrix", *flags).code == 0
    (coarse, about), (fine, more) = cost("coarse.npy"), cost("fine.npy")
    assert (about["kind"], about["dims"]) == ("cost", ["time_a", "time_b"])
    assert more["feature_rate"] == pytest.approx(10)
    assert fine.shape == pytest.approx((41, 51), abs=1)
    assert coarse.shape[0] == pytest.approx(4 * about["feature_rate"], abs=2)
    on = [fine[int(10 * t), int(12.5 * t)] for t in ONSETS + 0.2]
    assert np.mean(on) < fine.mean() - 0.3


@pytest.mark.parametrize("names", [("take.wav", "slow.wav"), ("take.wav", "slow.wav", "piece.mid")])
def test_plot(call, here, names):
    assert call("sync", *names, "-o", "x.csv", "--plot", "x.png").code == 0
    assert Path("x.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_bytes_twice(call, here):
    outputs = ("x.csv", "x.npy", "x.svg")
    found = []
    for _ in range(2):
        flags = ("-o", "x.csv", "--cost-matrix", "x.npy", "--plot", "x.svg", "--confidence")
        assert call("sync", "take.wav", "slow.wav", *flags).code == 0
        found.append([Path(name).read_bytes() for name in outputs])
        for name in outputs:
            Path(name).unlink()
    assert found[0] == found[1]


@pytest.mark.parametrize("flags", [[], ["--joint"]])
def test_three_versions(call, studio, flags):
    result = call("sync", "quick.npy", "slow.npy", "half.mid", "--confidence", *flags)
    assert (result.code, result.err) == (0, "")
    header, path = rows(result.text)
    assert header == "time_1,time_2,time_3,confidence"
    assert np.all(np.diff(path[:, :3], axis=0) > 0)
    quick = version("quick")
    for column, name in ((1, "slow"), (2, "half")):
        found = WarpingPath.from_times(path[:, [0, column]])
        assert np.median(errors(found, quick, version(name))) < 0.03


def test_many_jobs_from_a_table(call, here):
    Path("jobs.tsv").write_text("a\tb\ntake.wav\tslow.wav\nslow.wav\ttake.wav\n")
    result = call("sync", "--files-from", "jobs.tsv", "-o", "out/")
    assert (result.code, result.err) == (0, "")
    names = sorted(path.name for path in (here / "out").iterdir() if path.suffix == ".csv")
    assert len(names) == 2
    assert call("sync", "take.wav", "slow.wav").text in [(here / "out" / name).read_text() for name in names]


def test_pipes(call, program, here):
    take, slow = (call("features", "sync", f"{name}.wav").out for name in ("take", "slow"))
    Path("take.npy").write_bytes(take)
    Path("slow.npy").write_bytes(slow)
    filed = call("sync", "take.npy", "slow.npy").out
    for words, data in ((("-", "slow.npy"), take), (("take.wav", "-"), Path("slow.wav").read_bytes())):
        piped = program("sync", *words, data=data)
        assert (piped.code, piped.err, piped.out) == (0, "", filed)


# What goes wrong

BAD = {
    "anchors backwards": (["--anchors", "back.csv"], 65, "back.csv:3: time_a does not increase"),
    "anchors outside": (["--anchors", "far.csv"], 2, "an anchor lies outside"),
    "anchors of three": (["--anchors", "three.csv"], 65, "three.csv: anchors in 3 versions, but 2 are aligned"),
    "anchors no path": (["--anchors", "events.csv"], 65, "events.csv: holds events, not a warping path"),
    "anchors missing": (["--anchors", "gone.csv"], 66, "gone.csv: no such file"),
    "anchors jointly": (["--anchors", "path.csv", "--joint"], 2, "--anchors and --joint cannot be had together"),
    "at no events": (["--at", "path.csv"], 65, "path.csv: holds a warping path, not events"),
    "at and grid": (["--at", "events.csv", "--grid", "2"], 2, "--grid and --at cannot be had together"),
    "grid": (["--grid", "0"], 2, "--grid: must be above 0"),
    "cost rate": (["--cost-rate", "2"], 2, "--cost-rate needs --cost-matrix"),
    "cost rate too high": (["--cost-rate", "1000", "--cost-matrix", "c.npy"], 2, "rate of the cost matrix must lie"),
    "method": (["--method", "best"], 2, "--method: 'best' is none of multiscale, exact"),
    "steps": (["--steps", "wild"], 2, "--steps: 'wild' is none of classic, slanted"),
    "step weights": (["--step-weights", "1,2"], 2, "three positive numbers"),
    "negative step weights": (["--step-weights=1,1,-1"], 2, "three positive numbers"),
    "no weight": (["--feature-weights", "chroma"], 2, "--feature-weights: 'chroma' is not NAME=VALUE"),
    "unknown weight": (
        ["--feature-weights", "timbre=1"],
        2,
        "no feature timbre (there are: chroma, pitch, onset, dlnco",
    ),
    "all weights 0": (["--feature-weights", "chroma=0"], 2, "one of them must be above 0"),
    "transposition": (["--transpose", "high"], 2, "--transpose: 'high' is not a whole number"),
    "band": (["--band", "0"], 2, "band must be above 0 s"),
    "feature rate": (["--feature-rate", "0"], 2, "feature rate must be positive"),
    "format": (["--format", "lab"], 2, "--format: 'lab' is none of csv, tsv, json, fmp"),
}


@pytest.mark.parametrize(("flags", "code", "message"), BAD.values(), ids=BAD)
def test_bad_options(call, here, flags, code, message):
    Path("back.csv").write_text("time_a,time_b\n2,2.5\n1,1.25\n")
    Path("far.csv").write_text("time_a,time_b\n2,250\n")
    Path("three.csv").write_text("time_1,time_2,time_3\n1,1,1\n")
    result = call("sync", "take.wav", "slow.wav", "-o", "x.csv", *flags)
    assert result.code == code
    assert result.err.startswith("mirtool sync: ")
    assert result.err.count("\n") == 1
    assert message in result.err
    assert not Path("x.csv").exists()


INPUTS = {
    "one": (["take.wav"], 2, "at least 2 inputs"),
    "missing": (["take.wav", "gone.wav"], 66, "gone.wav: no such file"),
    "path": (["path.csv", "take.wav"], 65, "path.csv: holds a warping path"),
    "events": (["take.wav", "events.csv"], 65, "events.csv: holds events"),
    "empty": (["take.wav", "empty"], 65, "empty: empty"),
    "page": (["page.html", "take.wav"], 65, "is it an HTML page?"),
    "not a number": (["take.wav", "nan.wav"], 65, "nan.wav: "),
    "truncated": (["take.wav", "truncated.wav"], 65, "truncated.wav: truncated"),
    "one sample": (["take.wav", "one.wav"], 65, "one.wav: "),
    "rates": (["slow.npy", "rate.npy"], 65, "rate.npy: 20 frames per second, where another version has 10"),
    "kinds": (["slow.npy", "chroma.npy"], 65, "different kinds: sync (170 rows) and chroma (12 rows)"),
    "other kind": (["take.wav", "novelty.npy"], 65, "take.wav: cannot be compared with features of kind novelty"),
    "one frame": (["frame.npy", "chroma.npy"], 65, "frame.npy: too short to be aligned"),
    "complex": (["complex.npy", "complex.npy"], 65, "complex features cannot be aligned"),
    "three with a cost": (["take.wav", "slow.wav", "take.wav", "--cost-matrix", "c.npy"], 2, "for two versions"),
}


@pytest.mark.parametrize(("words", "code", "message"), INPUTS.values(), ids=INPUTS)
def test_bad_inputs(call, here, words, code, message):
    call("features", "sync", "slow.wav", "-o", "slow.npy", "--feature-rate", "10")
    call("features", "sync", "slow.wav", "-o", "rate.npy", "--feature-rate", "20")
    call("features", "novelty", "slow.wav", "-o", "novelty.npy")
    chroma = formats.read("chroma.npy")
    formats.write(type(chroma)(chroma.data[:, :1], 10.0, "chroma", chroma.dims), "frame.npy")
    formats.write(type(chroma)(chroma.data * 1j, 10.0, "spectrum", chroma.dims), "complex.npy")
    result = call("sync", *words, "-o", "x.csv")
    assert result.code == code
    assert result.err.startswith("mirtool sync: ")
    assert result.err.count("\n") == 1
    assert message in result.err
    assert not Path("x.csv").exists()


@pytest.mark.parametrize("name", ["silence.wav", "eight.wav"])
def test_strange_sound_is_aligned(call, here, name):
    result = call("sync", "take.wav", name, "--confidence")
    assert result.code == 0
    assert np.all(np.diff(rows(result.text)[1][:, :2], axis=0) > 0)
