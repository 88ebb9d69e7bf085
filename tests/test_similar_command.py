"""`mirtool similar` as it is called."""

import numpy as np
import pytest
from inputs import RATE

from mirtool.io import formats
from mirtool.types import Audio


def tone(pitches, partials, seconds=0.4):
    """Return a sequence of tones; with many partials they sound bright."""
    t = np.arange(round(seconds * RATE)) / RATE
    parts = []
    for pitch in pitches:
        f = 440 * 2 ** ((pitch - 69) / 12)
        parts.append(sum(np.sin(2 * np.pi * f * k * t) for k in range(1, partials + 1)) * np.exp(-5 * t))
    samples = np.concatenate(parts)
    return Audio((0.3 * samples / np.abs(samples).max()).astype(np.float32), RATE)


@pytest.fixture
def music(here):
    """Four bright and four dull pieces with eight tunes."""
    rng = np.random.default_rng(0)
    (here / "music").mkdir()
    for kind, partials in (("bright", 12), ("dull", 1)):
        for number in range(4):
            tune = 60 + rng.choice([0, 2, 4, 5, 7, 9, 11, 12], 24)
            formats.write(tone(tune, partials), str(here / "music" / f"{kind}{number}.wav"))
    return here / "music"


def test_pieces_of_a_kind_come_first_and_the_query_itself_is_left_out(call, music):
    result = call("similar", "music/dull2.wav", "music", "--top", "3")
    assert (result.code, result.err) == (0, "")
    files = [line.split(",")[0] for line in result.text.splitlines()[1:]]
    assert sorted(files) == ["music/dull0.wav", "music/dull1.wav", "music/dull3.wav"]


def test_all_pairs_have_their_names_and_the_scores_of_the_list(call, here, music):
    result = call("similar", "music/bright0.wav", "music", "--matrix", "pairs.npy")
    pairs = formats.read(str(here / "pairs.npy"))
    assert pairs.dims == ("file", "file")
    assert pairs.axis == tuple(sorted(pairs.axis)) == tuple(str(p.relative_to(here)) for p in sorted(music.iterdir()))
    np.testing.assert_allclose(np.diag(pairs.data), 1, atol=1e-5)
    np.testing.assert_allclose(pairs.data, pairs.data.T, atol=1e-5)
    for line in result.text.splitlines()[1:]:
        name, score = line.split(",")
        assert float(score) == pytest.approx(pairs.data[0, pairs.axis.index(name)], abs=1e-5)


def test_several_queries_and_a_silent_one(call, here, music):
    (here / "list").write_text("music/bright1.wav\nsilence.wav\nmusic/dull1.wav\nmusic/dull1.wav\n")
    result = call("similar", "--queries", "list", "music", "--top", "1")
    assert result.code == 1
    assert "silence.wav: nothing but silence" in result.err
    rows = [line.split(",") for line in result.text.splitlines()]
    assert rows[0] == ["query", "file", "score"]
    assert [(query, file[6:10]) for query, file, _ in rows[1:]] == [
        ("music/bright1.wav", "brig"),
        ("music/dull1.wav", "dull"),
        ("music/dull1.wav", "dull"),
    ]


def test_an_index_may_be_asked_by_another_aspect_but_not_with_other_coefficients(call, here, music):
    assert call("similar", "--index", "x.idx", "music").code == 0
    words = ["similar", "--index", "x.idx", "music/bright1.wav"]
    assert call(*words, "--aspect", "harmony") == call("similar", "music/bright1.wav", "music", "--aspect", "harmony")
    result = call(*words, "--cepstra", "12")
    assert result.code == 2
    assert "cepstra" in result.err


def test_plots(call, here, music):
    assert call("similar", "music/bright0.wav", "music", "--plot", "near.svg").code == 0
    assert call("similar", "music/bright0.wav", "music", "--matrix", "pairs.csv", "--plot", "map.svg").code == 0
    assert (here / "near.svg").stat().st_size > 5000
    assert (here / "map.svg").read_bytes() != (here / "near.svg").read_bytes()
    assert (here / "pairs.csv").read_text().startswith("file,music/bright0.wav,")
    assert call("similar", "take.wav", "./take.wav", "--plot", "none.svg").code == 0
