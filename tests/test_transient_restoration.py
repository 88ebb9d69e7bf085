"""Sounds of a drum loop without pre-echo."""

import loops
import numpy as np
import pytest

from mirtool.decomposition.factorization.description import onsets, sound_onsets
from mirtool.decomposition.factorization.grid import Grid
from mirtool.decomposition.factorization.transient_restoration import attack, limit, restored
from mirtool.types import Audio, Factorization, StemStream

SIZE = 2048


def stream(*sounds, block=5000):
    """Return sounds (n × channels) in blocks."""

    def make():
        return (tuple(sound[begin : begin + block] for sound in sounds) for begin in range(0, len(sounds[0]), block))

    names = tuple(str(place) for place in range(len(sounds)))
    return StemStream(names, loops.RATE, sounds[0].shape[1], len(sounds[0]), make)


def whole(stems):
    return [np.concatenate(blocks) for blocks in zip(*stems.blocks(), strict=True)]


def masked_sounds(truth):
    """Return the drums (n × 1), masked out of their mixture by energies that are smeared over three frames."""
    grid = Grid(loops.RATE, SIZE, SIZE // 4)
    spectra = [np.concatenate(list(grid.spectra(Audio(x, loops.RATE))), axis=1)[0] for x in truth.values()]
    energies = [np.square(np.abs(X)) + 1e-12 for X in spectra]
    energies = [E + np.roll(E, 1, axis=0) + np.roll(E, -1, axis=0) for E in energies]
    found = {}
    for name, energy in zip(truth, energies, strict=True):
        inverse = grid.inverse()
        blocks = (
            inverse.push((sum(spectra) * energy / sum(energies)).astype(np.complex64)),
            inverse.flush(len(truth[name])),
        )
        found[name] = np.concatenate(blocks)[:, None]
    return found


@pytest.fixture(scope="module")
def drum_loop():
    """Return the drums, as they are (n) and masked (n × 1), and when they are struck (s)."""
    samples, begins = loops.loop(1, sixteenth=0.16)
    truth = {name: sound.astype(np.float32) for name, sound in loops.stems_of(begins, len(samples)).items()}
    return truth, masked_sounds(truth), begins


def pre_echo(sound, begins):
    """Return the energy in the 30 ms before strokes, but for the last 2 ms, over that in the 30 ms after (dB)."""
    places = np.rint(begins * loops.RATE).astype(int)
    before = sum(np.square(sound[place - 1323 : place - 88]).sum() for place in places)
    return 10 * np.log10((before + 1e-9) / sum(np.square(sound[place : place + 1323]).sum() for place in places))


@pytest.mark.parametrize(("drum", "least"), [("kick", 0), ("snare", 30), ("hihat", 30)])  # the kick still rings
def test_pre_echo_falls_and_nothing_else_changes(drum_loop, drum, least):
    truth, masked, begins = (part[drum] for part in drum_loop)
    (found,) = whole(restored(stream(masked), [begins + 0.008], SIZE))
    assert pre_echo(found, begins) < pre_echo(masked, begins) - least
    assert pre_echo(found, begins) > pre_echo(truth[:, None], begins) - 1
    places = np.rint(begins * loops.RATE).astype(int)
    near = np.zeros(len(masked), bool)
    for place in places:
        near[place - SIZE - 64 : place] = True
    np.testing.assert_array_equal(found[~near], masked[~near])
    assert np.square(found[:, 0] - truth).sum() <= np.square(masked[:, 0] - truth).sum()


def test_what_still_rings_stays():
    t = np.arange(loops.RATE) / loops.RATE
    ring = np.sin(2 * np.pi * 60 * t) * np.exp(-t / 0.1)
    struck = np.roll(ring, 20000) * (t >= 20000 / loops.RATE)
    sound = (0.5 * (ring + struck)).astype(np.float32)[:, None]
    (found,) = whole(restored(stream(sound), [np.array([20000 / loops.RATE])], SIZE))
    np.testing.assert_array_equal(found, sound)


def test_blocks_do_not_matter_and_attacks_close_together_are_left(drum_loop):
    masked, begins = (part["hihat"] for part in drum_loop[1:])
    expected = whole(restored(stream(masked, block=len(masked)), [begins], SIZE))
    for block in (1777, 65536):
        np.testing.assert_array_equal(whole(restored(stream(masked, block=block), [begins], SIZE)), expected)
    wide = 20000  # samples: strokes are 14112 apart
    np.testing.assert_array_equal(whole(restored(stream(masked), [begins], wide))[0], masked)


def test_channels_are_lowered_alike_and_each_sound_for_itself(drum_loop):
    masked, begins = (part["snare"] for part in drum_loop[1:])
    two = np.concatenate((masked, -0.5 * masked), axis=1)
    found, other = whole(restored(stream(two, two), [begins, np.zeros(0)], SIZE))
    np.testing.assert_array_equal(found[:, 1], -0.5 * found[:, 0])
    assert (found != two).any()
    np.testing.assert_array_equal(other, two)


def test_silence_and_onsets_beyond_the_ends():
    silence = np.zeros((9000, 1), np.float32)
    none = np.zeros((0, 1), np.float32)
    found = whole(restored(stream(silence), [np.array([0.0, 0.1, 7.0])], SIZE))
    np.testing.assert_array_equal(found[0], silence)
    assert attack(silence, 100) is None
    assert attack(none, 100) is None


def test_a_sound_that_swells_has_no_attack():
    t = np.arange(20000) / loops.RATE
    swell = (np.sin(2 * np.pi * 440 * t) * np.minimum(t / 0.3, 1)).astype(np.float32)[:, None]
    assert attack(swell[5000:], 132) is None
    swell[12000:] *= 5
    assert attack(swell[5000:], 132) == pytest.approx(7000 - 132, abs=30)


def test_the_ceiling_goes_on_as_the_sound_decayed():
    # The level halves in every half window; so does the ceiling, which is 6 dB above.
    size = 400
    samples = (2.0 ** (-np.arange(4 * size) / (size // 2))).astype(np.float32)[: 2 * size, None]
    loud = samples.copy()
    loud[size:] = 1
    limit(samples_before := loud.copy(), size, known_decay=True)
    np.testing.assert_array_equal(samples_before[:size], samples[:size])
    np.testing.assert_allclose(samples_before[size:], 2 * samples[size:], rtol=0.05)
    limit(loud, size, known_decay=False)
    assert loud[size:] == pytest.approx(2 * np.sqrt(np.square(samples[size // 2 : size]).mean()), rel=1e-3)


def test_a_sound_begins_whenever_one_of_its_components_does():
    H = np.zeros((3, 400), np.float32)
    for row, places in enumerate(((50, 250), (150,), (300,))):
        H[row, list(places)] = 1
    model = Factorization(np.ones((5, 3), np.float32), H, 100.0, labels=("a", "b", "a"))
    assert [times.round(2).tolist() for times in onsets(model)] == [[0.5, 2.5], [1.5], [3.0]]
    assert [times.round(2).tolist() for times in sound_onsets(model)] == [[0.5, 2.5, 3.0], [1.5]]
