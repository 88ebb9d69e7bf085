import numpy as np
import pytest
from performances import compiled

from mirtool.errors import ParameterError
from mirtool.rhythm.evidence import evidence
from mirtool.rhythm.metre import POOL, HarmonyState, bars, downbeat_evidence
from mirtool.rhythm.parameters import AccentParameters, MetreParameters
from mirtool.types import Audio

RATE = 22050
TRIADS = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (57, 60, 64)]
BEAT = 0.5


def chords(beats_per_bar, number=8):
    """A chord a bar, struck on every beat."""
    t = np.arange(round(BEAT * RATE)) / RATE
    pieces = []
    for bar in range(number):
        tones = 440 * 2 ** ((np.array(TRIADS[bar % 4]) - 69) / 12)
        beat = sum(np.sin(2 * np.pi * h * f * t) / h for f in tones for h in (1, 2, 3)) * np.exp(-t / 0.3) * 0.1
        pieces += [beat] * beats_per_bar
    return np.concatenate(pieces).astype(np.float32)


def heard(samples):
    found = evidence(Audio(samples, RATE), AccentParameters())
    return found.accents, found.harmony


@compiled
@pytest.mark.parametrize("beats_per_bar", [3, 4])
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_bars_begin_where_the_harmony_changes(beats_per_bar, missing):
    samples = chords(beats_per_bar)[round(missing * BEAT * RATE) :]
    times = np.arange(0, len(samples) / RATE - 0.1, BEAT)
    positions = bars(downbeat_evidence(times, *heard(samples)), MetreParameters())
    np.testing.assert_array_equal(positions, (np.arange(len(times)) + missing) % beats_per_bar + 1)


def test_harmony_does_not_depend_on_the_blocks():
    frames = np.random.default_rng(0).random((123, 90)).astype(np.float32)
    centres = np.geomspace(30, 10000, 90)
    whole = HarmonyState(centres)
    together = whole.push(frames)
    state = HarmonyState(centres)
    pieces = np.concatenate([state.push(frames[low : low + 7]) for low in range(0, 123, 7)])
    np.testing.assert_array_equal(pieces, together)
    assert together.shape == (123 // POOL, whole.centres.size)
    kept = (centres >= 40) & (centres < 2500)
    np.testing.assert_allclose(together[3], np.log1p(1000 * frames[3 * POOL : 4 * POOL, kept]).mean(axis=0), rtol=1e-3)


def test_evidence_is_zero_on_average_and_for_too_few_beats():
    accents, harmony = heard(chords(4, 4))
    assert downbeat_evidence(np.arange(16) * BEAT, accents, harmony).mean() == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(downbeat_evidence(np.array([0.0, 0.5]), accents, harmony), 0)


def test_a_bar_of_another_length_is_found():
    evidence = np.full(30, -1.0)
    evidence[[0, 4, 8, 12, 15, 18, 21, 24, 27]] = 4
    expected = [*[1, 2, 3, 4] * 3, *[1, 2, 3] * 6]
    np.testing.assert_array_equal(bars(evidence, MetreParameters()), expected)


def test_known_positions_are_kept():
    evidence = np.zeros(9)
    evidence[[0, 4, 8]] = 1
    assert bars(evidence, MetreParameters((4,)))[0] == 1
    np.testing.assert_array_equal(bars(evidence, MetreParameters((4,)), {2: 1}), [3, 4, 1, 2, 3, 4, 1, 2, 3])
    with pytest.raises(ParameterError, match="fixed beats"):
        bars(evidence, MetreParameters((4,)), {2: 1, 3: 1})


def test_a_bar_needs_two_beats():
    with pytest.raises(ParameterError, match="at least two beats"):
        bars(np.zeros(5), MetreParameters((1, 4)))
