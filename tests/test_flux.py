import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.features.bands import log_bands
from mirtool.features.flux import ADVANCE, WEIGHTS, FluxState, LevelState
from mirtool.features.novelty import change_state, novelty
from mirtool.features.parameters import NoveltyParameters
from mirtool.signal.stft import hann
from mirtool.types import Audio

RATE = 16000
RAW = {"average": 0.0, "norm": "none"}


def flux(samples, **changes):
    state = change_state(NoveltyParameters(**changes))
    return np.concatenate([*state.push(np.asarray(samples, np.float32)), *state.flush()]).ravel()


def vibrato(extent, rate=6.0, seconds=3.0):
    """A steady tone of eight partials, `extent` semitones up and down."""
    t = np.arange(int(seconds * RATE)) / RATE
    frequency = 440 * 2 ** (extent * np.sin(2 * np.pi * rate * t) / 12)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    return 0.1 * sum(np.sin(h * phase) / h for h in range(1, 9))


def test_agrees_with_the_definition():
    samples = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    samples[1500:] *= 4
    small = {"analysis_rate": 8000, "window_length": 128, "feature_rate": 100.0, "octave_bands": 6, "high": 4000.0}
    parameters = NoveltyParameters(**small, lookahead=0.05, compression=50.0, lag=0.02, reach=1)
    X = naive.stft(samples, hann(128) * (2 / hann(128).sum()), 80)
    filters, _ = log_bands(parameters)
    K = filters.shape[1]
    level = naive.held(np.sqrt((np.square(np.abs(X) @ filters)).sum(axis=1)).tolist(), 5, np.exp(-1 / 1000))
    values, places = naive.flux(X, filters, level, 50.0, 2, 1, np.linspace(*WEIGHTS, K) / K)
    expected = np.zeros(len(X))
    for n, (value, place) in enumerate(zip(values, places, strict=True)):
        if n * 80 + 64 > 3000:  # cut off by the end
            continue
        at = min(max(n + (place * 128 / 8000 - ADVANCE) * 100, 0), len(X) - 1)
        i = min(int(at), len(X) - 2)
        expected[i : i + 2] += value * (i + 1 - at), value * (at - i)
    state = FluxState(parameters)
    found = np.concatenate([*state.push(samples), *state.flush()])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-3, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.integers(0, 8), st.integers(0, 30))
def test_level(norms, ahead, cut):
    state = LevelState(100.0, ahead)
    found = [state.push(np.array(norms[:cut])), state.push(np.array(norms[cut:])), state.flush()]
    np.testing.assert_allclose(np.concatenate(found), naive.held(norms, ahead, np.exp(-1 / 1000)))


@pytest.mark.parametrize("method", ["superflux", "complexflux"])
def test_an_impulse_lies_where_it_is(method):
    # Böck and Widmer lay it to the first frame that sees it; reassigned, all frames agree on its place.
    for place in (8000, 8040, 8123):
        samples = np.zeros(RATE)
        samples[place] = 0.5
        curve = flux(samples, method=method)
        centre = (curve * np.arange(len(curve))).sum() / curve.sum() / 100
        assert centre == pytest.approx(place / RATE - ADVANCE, abs=5e-4)
        assert np.count_nonzero(curve > 1e-4 * curve.max()) <= 3


def test_a_recording_that_begins_with_a_note_and_is_cut_off():
    curve = flux(vibrato(0.0, seconds=1.05))
    assert curve[:2].argmax() in (0, 1)
    assert curve[3:].max() < 0.02 * curve.max()


