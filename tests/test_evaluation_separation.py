"""Measures of separation: by definition, beside mir_eval, over blocks, and the command."""

import csv
import io
import warnings

import numpy as np
import pytest
import soundfile

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.correlations import Correlations, together
from mirtool.evaluation.parameters import SeparationMatching
from mirtool.evaluation.separation import LIMIT, METRICS, Signal, evaluate
from mirtool.plots.detection import levels_figure
from mirtool.types import Audio

RATE = 8000
PLAIN = SeparationMatching(filter_length=0)


def signals(samples, label):
    return {name: Signal(Audio(x, RATE), f"{name}.{label}") for name, x in zip("abc", samples, strict=False)}


def mixed(sources=3, channels=2, frames=6000):
    """Return coloured noises, and estimates in which they leak into each other, are filtered and disturbed."""
    random = np.random.default_rng(5)
    colours = random.standard_normal((sources, channels, 12)) * np.exp(-np.arange(12) / 4)
    noise = random.standard_normal((sources, channels, frames))
    pairs = zip(noise.reshape(-1, frames), colours.reshape(-1, 12), strict=True)
    s = np.array([np.convolve(x, c)[:frames] for x, c in pairs]).reshape(noise.shape)
    s = s.transpose(0, 2, 1).astype(np.float32)
    leak = 0.2 * np.roll(s, 1, axis=0) + 0.3 * np.roll(s, 3, axis=1)
    return s, (0.8 * s + leak + 0.1 * random.standard_normal(s.shape)).astype(np.float32)


def score(s, e, mixture=None, parameters=PLAIN):
    return evaluate(signals(s, "ref"), signals(e, "est"), mixture, parameters)


def db(signal, error):
    return 10 * np.log10(np.sum(np.square(signal, dtype=np.float64)) / np.sum(np.square(error, dtype=np.float64)))


def test_levels_are_those_of_the_definition():
    s, e = mixed()
    found = score(s, e)
    for j, name in enumerate("abc"):
        scaled = s[j] * np.sum(s[j] * e[j], dtype=np.float64) / np.sum(s[j] ** 2, dtype=np.float64)
        before = score(s, np.repeat(s.sum(axis=0, keepdims=True), 3, axis=0))[name]["si_sdr"]
        assert found[name]["sdr"] == pytest.approx(db(s[j], s[j] - e[j]), abs=1e-5)
        assert found[name]["si_sdr"] == pytest.approx(db(scaled, e[j] - scaled), abs=1e-5)
        assert found[name]["si_sdr_gain"] == pytest.approx(found[name]["si_sdr"] - before, abs=1e-5)
        assert np.isnan([found[name][metric] for metric in ("isr", "sir", "sar")]).all()


def test_the_worked_example_of_le_roux():
    """An error that is orthogonal to the reference and as strong as it: 0 dB, whatever the level of the estimate."""
    s = np.tile([1.0, 1.0, -1.0, -1.0], 500)[None, :, None]
    error = np.tile([1.0, -1.0], 1000)[None, :, None]
    for level in (0.1, 1.0, 7.0):
        assert score(s, level * (s + error))["a"]["si_sdr"] == pytest.approx(0, abs=1e-6)
    assert score(s, s + error)["a"]["sdr"] == pytest.approx(0, abs=1e-6)
    assert score(s, 0.5 * s)["a"]["sdr"] == pytest.approx(20 * np.log10(2), abs=1e-5)
    assert np.isnan(score(s, s)["a"]["si_sdr_gain"])


def test_the_mixture_may_be_given():
    s, e = mixed(1, 1)
    noisy = Signal(Audio(s[0] + 1, RATE), "mixture")
    assert score(s, e, noisy)["a"]["si_sdr_gain"] == pytest.approx(
        score(s, e)["a"]["si_sdr"] - score(s, s + 1)["a"]["si_sdr"], abs=1e-6
    )


def naive_projection(space, x, taps):
    """Return what of x (n × C) all delays of the columns of a space (n × P) explain, beyond its end, too."""
    n = len(x) + taps - 1
    delays = np.zeros((n, space.shape[1] * taps))
    for place in range(delays.shape[1]):
        column, delay = divmod(place, taps)
        delays[delay : delay + len(x), place] = space[:, column]
    longer = np.zeros((n, x.shape[1]))
    longer[: len(x)] = x
    return delays @ np.linalg.lstsq(delays, longer, rcond=None)[0], longer


