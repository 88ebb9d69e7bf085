"""Streams of spectra of several channels: there and back."""

import numpy as np
import pytest

from mirtool.errors import DataError
from mirtool.signal.spectra import Chunks, inverted, transformed
from mirtool.signal.stft import hann
from mirtool.types import Audio


def noise(samples, channels):
    return Audio(np.random.default_rng(0).standard_normal((samples, channels)).astype(np.float32), 8000)


@pytest.mark.parametrize("samples", [0, 1, 63, 64, 65, 1000, 70000])
@pytest.mark.parametrize("hop", [16, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_sound_comes_back_whole(samples, hop, channels):
    source, window = noise(samples, channels), hann(64)
    chunks = Chunks(source)
    spectra = [batch for batch in transformed(chunks, channels, window, hop) if batch.size]
    assert all(batch.shape[1:] == (channels, 33) for batch in spectra)
    assert chunks.samples == samples
    back = [part for part in inverted(spectra, window, hop, chunks) if part.size]
    found = np.concatenate(back, axis=1).T if back else np.zeros((0, channels))
    assert found.shape == source.samples.shape
    assert np.allclose(found, source.samples, atol=1e-4)


def test_numbers_that_are_not_finite_are_refused():
    chunks = Chunks(Audio(np.array([[0.0], [np.nan]]), 8000))
    with pytest.raises(DataError, match="not finite"):
        list(transformed(chunks, 1, hann(64), 16))
