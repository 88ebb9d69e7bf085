"""Options that mean nothing for an input of this kind are refused once it has been read."""

import numpy as np
import pytest

from mirtool.io import formats
from mirtool.types import Features


@pytest.fixture
def curve(here):
    pulses = np.zeros((1, 400), np.float32)
    pulses[0, 20::25] = 1
    formats.write(Features(pulses, 50.0, "novelty", ("novelty", "time")), "curve.npy")
    (here / "beats.csv").write_text("time,beat\n" + "".join(f"{n / 2},{n % 4 + 1}\n" for n in range(9)), "utf-8")
    formats.write(Features(np.eye(3, 9, dtype=np.float32), 50.0, "activations", ("drum", "time")), "drums.npy")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("onsets curve.npy --window-length 512", "the novelty of sound"),
        ("onsets notes.csv --method complex", "the novelty of sound"),
        ("onsets take.wav --activation curve.npy --method complex", "the novelty of sound"),
        ("beats curve.npy --registers 100,1000,5000", "the accents of sound and notes"),
        ("beats take.wav --activation curve.npy --high 4000", "the accents of sound and notes"),
        ("transcribe drums.npy --drums --iterations 9", "sound"),
        ("tempo beats.csv --range 60,120", "what does not tell its tempo itself"),
        ("nmf-decompose chroma.npy --window 0.1 -o parts/", "sound, no matrix"),
        ("nmf-decompose chroma.npy --mask soft -o parts/", "sound, no matrix"),
    ],
)
@pytest.mark.usefixtures("curve")
def test_an_idle_option_is_refused(line, wanted, call, here):
    words = line.split()
    refused = call(*words)
    flag = next(word for word in words if word.startswith("--") and word not in ("--activation", "--drums"))
    assert (refused.code, refused.out) == (2, b"")
    assert refused.err == f"mirtool {words[0]}: {flag} is for {wanted}\n"


@pytest.mark.usefixtures("curve")
def test_a_parameter_file_may_hold_it(call, here):
    (here / "all.toml").write_text("[onsets]\nwindow_length = 512\n", "utf-8")
    assert call("onsets", "curve.npy", "--params", "all.toml").out == call("onsets", "curve.npy").out


@pytest.mark.usefixtures("curve")
@pytest.mark.parametrize("line", ["onsets curve.npy --threshold 0.5", "tempo curve.npy --range 60,120"])
def test_what_means_something_is_taken(line, call):
    assert call(*line.split()).code == 0
