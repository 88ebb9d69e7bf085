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


def peaks(curve, reach, gap, threshold):
    """Indices of peaks by the definition."""
    found = []
    for n in range(len(curve)):
        before, after = curve[max(n - reach, 0) : n], curve[n + 1 : n + reach + 1]
        largest = all(v < curve[n] for v in before) and all(v <= curve[n] for v in after)
        if curve[n] > 0 and curve[n] >= threshold and largest and (not found or n - found[-1] >= gap):
            found.append(n)
    return found


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


def fourier_tempogram(curve, rate, length, hop, tempi):
    """|F(n, τ/60)| by the definition (FMP, Section 6.2.2), the window scaled to a cosine of amplitude 1; K × N."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    columns = []
    while len(columns) * hop <= len(curve) + 1e-9:
        centre = int(np.floor(len(columns) * hop + 0.5))
        column = []
        for tempo in tempi:
            total = 0
            for j in range(length):
                m = centre - length // 2 + j
                if 0 <= m < len(curve):
                    total += curve[m] * window[j] * np.exp(-2j * np.pi * tempo / 60 * m / rate)
            column.append(abs(total) * 2 / window.sum())
        columns.append(column)
    return np.array(columns).T


def autocorrelation_tempogram(curve, rate, length, hop, tempi):
    """A(n, ℓ) of the values in a box (FMP, Section 6.2.3) at the lags of the tempi, linear between lags; K × N."""
    columns = []
    while len(columns) * hop <= len(curve) + 1e-9:
        begin = int(np.floor(len(columns) * hop + 0.5)) - length // 2
        box = [curve[m] if 0 <= m < len(curve) else 0.0 for m in range(begin, begin + length)]
        products = [
            sum(box[m] * box[m - lag] for m in range(lag, length)) / (length - lag) for lag in range(length)
        ] + [0.0]
        columns.append([np.interp(60 * rate / tempo, np.arange(length + 1), products) for tempo in tempi])
    return np.array(columns).T


def plp(curve, rate, length, hop, tempi):
    """Γ of a curve: the kernels of the best tempi, one by one, over the sum of their windows."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    pulse, weight = np.zeros(len(curve)), np.zeros(len(curve))
    n = 0
    while n * hop <= len(curve) + 1e-9:
        centre = int(np.floor(n * hop + 0.5))
        places = [m for m in range(centre - length // 2, centre - length // 2 + length) if 0 <= m < len(curve)]
        found = []
        for tempo in tempi:
            turns = [tempo / 60 * (m - centre) / rate for m in places]
            w = [window[m - centre + length // 2] for m in places]
            found.append(sum(curve[m] * v * np.exp(-2j * np.pi * t) for m, v, t in zip(places, w, turns, strict=True)))
        best = int(np.argmax(np.abs(found)))
        for m in places:
            v = window[m - centre + length // 2]
            if found[best]:
                phase = np.angle(found[best])
                pulse[m] += v * np.cos(2 * np.pi * tempi[best] / 60 * (m - centre) / rate + phase)
            weight[m] += v
        n += 1
    return np.divide(np.maximum(pulse, 0), weight, out=np.zeros(len(curve)), where=weight > 1e-12)


def live_pulse(curve, rate, length, tempi):
    """The pulse at the last value of a curve and after it, from kernels that knew the values before them only."""
    half = length // 2
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    total, weight = np.zeros(half), np.zeros(half)
    last = len(curve) - 1
    for n in range(len(curve)):
        known = [m for m in range(n - half + 1, n + 1) if m >= 0]
        found = [
            sum(curve[m] * window[half + m - n] * np.exp(-2j * np.pi * tempo / 60 * (m - n) / rate) for m in known)
            for tempo in tempi
        ]
        best = int(np.argmax(np.abs(found)))
        for ahead in range(half):
            m = last + ahead - n
            if m < half:
                turn = tempi[best] / 60 * m / rate
                total[ahead] += window[half + m] * np.cos(2 * np.pi * turn + np.angle(found[best]))
    for ahead in range(half):
        weight[ahead] = window[half + ahead : 2 * half].sum()
    return total / weight


class BarPointer:
    """A bar pointer by the definition: all states (beat, tempo, position), and the log-probability of each change.

    `classes(position in the bar, tempo, position)` is the class of a state.
    """

    def __init__(self, intervals, bars, tempo_change, bar_change, classes):
        self.intervals, self.bars, self.classes = intervals, bars, classes
        self.tempo_change, self.bar_change = tempo_change, bar_change
        beats = [(q, k) for q, length in enumerate(bars) for k in range(1, length + 1)]
        self.states = [(beat, m, p) for beat in beats for m, interval in enumerate(intervals) for p in range(interval)]

    def change(self, before, after):
        ((q, k), i, p), ((r, later), j, s) = before, after
        if s > 0:
            return 0.0 if ((q, k), i, p + 1) == after else -np.inf
        if p != self.intervals[i] - 1:
            return -np.inf
        if k == self.bars[q] and later == 1:
            return self.tempo_change[i][j] + self.bar_change[q][r]
        return self.tempo_change[i][j] if (q, k + 1) == (r, later) else -np.inf

    def seen(self, frame, state):
        (_, k), m, p = state
        return frame[self.classes(k, m, p)]


def bar_pointer_viterbi(log_likelihoods, model, fixed):
    """Return the log-probability of the best path through all states, beats fixed at some frames."""

    def seen(n, state):
        (_, k), _, p = state
        if n in fixed and not (p == 0 and fixed[n] in (0, k)):
            return -np.inf
        return model.seen(log_likelihoods[n], state)

    states = model.states
    scores = [-np.log(len(states)) + seen(0, state) for state in states]
    for n in range(1, len(log_likelihoods)):
        came = [max(score + model.change(b, a) for b, score in zip(states, scores, strict=True)) for a in states]
        scores = [score + seen(n, state) for score, state in zip(came, states, strict=True)]
    return max(scores)


def bar_pointer_filter(log_likelihoods, model):
    """Yield the distribution over all states after each frame."""
    states = model.states
    probabilities = np.full(len(states), 1 / len(states))
    changes = np.exp([[model.change(before, after) for after in states] for before in states])
    for n, frame in enumerate(log_likelihoods):
        if n:
            probabilities = probabilities @ changes
        probabilities = probabilities * np.exp([model.seen(frame, state) for state in states])
        probabilities = probabilities / probabilities.sum()
        yield probabilities


def beat_score(activation, periods, tightness, beats):
    """Σ Δ(n_k) - α Σ log²((n_k - n_{k-1}) / τ(n_k)) of a sequence of beats."""
    changes = [np.log((n - m) / periods[n]) ** 2 for m, n in itertools.pairwise(beats)]
    return sum(activation[n] for n in beats) - tightness * sum(changes)


def beat_sequences(periods, last, fixed):
    """Yield all sequences with a first beat in the first period, steps of ½ to 2 periods and a beat from `last` on."""

    def extended(beats):
        if beats[-1] >= last and set(fixed) <= set(beats):
            yield beats
        for n in range(beats[-1] + 1, len(periods)):
            if max(1, int(periods[n] / 2 + 0.5)) <= n - beats[-1] <= int(2 * periods[n] + 0.5):
                yield from extended([*beats, n])

    for first in range(len(periods)):
        if first < periods[first]:
            yield from extended([first])


def recurrence(values, lags):
    """Autocorrelation over that at lag 0, linear between whole lags, 0 where negative."""
    products = [sum(values[m] * values[m - lag] for m in range(lag, len(values))) for lag in range(len(values) + 2)]
    found = np.interp(lags, np.arange(len(products)), np.array(products) / products[0])
    return np.maximum(found, 0)


def wave(values, frequencies):
    """Fourier magnitude of windowed values, 1 where all their energy is in one sinusoid."""
    L = len(values)
    window = np.array([0.5 - 0.5 * np.cos(2 * np.pi * (m + 1) / (L + 1)) for m in range(L)])
    x = values * window
    scale = np.sqrt((x**2).sum() / (window**2).sum() / 2) * window.sum()
    return np.array([abs(sum(x[m] * np.exp(-2j * np.pi * f * m) for m in range(L))) / scale for f in frequencies])


def sharpened(curve, reach):
    """What is above the average under a Hann window of 2 · reach + 1 values."""
    window = [0.5 - 0.5 * np.cos(2 * np.pi * (m + 1) / (2 * reach + 2)) for m in range(2 * reach + 1)]
    result = []
    for n in range(len(curve)):
        inside = [(m, w) for m, w in zip(range(n - reach, n + reach + 1), window, strict=True) if 0 <= m < len(curve)]
        result.append(max(curve[n] - sum(curve[m] * w for m, w in inside) / sum(window), 0))
    return np.array(result)


def best_tempo_path(salience, tempi, rate, steadiness, around):
    """The value of the best path through a tempogram, all paths tried, and the function that values one."""

    def value(path):
        total = 0.0
        for n, k in enumerate(path):
            total += (np.log(salience[n, k] + 1e-3) - 0.5 * (np.log2(tempi[k] / around) / 0.3) ** 2) / rate
            if n:
                total -= steadiness * abs(np.log2(tempi[k] / tempi[path[n - 1]]))
        return total

    N, K = salience.shape
    return max(value(path) for path in itertools.product(range(K), repeat=N)), value


def evidence(found, bpm):
    """What speaks for tempi, by the tables of `mirtool.rhythm.metrical_levels`, term by term."""
    from mirtool.rhythm import metrical_levels as tables

    (linear, square), *registers = tables._WITH_BASS if found.lags.shape[1] == 2 else tables._ALONE
    totals = []
    for tempo in bpm:
        octaves = np.log2(tempo / 110)
        total = linear * octaves + square * octaves**2
        recurs = np.interp(60 / tempo * found.rate, np.arange(found.lags.shape[-1]), found.lags[0, 0])
        wave = np.interp(96 * np.log2(tempo / 15), np.arange(577), found.waves[0, 0])
        total += 0.5 * np.log((max(recurs, 0) + 0.05) * (wave + 0.05))
        for c, (recurring, waves) in enumerate(registers):
            for beats, weight in zip((1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 1.5, 2, 3, 4, 6, 8), recurring, strict=True):
                lag = beats * 60 / tempo * found.rate
                if lag <= found.lags.shape[-1] - 1:
                    value = np.interp(lag, np.arange(found.lags.shape[-1]), found.lags[0, c])
                    total += weight * np.sqrt(max(value, 0))
            for multiple, weight in zip((1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 1.5, 2, 3, 4), waves, strict=True):
                row = 96 * np.log2(tempo * multiple / 15)
                if 0 <= row <= 576:
                    total += weight * np.sqrt(np.interp(row, np.arange(577), found.waves[0, c]))
        totals.append(total)
    return np.array(totals)
