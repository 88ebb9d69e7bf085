"""Spectrograms of bounded size, and the pictures of separations that are made of them."""

import numpy as np
import pytest

from mirtool.errors import DataError
from mirtool.plots.separation import separation_figure
from mirtool.signal.overview import COLUMNS, Overview, Watched, watched
from mirtool.signal.stft import hann
from mirtool.types import Audio, Features, StemStream

RATE = 8000
HALF = 184


def spectrogram(samples, size=997):
    overview = Overview(RATE, samples.shape[1])
    for begin in range(0, len(samples), size):
        overview.push(samples[begin : begin + size])
    return overview.flush()


def tone(frequency, seconds):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)[:, None]


def naive(samples, features):
    """Transform frame by frame, and take the largest power between the borders of each row."""
    padded = np.pad(samples, ((HALF, 2 * HALF), (0, 0)))
    frames = []
    for begin in range(0, len(samples) + 1, HALF):
        spectra = np.fft.rfft(padded[begin : begin + 2 * HALF] * hann(2 * HALF)[:, None], axis=0)
        frames.append((np.abs(spectra) ** 2).mean(axis=1))
    width, centres = RATE / (2 * HALF), np.asarray(features.axis)
    first = np.minimum(np.rint(centres * 2 ** (-1 / 60) / width).astype(int), HALF)
    rows = []
    for bin in first:
        later = first[first > bin]
        rows.append(np.max(np.array(frames)[:, bin : later[0] if len(later) else None], axis=1))
    return np.array(rows)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frames", [1, 500, 9000])
def test_short_sound_is_shown_frame_by_frame(channels, frames):
    samples = np.random.default_rng(0).standard_normal((frames, channels)).astype(np.float32)
    found = spectrogram(samples)
    assert found.feature_rate == RATE / HALF
    assert found.start == 0
    np.testing.assert_allclose(found.data, naive(samples, found), rtol=1e-3, atol=1e-4)


def test_the_sizes_of_blocks_do_not_matter():
    samples = np.random.default_rng(0).standard_normal((30_000, 1)).astype(np.float32)
    expected = spectrogram(samples, 30_000).data
    np.testing.assert_allclose(spectrogram(samples, 100).data, expected, rtol=1e-4, atol=1e-6)


def test_long_sound_has_columns_of_equal_length_at_their_times():
    samples = np.concatenate([0 * tone(440, 60), tone(440, 60), 0 * tone(440, 80)])
    found = spectrogram(samples, 65536)
    assert COLUMNS <= found.frames <= 2 * COLUMNS
    row = int(np.argmin(np.abs(np.asarray(found.axis) - 440)))
    sounding = found.times[found.data[row] > 0.5 * found.data[row].max()]
    assert (sounding[0], sounding[-1]) == pytest.approx((60, 120), abs=2 / found.feature_rate)
    assert int(found.data.sum(axis=1).argmax()) == pytest.approx(row, abs=1)


def test_a_watched_separation_is_the_same_separation():
    blocks = [(np.full((400, 2), 0.5, np.float32), np.zeros((400, 2), np.float32))] * 5
    stems, spectrograms = watched(StemStream(("a", "b"), RATE, 2, 2000, lambda: iter(blocks)))
    assert [tuple(map(id, pair)) for pair in stems.blocks()] == [tuple(map(id, pair)) for pair in blocks]
    found = spectrograms()
    assert list(found) == ["a", "b"]
    assert found["a"].data.max() > 0
    assert found["b"].data.max() == 0


def parts(count):
    """Return spectrograms of which each has a band of its own; the last is loudest."""
    axis = tuple(40 * 2 ** (np.arange(60) / 10))
    found = {}
    for place in range(count):
        data = np.full((60, 50), 1e-9)
        data[place * 60 // count : (place + 1) * 60 // count] = 1 + place
        found[f"part {place}"] = Features(data, 20.0, "spectrogram", ("frequency", "time"), axis, unit="power")
    return found


def test_the_mixture_has_the_colour_of_the_part_that_sounds():
    figure = separation_figure(parts(2), 3.0)
    mixture, first, second = (axes for axes in figure.axes if axes.get_title(loc="left"))
    image = mixture.images[0].get_array()
    low, high = image[0, 0], image[-1, 0]
    assert low[2] > 0.6 > low[0]  # blue
    assert high[0] > 0.6 > high[2]  # orange
    assert [text.get_text() for text in mixture.get_legend().get_texts()] == ["part 0", "part 1"]
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("part 0", "part 1")
    assert mixture.get_xlim() == pytest.approx((3 - 0.025, 3 - 0.025 + 2.5))
    assert first.images[0].get_array()[[0, -1], 0].tolist() == pytest.approx([-3, -70], abs=0.1)


def test_of_many_parts_the_loudest_have_panels_and_colours():
    figure = separation_figure(parts(15))
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert titles == ["Mixture", *(f"part {place}" for place in range(9, 15))]
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == [*(f"part {place}" for place in range(5, 15)), "5 more"]


def test_silence_is_drawn_and_nothing_is_not():
    silent = {name: Features(np.zeros_like(part.data), 20.0, axis=part.axis) for name, part in parts(2).items()}
    assert separation_figure(silent).axes[0].images[0].get_array().min() == 1
    with pytest.raises(DataError, match="no sound to draw"):
        separation_figure({})


def test_a_sound_is_watched_while_it_is_read():
    samples = np.concatenate((tone(440, 1), tone(880, 1)))
    for overlap in (0, 100):
        sound = Watched(Audio(samples, RATE))
        blocks = list(sound.blocks(1000, overlap))
        assert (sound.sample_rate, sound.channels, sound.frames) == (RATE, 1, len(samples))
        np.testing.assert_array_equal(
            np.concatenate([block[: 1000 - overlap] for block in blocks])[:8000], samples[:8000]
        )
        np.testing.assert_allclose(sound.spectrogram().data, spectrogram(samples).data, atol=1e-7)
