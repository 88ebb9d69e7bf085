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


def test_masks_go_round(call, here):
    assert call("separate", "take.wav", "-o", "out/", "--write-masks", "masks/").code == 0
    assert np.load("masks/harmonic.npy").shape == (1025, 173)  # K rows, a column a frame
    assert call("separate", "take.wav", "-o", "again/", "--masks", "masks/", "--residual").code == 0
    for name in ("harmonic", "percussive"):
        np.testing.assert_allclose(read(here / f"again/{name}.wav")[0], read(here / f"out/{name}.wav")[0], atol=1e-5)
    assert np.abs(read(here / "again/residual.wav")[0]).max() < 1e-5


def test_masks_of_an_excerpt_stand_at_its_time(call, here):
    excerpt = ["take.wav", "--start", "1", "--duration", "1"]
    assert call("separate", *excerpt, "-o", "out/", "--write-masks", "masks/").code == 0
    assert call("separate", *excerpt, "-o", "again/", "--masks", "masks/").code == 0
    result = call("separate", "take.wav", "-o", "again/", "--masks", "masks/")
    assert result.code == 65
    assert "masks begin at 1.000 s" in result.err


def test_masks_of_a_network_without_a_description(call, here):
    (here / "masks").mkdir()
    np.save(here / "masks" / "voice.npy", np.full((513, 345), 0.5))
    result = call("separate", "take.wav", "-o", "out/", "--masks", "masks")
    assert result.code == 65
    assert "--input-feature-rate" in result.err
    rate = str(22050 / 256)
    assert call("separate", "take.wav", "-o", "out/", "--masks", "masks", "--input-feature-rate", rate).code == 0
    np.testing.assert_allclose(read(here / "out/voice.wav")[0], 0.5 * read("take.wav")[0], atol=1e-5)


def test_scores_make_stems(call, here):
    assert call("convert", "piece.mid", "-o", "bass.mid").code == 0
    scores = ["--score", "piece.mid", "--score", "bass.mid"]
    assert call("separate", "take.wav", "--method", "score", *scores, "--residual", "-o", "out/").code == 0
    parts = {path.stem: read(path)[0] for path in (here / "out").glob("*.wav")}
    assert sorted(parts) == ["bass", "piece", "residual"]
    np.testing.assert_allclose(sum(parts.values()), read("take.wav")[0], atol=1e-6)


def test_one_score_makes_a_stem_a_track(call, here):
    from mirtool.io import formats

    score = formats.read("piece.mid")
    tracks = score.notes.replace(track=np.arange(len(score.notes)) % 2, channel=np.zeros(len(score.notes)))
    two = type(score)(tracks, score.ticks, score.tempo_map, ((), ((0, b"\xff\x03left/hand\x00"),)))
    formats.write(two, str(here / "two.mid"))
    assert call("separate", "take.wav", "--method", "score", "--score", "two.mid", "-o", "out/").code == 0
    assert sorted(path.stem for path in (here / "out").glob("*.wav")) == ["left_hand", "track-1"]


def test_scores_of_an_excerpt_stand_at_its_time(call, here):
    scores = ["--method", "score", "--score", "piece.mid", "--score", "notes.csv"]
    assert call("separate", "take.wav", "--start", "1", "--duration", "1", *scores, "-o", "out/").code == 0
    assert len(read(here / "out" / "piece.wav")[0]) == 22050


def test_masks_of_several_inputs_lie_in_folders_of_their_own(call, here):
    inputs = ["take.wav", "slow.wav"]
    assert call("separate", *inputs, "-o", "out/", "--write-masks", "masks/").code == 0
    assert sorted(str(path) for path in (here / "masks").rglob("*.npy"))[0].endswith("masks/slow/harmonic.npy")
    assert call("separate", *inputs, "-o", "again/", "--masks", "masks/").code == 0
    for name in ("take/harmonic", "slow/percussive"):
        np.testing.assert_allclose(read(here / f"again/{name}.wav")[0], read(here / f"out/{name}.wav")[0], atol=1e-5)


def test_the_pitch_of_a_voice_goes_round(call, here):
    assert call("separate", "take.wav", "--method", "vocals", "-o", "out/", "--write-f0", "f0.csv").code == 0
    assert call("separate", "take.wav", "--method", "vocals", "-o", "again/", "--f0", "f0.csv").code == 0
    mixture, parts = read("take.wav")[0], [read(here / f"out/{name}.wav")[0] for name in ("vocals", "accompaniment")]
    np.testing.assert_allclose(sum(parts), mixture, atol=1e-6)
    assert np.abs(parts[0]).max() > 0.01
    np.testing.assert_allclose(read(here / "again/vocals.wav")[0], parts[0], atol=1e-3)


def test_the_pitch_of_an_excerpt_stands_at_its_time(call, here):
    excerpt = ["take.wav", "--method", "vocals", "--start", "1", "--duration", "1"]
    assert call("separate", *excerpt, "-o", "out/", "--write-f0", "f0.csv").code == 0
    times = np.loadtxt("f0.csv", delimiter=",", skiprows=1)[:, 0]
    assert times[0] == 1
    assert call("separate", *excerpt, "-o", "again/", "--f0", "f0.csv").code == 0
    np.testing.assert_allclose(read(here / "again/vocals.wav")[0], read(here / "out/vocals.wav")[0], atol=1e-3)


def test_masks_of_a_voice_go_round(call, here):
    assert call("separate", "take.wav", "--method", "vocals", "-o", "out/", "--write-masks", "masks/").code == 0
    assert call("separate", "take.wav", "-o", "again/", "--masks", "masks/").code == 0
    for name in ("vocals", "accompaniment"):
        np.testing.assert_allclose(read(here / f"again/{name}.wav")[0], read(here / f"out/{name}.wav")[0], atol=1e-5)
