"""`mirtool beats` as users call it: formats, excerpts, corrections, clicks, pictures."""

import inputs
import numpy as np
import pytest
from performances import compiled

from mirtool.io import formats
from mirtool.types import Audio, Features

pytestmark = compiled


def rows(text):
    header, *lines = text.splitlines()
    assert header == "time,beat,confidence"
    return np.array([[float(cell) for cell in line.split(",")] for line in lines]).reshape(-1, 3)


@pytest.fixture
def tune(here):
    """Three rounds of eight plucked notes, two a second."""
    formats.write(Audio(np.tile(inputs.tune(), 3), inputs.RATE), str(here / "tune.wav"))
    return here


def test_beats_of_an_excerpt_have_the_times_of_the_whole(call, tune):
    found = rows(call("beats", "tune.wav", "--start", "3.8", "--duration", "6").text)
    assert found[:, 0] == pytest.approx(np.arange(4, 9.8, 0.5), abs=0.025)
    whole = rows(call("beats", "tune.wav").text)
    assert whole[:, 0] == pytest.approx(np.arange(0, 12, 0.5), abs=0.03)


def test_a_tempo_map_has_the_beats_of_the_table(call, tune):
    found = rows(call("beats", "tune.wav").text)
    assert call("beats", "tune.wav", "-o", "map.mid").code == 0
    back = call("convert", "map.mid", "--format", "beats").text
    times = np.array([float(line.split("\t")[0]) for line in back.splitlines()])
    assert times == pytest.approx(found[:, 0], abs=1e-3)
    refused = call("beats", "tune.wav", "-o", "map.mid", "--subdivide", "2")
    assert refused.code == 2
    assert "tempo map" in refused.err


@pytest.mark.parametrize("format", ["csv", "tsv", "json", "beats", "sv", "audacity", "jams", "mireval"])
def test_formats(format, call, tune):
    result = call("beats", "tune.wav", "--beats-per-bar", "3", "--format", format)
    assert (result.code, result.err) == (0, "")
    if format == "beats":
        assert [line.split("\t")[1] for line in result.text.splitlines()[:2]] in (["1", "2"], ["2", "3"], ["3", "1"])


def test_a_corrected_table_is_kept(call, tune):
    (tune / "right.csv").write_text("time,beat\n2.503,1\n6.501,\n")
    found = rows(call("beats", "tune.wav", "--correct", "right.csv", "--beats-per-bar", "4").text)
    assert {2.503, 6.501} <= set(found[:, 0])
    assert found[found[:, 0] == 2.503, 1] == [1]
    (tune / "wrong.csv").write_text("time,beat\n2.5,1.5\n")
    refused = call("beats", "tune.wav", "--correct", "wrong.csv")
    assert refused.code == 65
    assert "wrong.csv: a beat has the position 1.5" in refused.err
    assert call("beats", "tune.wav", "--correct", "take.wav").code == 65


def test_an_activation_made_elsewhere(call, tune):
    curve = np.zeros((1, 1200), np.float32)
    for place, value in enumerate((0.3, 0.6, 0.9, 0.6, 0.3)):
        curve[0, 28 + place :: 60] = value
    formats.write(Features(curve, 100.0, "activation"), "act.npy")
    direct = call("beats", "act.npy").text
    assert rows(direct)[:, 0] == pytest.approx(np.arange(0.3, 12, 0.6), abs=1e-6)
    assert call("beats", "tune.wav", "--activation", "act.npy").text == direct
    np.save("plain.npy", curve[0])
    assert call("beats", "plain.npy", "--input-feature-rate", "100").text == direct


def test_novelty_through_a_pipe_of_files(call, tune):
    assert call("features", "novelty", "tune.wav", "-o", "novelty.npy").code == 0
    found = rows(call("beats", "novelty.npy").text)
    assert np.diff(found[:, 0]) == pytest.approx(np.full(len(found) - 1, 0.5), abs=0.02)


def test_clicks_over_the_sound(call, tune):
    assert call("beats", "tune.wav", "--start", "2", "--duration", "5", "--click", "click.wav", "-o", "b.csv").code == 0
    clicked, plain = formats.read("click.wav"), formats.read("tune.wav", start=2.0, duration=5.0)
    sound = np.concatenate(list(plain.blocks(1 << 20)))[:, 0]
    mixed = np.concatenate(list(clicked.blocks(1 << 20)))[: len(sound), 0]
    heard = np.flatnonzero(np.abs(mixed - sound) > 0.1) / clicked.sample_rate + 2
    for time in rows((tune / "b.csv").read_text())[:, 0]:
        assert np.abs(heard - time).min() < 1e-3
    refused = call("beats", "piece.mid", "--click", "click2.wav")
    assert refused.code == 2
    assert "--click plays clicks over sound" in refused.err


def test_pictures_repeat(call, tune):
    for name in ("a.png", "b.png"):
        assert call("beats", "tune.wav", "--plot", name, "-o", "x.csv").code == 0
    assert (tune / "a.png").read_bytes() == (tune / "b.png").read_bytes()
    assert call("beats", "silence.wav", "--plot", "c.png").code == 0


def test_levels(call, tune):
    beats = rows(call("beats", "tune.wav").text)
    halved = rows(call("beats", "tune.wav", "--level", "half").text)
    assert set(halved[:, 0]) < set(beats[:, 0])
    assert len(rows(call("beats", "tune.wav", "--level", "double").text)) == 2 * len(beats) - 1
    parts = rows(call("beats", "tune.wav", "--subdivide", "4").text)
    assert len(parts) == 4 * len(beats) - 3
    assert (parts[:4, 1] % 1).tolist() == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("option", ["--feature-rate=0", "--feature-rate=nan", "--analysis-rate=0", "--window-length=0"])
def test_an_analysis_that_cannot_be(option, call, tune):
    for live in ((), ("--live",)):
        refused = call("beats", "tune.wav", option, *live)
        assert refused.code == 2
        assert "internal" not in refused.err


@pytest.mark.parametrize("option", ["--window-length=10", "--low=300", "--low=4000"])
def test_no_bands_in_the_range_of_bass_or_harmony(option, call, tune):
    result = call("beats", "tune.wav", option)
    assert (result.code, result.err) == (0, "")
    assert len(rows(result.text)) > 5


def test_two_outputs_do_not_share_stdout(call, tune):
    refused = call("beats", "tune.wav", "--click", "-")
    assert (refused.code, refused.out) == (2, b"")
    assert "stdout (-) can be written once only" in refused.err
    assert call("beats", "tune.wav", "--click", "-", "-o", "tune.csv").out.startswith(b"RIFF")