@pytest.mark.parametrize(("sources", "channels"), [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("taps", [1, 20])
def test_projections_by_definition(sources, channels, taps):
    s, e = mixed(sources, channels, 400)
    found = score(s, e, None, SeparationMatching(taps))
    for j, name in enumerate("abc"[:sources]):
        own, estimate = naive_projection(s[j], e[j], taps)
        every, _ = naive_projection(np.concatenate(list(s), axis=1), e[j], taps)
        target = np.zeros_like(own)
        target[: len(s[j])] = s[j]
        expected = {"isr": db(target, own - target), "sar": db(every, estimate - every)}
        if sources > 1:
            expected["sir"] = db(own, every - own)
        assert {metric: found[name][metric] for metric in expected} == pytest.approx(expected, abs=1e-4)
        assert np.isnan(found[name]["sir"]) == (sources == 1)


@pytest.mark.parametrize("channels", [1, 2])
def test_projections_are_those_of_mir_eval(channels):
    separation = pytest.importorskip("mir_eval.separation")
    s, e = mixed(2, channels)
    found = score(s, e, None, SeparationMatching())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it goes in mir_eval 0.9; until then it is a good oracle
        expected = separation.bss_eval_images(s, e, compute_permutation=False)[:4]
    for j, name in enumerate("ab"):
        for metric, values in zip(("sdr", "isr", "sir", "sar"), expected, strict=True):
            assert found[name][metric] == pytest.approx(values[j], abs=1e-3)


def test_channels_that_are_alike_leave_nothing_undefined():
    s, e = mixed(2, 1)
    once = score(s, e, None, SeparationMatching(64))
    twice = score(np.repeat(s, 2, axis=2), np.repeat(e, 2, axis=2), None, SeparationMatching(64))
    for name in "ab":
        assert twice[name] == pytest.approx(once[name], abs=0.01)


@pytest.mark.parametrize("taps", [0, 16])
def test_what_is_perfect_silent_or_missing(taps):
    s, e = mixed(2, 1, 1000)
    perfect = score(s, s, None, SeparationMatching(taps))["a"]
    assert (perfect["sdr"], perfect["si_sdr"]) == (LIMIT, LIMIT)
    missing = evaluate(signals(s, "ref"), {"b": Signal(Audio(e[1], RATE), "b")}, None, SeparationMatching(taps))["a"]
    silent = score(s, [0 * e[0], e[1]], None, SeparationMatching(taps))["a"]
    assert missing == pytest.approx(silent, nan_ok=True)
    assert (silent["sdr"], silent["si_sdr"]) == (0, -LIMIT)
    nothing = score([0 * s[0], s[1]], e, None, SeparationMatching(taps))["a"]
    assert list(nothing) == list(METRICS)
    assert np.isnan(list(nothing.values())).all()


def test_sounds_that_do_not_go_together():
    s, e = mixed(2, 2, 1000)
    with pytest.raises(DataError, match=r"^a.est has 999 samples, a.ref 1000$"):
        score(s, e[:, :999])
    with pytest.raises(DataError, match=r"^a.est has 1 channels, a.ref 2$"):
        score(s, e[:, :, :1])
    with pytest.raises(DataError, match=r"^mix has 44100 Hz, a.ref 8000$"):
        score(s, e, Signal(Audio(s[0], 44100), "mix"))
    with pytest.raises(ParameterError, match="at most 2048"):
        score(s, e, None, SeparationMatching(4096))


# ----------------------------------------------------------------------------------------------------- over blocks


@pytest.mark.parametrize("lags", [1, 7, 300])
@pytest.mark.parametrize("frames", [1, 250, 16000, 40000])
def test_correlations_over_blocks_are_those_of_the_whole(lags, frames):
    x = np.random.default_rng(frames).standard_normal((frames, 3))
    state = Correlations(2, 3, lags)
    source = Audio(x, RATE)
    for samples, fresh in together([source], ["x"], state.block, lags - 1):
        state.push(samples, fresh)
    samples = source.samples.astype(np.float64)
    expected = np.zeros((2, 3, lags))
    for p, q, k in np.ndindex(2, 3, min(lags, frames)):
        expected[p, q, k] = samples[: frames - k, p] @ samples[k:, q]
    np.testing.assert_allclose(state.values(), expected, atol=1e-8 * frames)


@pytest.mark.parametrize(("first", "second"), [(1000, 2000), (2000, 1000), (1500, 1000)])
def test_a_sound_that_ends_early_is_named(first, second):
    class Unknown(Audio):
        frames = None

        def blocks(self, size, overlap=0):
            return Audio(self.samples, RATE).blocks(size, overlap)

    sounds = [Unknown(np.ones((n, 1), np.float32), RATE) for n in (first, second)]
    short, long = ("a", "b") if first < second else ("b", "a")
    with pytest.raises(DataError, match=f"^{short} ends at 0.125 s, before {long}$"):
        list(together(sounds, "ab", 500, 0))


# ----------------------------------------------------------------------------------------------------- the command


def rows(result):
    return {row["item"]: row for row in csv.DictReader(io.StringIO(result.text))}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two songs of two sources; in the first, the estimates are worse."""
    monkeypatch.chdir(tmp_path)
    s, e = mixed(2, 2, 3000)
    (tmp_path / "mixtures").mkdir()
    for song, gain in (("one", 1.0), ("two", 0.1)):
        for kind, samples in (("ref", s), ("est", s + gain * (e - s))):
            (tmp_path / kind / song).mkdir(parents=True)
            for name, x in zip(("drums", "vocals"), samples, strict=True):
                soundfile.write(tmp_path / kind / song / f"{name}.wav", x, RATE, "FLOAT")
        soundfile.write(tmp_path / "mixtures" / f"{song}.wav", s.sum(axis=0), RATE, "FLOAT")
    return tmp_path


def test_folders_of_mixtures(call, folder):
    result = call("evaluate", "separation", "ref", "est", "--plot", "x.svg")
    assert (result.code, result.err) == (0, "")
    table = rows(result)
    assert list(table) == ["one/drums", "one/vocals", "two/drums", "two/vocals", "mean", "low", "high"]
    assert float(table["two/drums"]["sdr"]) == pytest.approx(float(table["one/drums"]["sdr"]) + 20, abs=0.01)
    assert 0 < float(table["mean"]["sir"]) < 100
    given = rows(call("evaluate", "separation", "ref", "est", "--mixture", "mixtures"))
    assert [float(row["si_sdr_gain"]) for row in given.values()] == pytest.approx(
        [float(row["si_sdr_gain"]) for row in table.values()], abs=1e-4
    )
    assert (folder / "x.svg").read_bytes().startswith(b"<?xml")


def test_two_files_and_their_mixture(call, folder):
    words = ["evaluate", "separation", "ref/one/drums.wav", "est/one/drums.wav"]
    alone = rows(call(*words))["ref/one/drums.wav"]
    assert (alone["si_sdr_gain"], alone["sir"]) == ("", "")
    given = rows(call(*words, "--mixture", "mixtures/one.wav"))["ref/one/drums.wav"]
    assert float(given["si_sdr_gain"]) > 0
    assert given["sdr"] == alone["sdr"]


def test_what_is_missing_counts_as_silence_and_is_named(call, folder):
    (folder / "est/one/drums.wav").unlink()
    soundfile.write(folder / "est/two/vocals.wav", np.zeros((10, 2)), RATE)
    result = call("evaluate", "separation", "ref", "est")
    assert result.code == 1
    assert "one/drums: no estimate" in result.err
    assert "est/two/vocals.wav has 10 samples, ref/two/vocals.wav 3000" in result.err
    assert "2 of 4 failed: one/drums, two/vocals" in result.err
    assert float(rows(result)["two/vocals"]["sdr"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("ref est --mixture mixtures/one.wav", 2, "of 2 mixtures, a folder is needed"),
        ("ref est --mixture ref", 66, "ref: no mixture of one, two"),
        ("ref est --filter-length 5000", 2, "at most 2048"),
        ("ref/one/drums.wav est", 2, "a folder is compared with a folder"),
        ("ref/one/drums.wav est/one/none.wav", 66, "est/one/none.wav"),
    ],
)
def test_what_cannot_be_done_is_one_line(call, folder, words, code, says):
    result = call("evaluate", "separation", *words.split())
    assert (result.code, result.text) == (code, "")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_levels_are_drawn_on_an_axis_of_decibels():
    items = {"bad": {"sdr": -3.0, "sir": np.nan}, "good": {"sdr": 90.0, "sir": 20.0}}
    axes = levels_figure(items, ("sdr", "sir")).axes[0]
    low, high = axes.get_xlim()
    assert low < -3
    assert 40 < high < 45
    assert axes.get_xlabel().startswith("Score (dB)")
    with pytest.raises(DataError, match="no scores"):
        levels_figure({"x": {"sdr": np.nan}}, ("sdr",))
