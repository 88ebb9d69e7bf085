import io

import numpy as np
import soundfile
from performances import compiled

pytestmark = compiled


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)


def test_parts_are_written_side_by_side_and_sum_to_the_input(call, here):
    assert call("separate", "eight.wav", "-o", "out/").code == 0
    mixture, rate = read("eight.wav")
    harmonic, percussive = (read(here / "out" / f"{name}.wav") for name in ("harmonic", "percussive"))
    assert harmonic[1] == percussive[1] == rate
    np.testing.assert_allclose(harmonic[0] + percussive[0], mixture, atol=1e-6)


def test_one_part_goes_to_a_pipe(call, here):
    assert call("separate", "take.wav", "-o", "out/").code == 0
    result = call("separate", "take.wav", "--only", "percussive", "-o", "-")
    assert read(io.BytesIO(result.out))[0].tobytes() == read(here / "out" / "percussive.wav")[0].tobytes()
    result = call("separate", "take.wav", "--only", "drums", "-o", "-")
    assert result.code == 2
    assert "harmonic, percussive" in result.err


def test_a_margin_adds_a_residual(call, here):
    assert call("separate", "take.wav", "-o", "out/", "--margin", "2", "--mask", "binary").code == 0
    assert sorted(path.stem for path in (here / "out").glob("*.wav")) == ["harmonic", "percussive", "residual"]
    parts = [read(path)[0] for path in (here / "out").glob("*.wav")]
    np.testing.assert_allclose(sum(parts), read("take.wav")[0], atol=1e-6)


def test_an_excerpt(call, here):
    assert call("separate", "take.wav", "--start", "1", "--duration", "0.5", "-o", "out/").code == 0
    assert len(read(here / "out" / "harmonic.wav")[0]) == 11025
