"""What the README shows."""

import re

import numpy as np
from conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_numpy_reads_features_as_shown(here):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    seen: dict = {}
    exec(code, seen)
    assert seen["chroma"].shape == (12, 40)
    assert isinstance(seen["chroma"], np.memmap)
    assert seen["about"]["kind"] == "chroma"
    np.testing.assert_allclose(seen["times"][:2], [0, 0.1])


def test_commands_are_shown_as_they_are(here, call):
    for line in ("mirtool warp path.csv notes.csv -o moved.mid", "mirtool features chroma take.wav -o a.npy"):
        assert call(*line.split()[1:]).code == 0
