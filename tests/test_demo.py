import re

import numpy as np
import pytest

from mirtool import demo
from mirtool.io import formats


def test_the_truth_is_what_is_played(tmp_path):
    truth, played = demo.write_inputs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav", "beats.csv", "score.mid", "truth.csv"]
    for name, column in (("a", "time_a"), ("b", "time_b")):
        source = formats.read(str(tmp_path / f"{name}.wav"))
        samples = np.concatenate(list(source.blocks(1 << 16)))[:, 0]
        first = np.flatnonzero(np.abs(samples) > 1e-4)[0] / source.sample_rate
        assert first == pytest.approx(truth[column][0], abs=0.015)
        assert 0.05 < np.abs(samples).max() < 1
        assert source.frames / source.sample_rate > 60
    beats = formats.read(str(tmp_path / "beats.csv"))
    np.testing.assert_allclose(beats["time"], truth["time_a"], atol=1e-6)
    score = formats.read(str(tmp_path / "score.mid"))
    np.testing.assert_array_equal(score.notes["pitch"], played["pitch"])


def test_a_command_that_fails_ends_the_demo(tmp_path, capfd):
    demo.call("mirtool --version", tmp_path)
    assert capfd.readouterr().out.startswith("$ mirtool --version\n")
    with pytest.raises(SystemExit) as caught:
        demo.call("mirtool warp missing.csv missing.csv", tmp_path)
    assert caught.value.code == 66


def test_deviation():
    text = demo.deviation(np.array([1.0, 2.0, 3.03]), np.array([1.0, 2.003, 3.0]))
    assert text == "mean 11.0 ms, median 3.0 ms, largest 30.0 ms"


@pytest.mark.slow
def test_the_demo_aligns_the_performances(tmp_path, capfd):
    demo.main([str(tmp_path)])
    printed = capfd.readouterr()
    assert printed.err == ""
    a_to_b, score_to_a = re.findall(r": mean ([\d.]+) ms", printed.out)
    assert float(a_to_b) < 20
    assert float(score_to_a) < 20
    made = {path.name for path in tmp_path.iterdir()}
    assert {"path.csv", "path.png", "errors.png", "beats_in_b.csv", "a_in_b.wav", "performed.mid"} <= made
    warped, other = (formats.read(str(tmp_path / name)) for name in ("a_in_b.wav", "b.wav"))
    assert warped.frames / warped.sample_rate == pytest.approx(other.frames / other.sample_rate, abs=0.5)
