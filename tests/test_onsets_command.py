"""`mirtool onsets` as it is called."""

import csv
import io

import numpy as np
import pytest
import soundfile


def times(text):
    return [float(row["time"]) for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize("method", ["superflux", "spectral", "complex"])
def test_the_pipe_gives_the_same(call, here, program, method):
    direct = call("onsets", "take.wav", "--method", method)
    curve = call("features", "novelty", "take.wav", "--method", method)
    assert program("onsets", "-", data=curve.out).out == direct.out
    assert len(times(direct.text)) >= 7


def test_stages_through_files(call, here):
    spectral = ("--method", "spectral")
    call("features", "novelty", "take.wav", *spectral, "--stage", "compression", "-o", "y.npy")
    call("features", "novelty", "y.npy", *spectral, "-o", "n.npy", "--plot", "n.png")
    assert call("onsets", "n.npy").out == call("onsets", "take.wav", *spectral).out


def test_slices(call, here):
    result = call("onsets", "take.wav", "--slice", "slices", "-o", "take.csv")
    assert (result.code, result.err) == (0, "")
    found = times((here / "take.csv").read_text())
    files = sorted((here / "slices").iterdir())
    assert [file.name for file in files] == [f"{n:03d}.wav" for n in range(1, len(found) + 1)]
    whole, rate = soundfile.read(here / "take.wav", dtype="float32")
    pieces = np.concatenate([soundfile.read(file, dtype="float32")[0] for file in files])
    np.testing.assert_array_equal(pieces, whole[round(found[0] * rate) :])


def test_slices_of_several_inputs_lie_apart(call, here):
    assert call("onsets", "take.wav", "slow.wav", "--slice", "slices", "-o", "out/").code == 0
    assert sorted(path.name for path in (here / "slices").iterdir()) == ["slow", "take"]
    assert (here / "slices" / "slow" / "001.wav").exists()


def test_slices_of_an_excerpt_from_a_pipe(call, here, program):
    data = (here / "take.wav").read_bytes()
    result = program("onsets", "-", "--start", "1.2", "--slice", str(here / "slices"), data=data)
    first = times(result.text)[1]
    whole, rate = soundfile.read(here / "take.wav", dtype="float32")
    piece, _ = soundfile.read(here / "slices" / "002.wav", dtype="float32")
    begin = np.flatnonzero(whole == piece[0])
    assert np.abs(begin / rate - first).min() < 1e-4


def test_slices_over_an_input_are_refused(call, here):
    (here / "slices").mkdir()
    (here / "take.wav").rename(here / "slices" / "002.wav")
    before = (here / "slices" / "002.wav").read_bytes()
    result = call("onsets", "slices/002.wav", "--slice", "slices")
    assert (result.code, result.out) == (2, b"")
    assert "slices/002.wav: is an input" in result.err
    assert [path.name for path in (here / "slices").iterdir()] == ["002.wav"]
    assert (here / "slices" / "002.wav").read_bytes() == before


def test_slices_that_meet_are_refused(call, here):
    (here / "a").mkdir()
    (here / "take.wav").rename(here / "a" / "slow.wav")
    result = call("onsets", "slow.wav", "a/slow.wav", "--slice", "slices", "--format", "csv")
    assert (result.code, result.out) == (2, b"")
    assert "the output of both slow.wav and a/slow.wav" in result.err


def test_a_file_is_no_folder_for_slices(call, here):
    result = call("onsets", "take.wav", "--slice", "events.csv")
    assert (result.code, result.out) == (2, b"")
    assert "is a file, not a folder" in result.err


def test_slices_of_an_earlier_run_are_named(call, here):
    call("onsets", "take.wav", "--slice", "slices")
    result = call("onsets", "take.wav", "--slice", "slices", "--start", "2.2")
    assert result.code == 0
    assert "of an earlier run" in result.err
    assert len(list((here / "slices").iterdir())) == 8


def test_slices_need_sound(call, here):
    result = call("onsets", "piece.mid", "--slice", "slices")
    assert (result.code, result.out) == (2, b"")
    assert "--slice needs sound" in result.err


def test_a_full_folder_leaves_no_half_slice(call, here, monkeypatch):
    from mirtool.cli.job import Job
    from mirtool.errors import WriteFailure

    whole = Job.write_as

    def write_as(self, container, target, **more):
        if target.endswith("003.wav"):
            raise WriteFailure(f"{target}: no space left")
        whole(self, container, target, **more)

    monkeypatch.setattr(Job, "write_as", write_as)
    result = call("onsets", "take.wav", "--slice", "slices", "-o", "take.csv")
    assert result.code == 74
    assert sorted(path.name for path in (here / "slices").iterdir()) == ["001.wav", "002.wav"]
    assert not (here / "take.csv").exists()


def test_snap(call, here):
    (here / "tapped.csv").write_text("time,label\n0.480000,a\n0.700000,b\n1.020000,c\n")
    result = call("onsets", "take.wav", "--snap", "tapped.csv")
    assert result.code == 0
    rows = list(csv.DictReader(io.StringIO(result.text)))
    assert [row["label"] for row in rows] == ["a", "b", "c"]
    assert times(result.text) == pytest.approx([0.5, 0.7, 1.0], abs=0.005)
    assert call("onsets", "take.wav", "--tolerance", "0.1").code == 2
    assert call("onsets", "take.wav", "--live", "--tolerance", "0.1").code == 2


def test_an_activation_keeps_its_times(call, here):
    (here / "curve.csv").write_text("time,novelty\n" + "".join(f"{n / 10:.6f},{float(n == 25)}\n" for n in range(40)))
    call("convert", "curve.csv", "-o", "curve.npy")
    for excerpt in ((), ("--start", "1")):
        assert times(call("onsets", "take.wav", "--activation", "curve.npy", *excerpt).text) == [2.5]


def test_plots(call, here):
    for name, curve in (("take.wav", "a.png"), ("silence.wav", "b.svg"), ("piece.mid", "c.pdf")):
        assert call("onsets", name, "--plot", curve).code == 0
        assert (here / curve).stat().st_size > 1000
    assert b"Threshold" not in (here / "c.pdf").read_bytes()


def test_a_folder_with_two_jobs_gives_the_same(call, here, program):
    (here / "in").mkdir()
    for name in ("take.wav", "slow.wav"):
        (here / name).rename(here / "in" / name)
    assert call("onsets", here / "in", "-o", f"{here}/one/").code == 0
    assert program("onsets", str(here / "in"), "-o", f"{here}/two/", "--jobs", "2").code == 0
    for name in ("take.csv", "slow.csv"):
        assert (here / "one" / name).read_bytes() == (here / "two" / name).read_bytes()
