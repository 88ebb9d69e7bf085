import io

import loops
import numpy as np
import pytest
import soundfile
from performances import compiled

pytestmark = compiled


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def test_writes_factors_a_table_and_sounds(call, here):
    assert call("nmf-decompose", "take.wav", "--rank", "3", "-o", "out/", "--trace", "cost.csv").code == 0
    names = sorted(path.name for path in (here / "out").iterdir() if path.name != "manifest.json")
    assert names == ["01.wav", "02.wav", "03.wav", "activations.npy", "components.csv", "templates.npy"]
    W, H = (np.load(here / "out" / f"{name}.npy") for name in ("templates", "activations"))
    assert W.shape[1] == H.shape[0] == 3
    mixture = read("take.wav")
    np.testing.assert_allclose(sum(read(here / "out" / name) for name in names[:3]), mixture, atol=1e-6)
    cost = np.loadtxt(here / "cost.csv", delimiter=",", skiprows=1)
    assert (np.diff(cost[:, 1]) <= 0).all()
    assert cost[:3, 0].tolist() == [0, 1, 2]


def test_one_part(call, here):
    assert call("nmf-decompose", "take.wav", "--rank", "2", "-o", "out/").code == 0
    for name in ("01", "templates", "components"):
        part = call("nmf-decompose", "take.wav", "--rank", "2", "--only", name, "-o", "-")
        (whole,) = (here / "out").glob(f"{name}.*")
        if name == "01":
            assert read(io.BytesIO(part.out)).tobytes() == read(whole).tobytes()
        else:
            assert part.out == whole.read_bytes()
    result = call("nmf-decompose", "take.wav", "--rank", "2", "--only", "kick", "-o", "-")
    assert result.code == 2
    assert "01, 02" in result.err


def test_begins_with_what_was_found_before(call, here):
    assert call("nmf-decompose", "take.wav", "--rank", "3", "-o", "out/").code == 0
    again = ("nmf-decompose", "take.wav", "--init-W", "out/templates.npy", "--init-H", "out/activations.npy")
    assert call(*again, "--fix-W", "--fix-H", "-o", "again/").code == 0
    for name in ("templates", "activations"):
        np.testing.assert_array_equal(np.load(here / "out" / f"{name}.npy"), np.load(here / "again" / f"{name}.npy"))
    assert call(*again, "--init", "pitch", "-o", "again/").code == 2


def test_a_matrix_from_a_pipe_has_no_sounds(program, here):
    spectrogram = program("features", "spectrogram", "take.wav", cwd=here).out
    result = program("nmf-decompose", "-", "--rank", "2", "-o", "out/", data=spectrogram, cwd=here)
    assert result.code == 0, result.err
    assert sorted(path.name for path in (here / "out").iterdir() if path.name != "manifest.json") == [
        "activations.npy",
        "components.csv",
        "templates.npy",
    ]
    assert program("nmf-decompose", "-", "--init", "pitch", "-o", "out/", data=spectrogram, cwd=here).code == 2


def test_several_inputs_give_folders(call, here):
    assert call("nmf-decompose", "take.wav", "slow.wav", "--rank", "2", "--jobs", "2", "-o", "out/").code == 0
    for stem in ("take", "slow"):
        assert (here / "out" / stem / "02.wav").exists()


def test_pictures(call, here):
    pitches = ("--init", "pitch", "--pitch-low", "60", "--pitch-high", "67")
    for more in (("--rank", "2"), pitches, ("--rank", "2", "--learning", "1")):
        command = ("nmf-decompose", "take.wav", "--iterations", "5", *more)
        assert call(*command, "-o", "out/", "--plot", "out.png").code == 0
        assert (here / "out.png").read_bytes().startswith(b"\x89PNG")
    assert call("nmf-decompose", "chroma.npy", "--rank", "2", "-o", "out/", "--plot", "out.svg").code == 0