def test_how_loud_it_is_does_not_matter():
    samples = np.random.default_rng(0).standard_normal(2 * RATE) * np.repeat([0.02, 0.2, 0.02, 0.2], RATE // 2)
    np.testing.assert_allclose(flux(samples), flux(samples / 30), rtol=1e-3, atol=1e-5)


def test_how_often_one_looks_does_not_matter():
    samples = vibrato(0.0) * (np.arange(3 * RATE) > RATE)
    totals = [flux(samples, feature_rate=rate)[int(rate) // 2 :].sum() for rate in (50.0, 100.0, 200.0)]
    np.testing.assert_allclose(totals, totals[1], rtol=0.1)


def test_the_maximum_filter_lets_vibrato_pass():
    # DAFx 2013: far less of a vibrato remains with the maximum filter than without.
    inside = slice(50, 250)
    with_filter, without = (flux(vibrato(0.5), reach=reach)[inside].max() for reach in (1, 0))
    assert with_filter < 0.5 * without


def test_group_delays_let_tremolo_pass():
    # ISMIR 2013: a steady partial with tremolo lies at the centre of its frames, and counts little.
    t = np.arange(3 * RATE) / RATE
    tremolo = vibrato(0.0) * (1 + 0.5 * np.sin(2 * np.pi * 5 * t))
    onset = vibrato(0.0) * (t > 1.5)
    ratio = {
        method: flux(tremolo, method=method)[50:250].max() / flux(onset, method=method)[100:200].max()
        for method in ("superflux", "complexflux")
    }
    assert ratio["complexflux"] < 0.7 * ratio["superflux"]


@pytest.mark.parametrize("method", ["superflux", "complexflux"])
@pytest.mark.parametrize("batch", [None, 1])
def test_blocks_do_not_matter(method, batch):
    samples = np.random.default_rng(0).standard_normal(RATE * 2).astype(np.float32)
    parameters = NoveltyParameters(method=method, lookahead=0.3)
    state = change_state(parameters, batch)
    pieces = [values for piece in np.array_split(samples, 37) for values in state.push(piece)]
    np.testing.assert_array_equal(np.concatenate([*pieces, *state.flush()]).ravel(), flux(samples, **vars(parameters)))


@pytest.mark.parametrize("method", ["superflux", "complexflux"])
def test_a_value_comes_after_its_delay(method):
    state = change_state(NoveltyParameters(method=method, lookahead=0.2), 1)
    given = sum(len(values) for piece in np.zeros((100, 160), np.float32) for values in state.push(piece))
    heard = (100 * 160 - 600) / 160  # frames
    assert heard - given == pytest.approx(state.delay, abs=1)


@pytest.mark.parametrize("method", ["superflux", "complexflux"])
def test_short_sounds(method):
    for length in (0, 1, 100, 1000, 5000):
        curve = novelty(Audio(np.ones(length), RATE), NoveltyParameters(method=method, **RAW))
        assert curve.data.shape == (1, 0 if length == 0 else length // 160 + 1)
        assert np.isfinite(curve.data).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compression": 0.0}, "positive compression"),
        ({"lag": 0.0}, "no rise over 0 s"),
        ({"reach": -1}, "-1 bands"),
        ({"reach": 10**20}, "0+ bands"),
        ({"lookahead": -1.0}, "lookahead lies between 0 and 60 s"),
        ({"lookahead": 1e9}, "lookahead lies between 0 and 60 s"),
        ({"lag": 1e9}, "no rise over 1e"),
        ({"average": 1e9}, "average reaches over 0 to 60 s"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ParameterError, match=message):
        novelty(Audio(np.ones(100), RATE), NoveltyParameters(**changes))


def test_curves_of_groups_of_bands_lie_side_by_side():
    samples = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)

    def halves(centres):
        return np.stack((centres < 1000, centres >= 1000)).astype(np.float64)

    def curves(weigh):
        state = FluxState(NoveltyParameters(lookahead=0.1), weigh=weigh)
        return np.concatenate([*state.push(samples), *state.flush()])

    both = curves(halves)
    for r in range(2):
        np.testing.assert_array_equal(both[:, r], curves(lambda centres, r=r: halves(centres)[r : r + 1])[:, 0])


def test_a_listener_hears_the_bands():
    heard = []
    parameters = NoveltyParameters()
    state = FluxState(parameters, listener=heard.append)
    t = np.arange(RATE) / RATE
    [*state.push(np.float32(0.5) * np.sin(2 * np.pi * 1000 * t).astype(np.float32)), *state.flush()]
    bands = np.concatenate(heard)
    assert bands.shape == (101, state.centres.size)
    assert abs(state.centres[bands[50].argmax()] - 1000) < 16
