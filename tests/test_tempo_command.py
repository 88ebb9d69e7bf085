"""`mirtool tempo` as it is called."""

import csv
import io

import numpy as np
import pytest

from mirtool.io import formats
from mirtool.types import Features


def rows(result):
    assert (result.code, result.err) == (0, "")
    return list(csv.DictReader(io.StringIO(result.text)))


def test_sound(call, here):
    found = rows(call("tempo", "take.wav", "--plot", "tempo.png"))
    assert list(found[0]) == ["bpm", "strength", "stability"]
    assert len(found) == 2
    assert float(found[0]["bpm"]) == pytest.approx(120, rel=0.01)  # two notes a second
    assert (here / "tempo.png").read_bytes().startswith(b"\x89PNG")
    assert len(rows(call("tempo", "take.wav", "-k", "1"))) == 1
    assert float(rows(call("tempo", "slow.wav", "-k", "1"))[0]["bpm"]) == pytest.approx(96, rel=0.01)


@pytest.mark.parametrize("name", ["take.wav", "notes.csv"])
def test_a_curve(call, here, name):
    found = rows(call("tempo", name, "--curve", "--plot", "curve.svg", "--start", "0.5"))
    assert list(found[0]) == ["time", "bpm", "strength"]
    assert float(found[0]["time"]) == 0.5
    assert all(float(row["bpm"]) == pytest.approx(120, rel=0.02) for row in found)
    assert b"<svg" in (here / "curve.svg").read_bytes()


def test_a_novelty_through_a_pipe(call, here, program):
    curve = program("features", "novelty", "take.wav")
    piped = program("tempo", "-", data=curve.out)
    assert (piped.code, piped.err) == (0, "")
    assert float(piped.text.splitlines()[1].split(",")[0]) == pytest.approx(120, rel=0.01)
    (here / "novelty.npy").write_bytes(curve.out)
    assert call("tempo", "take.wav", "--activation", "novelty.npy").out == piped.out


def test_a_tempogram(call, here):
    call("features", "tempogram", "take.wav", "--method", "autocorrelation", "-o", "t.npy", "--tempo-low", "60")
    found = rows(call("tempo", "t.npy", "--plot", "t.png"))
    assert float(found[0]["bpm"]) == pytest.approx(120, rel=0.01)
    curve = rows(call("tempo", "t.npy", "--curve", "--plot", "t.pdf"))
    assert all(float(row["bpm"]) == pytest.approx(120, rel=0.02) for row in curve)


def test_what_tells_its_tempo(call, here):
    (here / "beats.csv").write_text("time,beat\n" + "".join(f"{k / 2},{k % 4 + 1}\n" for k in range(9)))
    assert rows(call("tempo", "beats.csv")) == [{"bpm": "120", "strength": "1", "stability": "1"}]
    assert {row["bpm"] for row in rows(call("tempo", "beats.csv", "--curve", "--plot", "e.png"))} == {"120"}
    call("tempo", "beats.csv", "--curve", "-o", "curve.csv")
    assert call("tempo", "curve.csv", "--curve").out == (here / "curve.csv").read_bytes()
    assert rows(call("tempo", "curve.csv"))[0]["bpm"] == "120"
    assert rows(call("tempo", "piece.mid"))[0]["bpm"] == "120"
    assert rows(call("tempo", "piece.mid", "--curve", "--plot", "m.png"))[0] == {
        "time": "0.000000",
        "bpm": "120",
        "strength": "1",
    }
    assert float(rows(call("tempo", "path.csv", "--hint", "100", "--curve"))[0]["bpm"]) == pytest.approx(80)
    refused = call("tempo", "path.csv")
    assert (refused.code, refused.out) == (2, b"")
    assert "--hint" in refused.err


def test_onsets(call, here):
    (here / "onsets.csv").write_text("time,strength\n" + "".join(f"{100 + k / 1.6},1\n" for k in range(40)))
    found = rows(call("tempo", "onsets.csv", "-k", "1"))
    assert float(found[0]["bpm"]) == pytest.approx(96, rel=0.005)
    curve = rows(call("tempo", "onsets.csv", "--curve", "--start", "102"))
    assert float(curve[0]["time"]) == pytest.approx(102.5)
    assert float(curve[0]["bpm"]) == pytest.approx(96, rel=0.01)


def test_none_in_silence(call, here):
    result = call("tempo", "silence.wav")
    assert (result.code, result.text, result.err) == (0, "bpm,strength,stability\n", "")
    result = call("tempo", "silence.wav", "--curve")
    assert (result.code, result.text, result.err) == (0, "time,bpm,strength\n", "")


def test_beats_or_not(call, here):
    formats.write(Features(np.ones((3, 20)), 10.0, "chroma"), "other.npy")
    result = call("tempo", "other.npy")
    assert result.code == 65
    assert "no curve of accents: chroma of 3 × 20 values" in result.err


def test_hint_and_range(call, here):
    assert float(rows(call("tempo", "take.wav", "--hint", "62"))[0]["bpm"]) == pytest.approx(60, rel=0.02)
    assert float(rows(call("tempo", "take.wav", "--range", "200,250"))[0]["bpm"]) == pytest.approx(240, rel=0.02)
    assert call("tempo", "take.wav", "--range", "250,200").code == 2


def test_what_means_nothing_is_refused(call, here):
    refused = call("tempo", "take.wav", "--curve", "-k", "3")
    assert (refused.code, refused.err) == (2, "mirtool tempo: --count means nothing with --curve\n")
    refused = call("tempo", "take.wav", "--range", "60")
    assert (refused.code, refused.err) == (2, "mirtool tempo: --range: 2 values are needed, not 1\n")


def test_a_format_that_cannot_hold_the_result_is_refused_before_work(call, here):
    refused = call("tempo", "missing.wav", "--curve", "-o", "curve.mid")
    assert refused.code == 2
    assert "curve.mid: midi cannot hold" in refused.err
    refused = call("tempo", "missing.wav", "-o", "tempo.png")
    assert (refused.code, refused.err) == (2, "mirtool tempo: tempo.png: --plot draws pictures\n")
