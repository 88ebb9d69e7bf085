"""Slow, obvious versions of the algorithms of rhythm, to test the fast ones against."""

import itertools

import numpy as np


def peaks(curve, reach, gap, threshold):
    """Indices of peaks by the definition."""
    found = []
    for n in range(len(curve)):
        before, after = curve[max(n - reach, 0) : n], curve[n + 1 : n + reach + 1]
        largest = all(v < curve[n] for v in before) and all(v <= curve[n] for v in after)
        if curve[n] > 0 and curve[n] >= threshold and largest and (not found or n - found[-1] >= gap):
            found.append(n)
    return found


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
