"""Slow, obvious versions of the algorithms, to test the fast ones against."""

import numpy as np


def stft(x, window, hop):
    """Frames of X(n, k), one by one, straight from the definition."""
    N = len(window)
    padded = np.concatenate((np.zeros(N), np.asarray(x, float), np.zeros(2 * N)))
    spectra = []
    n = 0
    while n * hop <= len(x) + 1e-9:
        centre = int(np.floor(n * hop + 0.5))
        frame = padded[centre - N // 2 + N :][:N]
        k = np.arange(N // 2 + 1)[:, None]
        spectra.append((frame * window * np.exp(-2j * np.pi * k * np.arange(N) / N)).sum(axis=1))
        n += 1
    return np.array(spectra)


def log_frequency(X, sample_rate, N, pitches, tuning=0.0):
    """Y_LF(n, p) of spectra (n × bins), pitch by pitch and bin by bin."""
    pooled = np.zeros((len(X), len(pitches)))
    reference = 440 * 2 ** (tuning / 1200)
    for row, p in enumerate(pitches):
        for k in range(X.shape[1]):
            if 2 ** ((p - 0.5 - 69) / 12) * reference <= k * sample_rate / N < 2 ** ((p + 0.5 - 69) / 12) * reference:
                pooled[:, row] += np.abs(X[:, k]) ** 2
    return pooled


def chroma(pooled, pitches):
    """C(n, c) from Y_LF(n, p)."""
    folded = np.zeros((len(pooled), 12))
    for row, p in enumerate(pitches):
        folded[:, p % 12] += pooled[:, row]
    return folded
