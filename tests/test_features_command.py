"""`mirtool features` as it is called."""

import json

import numpy as np
import pytest
from performances import compiled

KINDS = ("spectrogram", "chroma", "cens", "dlnco", "novelty", "tempogram")
SPECTRAL = (
    "--method",
    "spectral",
    "--analysis-rate",
    22050,
    "--window-length",
    1024,
    "--compression",
    1000,
    "--average",
    0.1,
    "--norm",
    "max",
)
CHROMA = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def load(path):
    with open(path, "rb") as stream:
        return np.load(stream), json.loads(np.load(stream).tobytes())


@pytest.mark.parametrize("kind", KINDS)
def test_matrix_and_description(call, here, kind):
    result = call("features", kind, "take.wav", "-o", "x.npy", "--plot", "x.png", "--feature-rate", "20")
    assert (result.code, result.out, result.err) == (0, b"", "")
    matrix, about = load("x.npy")
    assert matrix.dtype == np.float32
    assert about["kind"] == kind
    # A tempogram is that of spectral novelty, which knows of an onset before its window is there.
    assert about["start"] == pytest.approx(0.2 * 1024 / 22050 - 0.005 if kind == "tempogram" else 0.0, abs=1e-6)
    assert about["feature_rate"] == (2.0 if kind == "cens" else 20.0)
    assert len(about["axis"]) == len(matrix)
    assert about["provenance"]["parameters"]["feature_rate"] == 20.0
    assert (here / "x.png").read_bytes().startswith(b"\x89PNG")


def test_sound_score_and_table_of_notes_agree(call, here):
    # The tune of take.wav, eight plucked notes of half a second: C E G C G E C G.
    for name in ("take.wav", "notes.csv"):
        assert call("features", "chroma", name, "-o", f"{name}.npy", "--start", "0").code == 0
    sound, about = load("take.wav.npy")
    notes, _ = load("notes.csv.npy")
    assert tuple(about["axis"]) == CHROMA
    for matrix in (sound, notes):
        found = [CHROMA[c] for c in matrix[:, 12:200:25].argmax(axis=0)]
        assert found == ["C", "E", "G", "C", "G", "E", "C", "G"][: len(found)]
        assert len(found) >= 4
    assert call("features", "chroma", "piece.mid", "-o", "m.npy").code == 0


@pytest.mark.parametrize("name", ["take.wav", "notes.csv"])
def test_an_excerpt_keeps_its_times(call, here, name):
    call("features", "novelty", name, "-o", "whole.npy", "--average", "0", "--norm", "none")
    excerpt = ("--start", "1", "--duration", "0.8")
    call("features", "novelty", name, "-o", "part.npy", "--average", "0", "--norm", "none", *excerpt)
    (whole, _), (part, about) = load("whole.npy"), load("part.npy")
    assert about["start"] == 1.0
    assert 70 < part.shape[1] <= 81
    np.testing.assert_allclose(part[0, 5:70], whole[0, 105:170], atol=1e-4)


def test_an_excerpt_without_notes(call, here):
    result = call("features", "chroma", "notes.csv", "--start", "100")
    assert (result.code, result.out) == (65, b"")
    assert "notes.csv: no notes" in result.err


@compiled
def test_novelty_goes_through_a_pipe(call, here, program):
    written = program("features", "novelty", "-", data=(here / "take.wav").read_bytes())
    assert (written.code, written.err) == (0, "")
    assert call("features", "novelty", "take.wav").out == written.out


@pytest.mark.parametrize("kind", ["tempogram", "plp"])
def test_a_novelty_curve_keeps_its_times(call, here, kind):
    call("features", "novelty", "take.wav", "--start", "1", "-o", "novelty.npy", *SPECTRAL)
    assert call("features", kind, "novelty.npy", "-o", "piped.npy").code == 0
    assert call("features", kind, "take.wav", "--start", "1", "-o", "direct.npy").code == 0
    (piped, about), (direct, same) = load("piped.npy"), load("direct.npy")
    assert about["start"] == same["start"] == pytest.approx(1 + 0.2 * 1024 / 22050 - 0.005, abs=1e-6)
    np.testing.assert_allclose(piped, direct, atol=1e-6)


def test_notes_have_no_spectrum(call, here):
    result = call("features", "spectrogram", "piece.mid")
    assert result.code == 65
    assert "over pitch only" in result.err
    assert call("features", "spectrogram", "piece.mid", "--scale", "pitch", "-o", "x.npy").code == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--norm", "l3"], "l3"),
        (["--feature-rate", "0"], "feature rate must be positive"),
        (["--pitch-low", "90", "--pitch-high", "80"], "pitches must lie"),
    ],
)
def test_bad_parameters_are_usage(call, here, flags, message):
    result = call("features", "chroma", "take.wav", *flags)
    assert result.code == 2
    assert message in result.err


def test_the_inputs_of_a_list_share_a_table(call, here):
    (here / "list.txt").write_text("take.wav\nnotes.csv\n")
    result = call("features", "chroma", "--files-from", "list.txt", "--format", "csv", "--feature-rate", "2")
    assert (result.code, result.err) == (0, "")
    rows = [line.split(",") for line in result.text.splitlines()]
    assert rows[0] == ["file", "time", *CHROMA]
    assert [row[:2] for row in rows if row[1] == "0.500000"] == [["take.wav", "0.500000"], ["notes.csv", "0.500000"]]
