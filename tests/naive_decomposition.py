"""Slow, obvious versions of the decompositions, to test the fast ones against."""

import numpy as np


def divergence(V, L, beta):
    """β-divergence by its definition (Févotte and Idier 2011, Section 2.1), for positive V and L."""
    if beta == 0:
        return float((V / L - np.log(V / L) - 1).sum())
    if beta == 1:
        return float((V * np.log(V / L) - V + L).sum())
    return float(((V**beta + (beta - 1) * L**beta - beta * V * L ** (beta - 1)) / (beta * (beta - 1))).sum())


def convolved(W, H):
    """Σ_r Σ_t W(k, r, t) H(r, n - t) by the definition."""
    K, R, T = W.shape
    L = np.zeros((K, H.shape[1]))
    for n in range(H.shape[1]):
        for t in range(min(T, n + 1)):
            for r in range(R):
                L[:, n] += W[:, r, t] * H[r, n - t]
    return L


def factorization_updates(V, W, H, beta, iterations):
    """Multiplicative updates of H, then of W (Févotte and Idier 2011, Section 4), for templates K × R × T."""
    exponent = 1 / (2 - beta) if beta < 1 else 1 if beta <= 2 else 1 / (beta - 1)
    R, T = W.shape[1:]
    N = H.shape[1]
    W, H = W.astype(float), H.astype(float)
    for _ in range(iterations):
        L = convolved(W, H)
        negative, positive = np.zeros((R, N)), np.zeros((R, N))
        for n in range(N):
            for t in range(min(T, N - n)):
                negative[:, n] += W[:, :, t].T @ (V[:, n + t] * L[:, n + t] ** (beta - 2))
                positive[:, n] += W[:, :, t].T @ L[:, n + t] ** (beta - 1)
        H = H * (negative / positive) ** exponent
        L = convolved(W, H)
        new = np.zeros_like(W)
        for t in range(T):
            moved = np.zeros((R, N))
            moved[:, t:] = H[:, : N - t]
            quotient = ((V * L ** (beta - 2)) @ moved.T) / (L ** (beta - 1) @ moved.T)
            new[:, :, t] = W[:, :, t] * quotient**exponent
        W = new
    return W, H


def tied_amplitudes(amplitudes, pitches, *, passes=4, flat=0.1, step=1.5, tiny=1e-12):
    """Fit level · source(k) · filter(frequency) to amplitudes (pitches × partials, from 0 on) of one part, by loops."""
    count, width = amplitudes.shape
    place = {(r, k): round((pitches[r] + 12 * np.log2(k)) / step) for r in range(count) for k in range(1, width)}
    kernel = np.exp(-0.5 * np.arange(-3, 4) ** 2.0)
    kernel /= kernel.sum()
    level, source, filters = list(amplitudes.sum(axis=1)), [1.0] * width, [1.0] * 108

    def value(r, k):
        return level[r] * source[k] * filters[place[r, k]]

    def smooth(values):
        return [sum(kernel[j] * values[min(max(i + j - 3, 0), 107)] for j in range(7)) for i in range(108)]

    for _ in range(passes):
        for k in range(1, width):
            had = sum(value(r, k) for r in range(count))
            source[k] *= (amplitudes[:, k].sum() + flat * had + tiny) / ((1 + flat) * had + tiny)
        wanted, had = [0.0] * 108, [0.0] * 108
        for (r, k), at in place.items():
            wanted[at] += amplitudes[r, k]
            had[at] += value(r, k)
        quotients = [(a + tiny) / (b + tiny) for a, b in zip(smooth(wanted), smooth(had), strict=True)]
        filters = [f * q for f, q in zip(filters, quotients, strict=True)]
        for r in range(count):
            level[r] *= amplitudes[r].sum() / (sum(value(r, k) for k in range(1, width)) + tiny)
    result = np.array([[value(r, k) if k else 0.0 for k in range(width)] for r in range(count)])
    return result / result.sum(axis=1, keepdims=True)