def test_times_of_an_excerpt_are_those_of_the_whole(call, here):
    from mirtool.io import formats

    command = ("nmf-decompose", "take.wav", "--rank", "2", "--start", "1", "--duration", "0.5", "--iterations", "2")
    assert call(*command, "-o", "out/", "--plot", "out.svg").code == 0
    assert formats.read("out/activations.npy").start == 1
    assert len(read(here / "out" / "01.wav")) == 11025


def test_a_score_is_where_it_begins(call, here):
    command = ("nmf-decompose", "take.wav", "--score", "piece.mid", "--iterations", "5", "--late", "0.1")
    assert call(*command, "-o", "out/").code == 0
    assert list((here / "out").glob("*.wav"))
    assert call(*command, "--init", "pitch", "-o", "out/").code == 2
    assert call("nmf-decompose", "take.wav", "--late", "0.1", "-o", "out/").code == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--init", "pitch", "--rank", "4"), "--rank is for --init random, not pitch"),
        (("--score", "piece.mid", "--rank", "4"), "--rank is for --init random, not score"),
        (("--init-W", "chroma.npy", "--rank", "4"), "--rank is what --init-W says"),
        (("--init", "drums", "--restarts", "2"), "--restarts is for random beginnings; here nothing is random"),
    ],
)
def test_what_something_else_tells_is_refused(call, here, flags, message):
    result = call("nmf-decompose", "take.wav", *flags, "-o", "out/")
    assert result.code == 2
    assert message in result.err


def test_a_sound_called_as_a_factor_is_refused(call, here):
    (here / "templates.mid").write_bytes((here / "piece.mid").read_bytes())
    (here / "flute.mid").write_bytes((here / "piece.mid").read_bytes())
    scores = ("--score", "templates.mid", "--score", "flute.mid")
    result = call("nmf-decompose", "take.wav", *scores, "--iterations", "1", "-o", "out/")
    assert result.code == 2
    assert "two parts are called 'templates'" in result.err


def test_pre_echo_is_taken_away_before_attacks_only(call, here):
    soundfile.write("loop.wav", loops.loop(1)[0], loops.RATE, subtype="FLOAT")
    command = ("nmf-decompose", "loop.wav", "--init", "drums", "--model", "nmfd", "--iterations", "10")
    assert call(*command, "-o", "plain/").code == 0
    assert call(*command, "--restore-transients", "-o", "sharp/").code == 0
    plain, sharp = (read(here / folder / "snare.wav") for folder in ("plain", "sharp"))
    changed = np.flatnonzero(plain != sharp) / loops.RATE
    stroke = 0.2 + 12 * 0.125
    assert len(changed)
    assert ((changed < stroke) & (changed > stroke - 0.05) | (changed < 0.7) & (changed > 0.65)).all()
    only = call(*command, "--restore-transients", "--only", "snare", "-o", "-")
    assert read(io.BytesIO(only.out)).tobytes() == sharp.tobytes()
    assert (here / "plain" / "kick.wav").stat().st_size == (here / "sharp" / "kick.wav").stat().st_size


def test_what_cannot_be_factorised(call, here):
    matrix = np.ones((4, 30), np.float32)
    for value, words in ((-1, "negative"), (np.nan, "NaN"), (1e35, "above")):
        matrix[1, 2] = value
        np.save(here / "matrix.npy", matrix)
        result = call("nmf-decompose", "matrix.npy", "--input-feature-rate", "10", "-o", "out/")
        assert result.code == 65
        assert words in result.err
        assert result.err.count("\n") == 1
        assert not list((here / "out").glob("*"))


@pytest.mark.parametrize(
    "flags", ["--init drums", "--resynthesize", "--restore-transients", "--window 0.1", "--mask binary", "--learning 9"]
)
def test_what_is_for_sound_is_refused_for_a_matrix(call, here, flags):
    assert call("features", "spectrogram", "take.wav", "-o", "take.npy").code == 0
    result = call("nmf-decompose", "take.npy", *flags.split(), "-o", "out/")
    assert result.code == 2
    assert flags.split()[0] in result.err
