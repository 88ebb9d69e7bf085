import naive_rhythm as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tempogram import clicks

from mirtool.errors import ParameterError
from mirtool.rhythm.parameters import PulseParameters
from mirtool.rhythm.plp import LivePulse, PulseState, plp
from mirtool.types import Features


def maxima(curve, least=0.5):
    inner = (curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:]) & (curve[1:-1] > least)
    return np.flatnonzero(inner) + 1


def test_maxima_are_the_clicks():
    found = plp(clicks(96, 20, offset=0.3), PulseParameters(tempo_high=180))
    assert (found.kind, found.data.shape, found.feature_rate) == ("plp", (1, 2000), 100.0)
    beats = maxima(found.data[0]) / 100
    expected = np.arange(0.3, 20, 60 / 96)
    np.testing.assert_allclose(beats, expected[: len(beats)], atol=0.0151)
    assert len(beats) == len(expected)
    assert found.data.max() <= 1
    assert found.data[0, 300:1700].max() > 0.99


def test_a_missing_click_is_filled_in_and_a_change_of_tempo_followed():
    # What the kernels are for (TASLP 2011, Section III.D): weak and missing notes are made up for by their neighbours.
    gaps = np.repeat((0.6, 0.5), (20, 20))
    times = np.cumsum(gaps)
    curve = np.zeros(2400, np.float32)
    curve[np.round(times * 100).astype(int)] = 1
    missing = times[[6, 28]]
    curve[np.round(missing * 100).astype(int)] = 0
    beats = maxima(plp(Features(curve, 100.0), PulseParameters(4.0, 70, 160)).data[0], 0.3) / 100
    for time in [*missing, times[2], times[35]]:
        assert np.abs(beats - time).min() < 0.03


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(0, 4, width=32), min_size=1, max_size=70),
    hop=st.floats(0.1, 0.9),
    window=st.floats(1.5, 4),
)
def test_agrees_with_the_definition(values, hop, window):
    # Powers of two that differ in every place make one tempo the best beyond rounding, but where all is silent.
    curve = np.array(values, np.float32) + np.random.default_rng(0).random(len(values), dtype=np.float32)
    parameters = PulseParameters(window, 40, 200, 13.0, hop)
    found = plp(Features(curve, 10.0), parameters).data[0]
    expected = naive.plp(curve, 10.0, round(window * 10), hop * 10, 40 + 13.0 * np.arange(13))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_same_bits_whatever_the_blocks():
    curve = np.random.default_rng(0).random(7001, dtype=np.float32)
    whole = plp(Features(curve, 100.0), PulseParameters()).data
    assert whole.min() >= 0
    assert whole.max() <= 1
    for size in (1, 313):
        state, pieces = PulseState(PulseParameters(), 100.0), []
        for begin in range(0, 7001, size):
            pieces += state.push(curve[begin : begin + size])
            assert state._pulse.size < 20000
        assert np.concatenate([*pieces, *state.flush()]).tobytes() == whole.tobytes()


def test_does_not_depend_on_the_level():
    curve = np.random.default_rng(2).random(2000, dtype=np.float32)
    quiet = plp(Features(curve * np.float32(2**-20), 100.0), PulseParameters())
    np.testing.assert_allclose(quiet.data, plp(Features(curve, 100.0), PulseParameters()).data, atol=1e-6)


def test_silence_and_nothing():
    assert not plp(Features(np.zeros(500), 100.0), PulseParameters()).data.any()
    assert plp(Features(np.zeros((1, 0)), 100.0), PulseParameters()).data.shape == (1, 0)
    assert plp(Features(np.ones(1), 100.0), PulseParameters()).data.shape == (1, 1)


@pytest.mark.parametrize("lookahead", [0, 20])
def test_live_tells_the_beats(lookahead):
    curve = clicks(110, 30, offset=0.4).data[0]
    state = LivePulse(PulseParameters(tempo_low=60, tempo_high=180), 100.0, lookahead)
    told = np.array([n + lookahead for n, value in enumerate(curve) if state.push(float(value))]) / 100
    assert state.tempo == 110
    assert np.abs(state.pulse).max() <= 1.0001
    expected = np.arange(0.4, 30.5, 60 / 110)
    late = told[told > 6]  # after a window it has settled
    np.testing.assert_allclose(late, expected[expected > 6][: len(late)], atol=0.0201)


def test_live_needs_nothing_but_the_past():
    curve = np.random.default_rng(3).random(900, dtype=np.float32)
    one, other = (LivePulse(PulseParameters(4.0), 100.0) for _ in range(2))
    for n in range(900):
        one.push(float(curve[n]))
        other.push(float(curve[n] if n < 600 else 1 - curve[n]))
        if n == 599:
            np.testing.assert_array_equal(one.pulse, other.pulse)
    silent = LivePulse(PulseParameters(), 100.0)
    assert not any(silent.push(0.0) for _ in range(50))
    assert silent.tempo == 0


def test_live_agrees_with_the_definition():
    curve = np.random.default_rng(4).random(60, dtype=np.float32)
    state = LivePulse(PulseParameters(2.0, 60, 200, 7.0), 10.0)
    for value in curve:
        state.push(float(value))
    expected = naive.live_pulse(curve, 10.0, 20, 60 + 7.0 * np.arange(21))
    np.testing.assert_allclose(state.pulse, expected, atol=1e-4)


@pytest.mark.parametrize(("hop", "message"), [(0.0, "hop must be"), (0.001, "hop must be"), (np.inf, "hop must be")])
def test_bad_hops(hop, message):
    with pytest.raises(ParameterError, match=message):
        plp(clicks(120), PulseParameters(hop=hop))


def test_the_pulse_is_foretold_within_half_a_window():
    with pytest.raises(ParameterError, match="foretold over 298 values at most"):
        LivePulse(PulseParameters(), 100.0, 299)
