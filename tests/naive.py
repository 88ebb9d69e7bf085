"""Slow, obvious versions of the algorithms, to test the fast ones against."""

import itertools
import statistics

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


def sync_scores(reference, path):
    """Scores of a path, a list of (a, b), at reference pairs that lie inside of it."""
    errors = []
    for time_a, time_b in reference:
        for (a, b), (next_a, next_b) in itertools.pairwise(path):
            if a <= time_a <= next_a:
                reached = b + (time_a - a) / (next_a - a) * (next_b - b)
                errors.append(1000 * abs(reached - time_b))
                break
    errors.sort()
    position = 0.95 * (len(errors) - 1)
    below = errors[int(position)]
    above = errors[min(int(position) + 1, len(errors) - 1)]
    return {
        "points": len(errors),
        "mean_ms": sum(errors) / len(errors),
        "median_ms": statistics.median(errors),
        "p95_ms": below + (position - int(position)) * (above - below),
        "over_25ms": sum(error > 25 for error in errors) / len(errors),
        "over_50ms": sum(error > 50 for error in errors) / len(errors),
        "over_100ms": sum(error > 100 for error in errors) / len(errors),
    }


def exact_bootstrap_interval(values, level):
    """Percentile interval of the mean over all draws with replacement, each equally likely."""
    means = sorted(sum(draw) / len(values) for draw in itertools.product(values, repeat=len(values)))
    tail = (1 - level) / 2
    return means[int(tail * len(means))], means[int((1 - tail) * len(means))]


def dtw_accumulated(C, steps, weights, subsequence=False, low=None, high=None):
    """Accumulated cost by the definition, cell by cell (FMP 3.2.1, 7.2.3), within the window of each row."""
    N, M = C.shape
    D = np.full((N, M), np.inf)
    for n in range(N):
        for m in range(M) if low is None else range(low[n], high[n]):
            if n == 0 and (m == 0 or subsequence):
                D[n, m] = C[n, m]
                continue
            for (a, b), weight in zip(steps, weights, strict=True):
                if n >= a and m >= b:
                    D[n, m] = min(D[n, m], D[n - a, m - b] + weight * C[n, m])
    return D


def dtw_path_cost(C, path, steps, weights):
    """Cost of a path; fails where a step is not in the set."""
    cost = C[tuple(path[0])]
    for before, after in itertools.pairwise(path):
        step = (int(after[0] - before[0]), int(after[1] - before[1]))
        cost += weights[steps.index(step)] * C[tuple(after)]
    return cost


def cens(shares, window, factor):
    """Quantised, smoothed and downsampled shares (n × 12), before the normalisation."""
    points = np.zeros(shares.shape)
    for threshold in (0.05, 0.1, 0.2, 0.4):
        points[shares >= threshold] += 1
    smoothed = np.stack([np.convolve(points[:, c], window, mode="full") for c in range(12)], axis=1)
    return smoothed[(len(window) - 1) // 2 :][: len(shares)][::factor]


def phase_novelty(X):
    """Σ_k |φ''(n, k)| of spectra from their third frame on, the phases in turns."""
    change = np.diff(np.angle(X) / (2 * np.pi), n=2, axis=0)
    return np.abs(np.mod(change + 0.5, 1) - 0.5).sum(axis=1)


def complex_novelty(X, gamma):
    """Σ_k |Z(n, k) - Ẑ(n, k)| of spectra from their third frame on, over the bins whose magnitude rises."""
    Y, phase = np.log(1 + gamma * np.abs(X)), np.angle(X)
    curve = np.zeros(len(X) - 2)
    for n in range(2, len(Y)):
        for k in range(X.shape[1]):
            if Y[n, k] > Y[n - 1, k]:
                predicted = Y[n - 1, k] * np.exp(1j * (2 * phase[n - 1, k] - phase[n - 2, k]))
                curve[n - 2] += abs(Y[n, k] * np.exp(1j * phase[n, k]) - predicted)
    return curve


def local_average(curve, reach):
    """Mean over 2 · reach + 1 values around each, zeros beyond the ends."""
    average = np.zeros(len(curve))
    for n in range(len(curve)):
        average[n] = sum(curve[m] for m in range(n - reach, n + reach + 1) if 0 <= m < len(curve)) / (2 * reach + 1)
    return average


def flux(X, filters, level, gamma, lag, reach, weights):
    """Values of superflux of spectra (n × bins), and where in the window they lie, in parts of the window from -1/2."""
    N = 2 * (X.shape[1] - 1)
    B = np.abs(X) @ filters
    values, places = np.zeros(len(X)), np.zeros(len(X))
    for n in range(len(X)):
        turn = 0j
        for k in range(B.shape[1]):
            floor = level[n] / gamma
            before = B[n - lag, max(k - reach, 0) : k + reach + 1].max() if n >= lag else 0
            rise = weights[k] * max(np.log((B[n, k] + floor) / (before + floor)), 0) ** 1.5
            values[n] += rise
            for j in np.flatnonzero(filters[:, k]):
                # the phase of a centred frame
                a, b = (X[n, i] * np.exp(2j * np.pi * i * (N // 2) / N) for i in (j, j + 1))
                turn += rise * np.exp(1j * np.angle(a * np.conj(b)))
        places[n] = np.angle(turn) / (2 * np.pi)
    return values, places


def held(norms, ahead, decay):
    """Level of a sound: the largest norm up to `ahead` later and, decaying, of all before."""
    return [
        max(norms[m] * decay ** max(n - m, 0) for m in range(min(n + ahead + 1, len(norms)))) for n in range(len(norms))
    ]


def locally_normalized(curve, past, ahead, usual):
    """Curve over the geometric mean of what is usual and its root mean square around each value."""
    result = []
    for n in range(len(curve)):
        near = [float(curve[m]) ** 2 for m in range(n - past, n + ahead + 1) if 0 <= m < len(curve)]
        result.append(curve[n] / (usual * max((sum(near) / len(near)) ** 0.5, 0.03 * usual)) ** 0.5)
    return np.array(result)


def dlnco(onsets, reach, threshold, decay):
    """DLNCO of chroma onsets (n × 12)."""
    N = len(onsets)
    normalized = np.zeros(onsets.shape)
    for n in range(N):
        norms = [np.linalg.norm(onsets[m]) for m in range(max(0, n - reach), min(N, n + reach + 1))]
        normalized[n] = onsets[n] / max([*norms, threshold])
    decayed = np.zeros(onsets.shape)
    for n in range(N):
        for i in range(1, decay + 1):
            if n - i + 1 >= 0:
                decayed[n] = np.maximum(decayed[n], np.sqrt(1 / i) * normalized[n - i + 1])
    return decayed


def stream_cost(a, b, weights):
    """Cost matrix of streams of two versions, frame by frame: weighted cosine and squared Euclidean distances."""
    N, M = len(next(iter(a.values()))), len(next(iter(b.values())))
    C = np.zeros((N, M))
    for name, weight in weights.items():
        for n in range(N):
            for m in range(M):
                x, y = a[name][n].astype(float), b[name][m].astype(float)
                if name in ("onset", "dlnco"):
                    C[n, m] += weight * sum((x - y) ** 2)
                else:
                    C[n, m] += weight * (1 - sum(x * y))
    return C


def nearest_transposition(chroma_a, chroma_b):
    """Semitones by which the sum of chroma b (12 × M) must be turned down to be most like that of a."""
    a, b = chroma_a.sum(axis=1), chroma_b.sum(axis=1)
    return max(range(-6, 6), key=lambda shift: float(a @ np.roll(b, -shift)))
