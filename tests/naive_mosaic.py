"""Slow, obvious versions of audio mosaicing, to test the fast ones against. Frames first: H is N × K."""

import numpy as np


def repetition_restricted(H, reach, damping):
    """Equation by equation: an activation stays where it is the greatest of its template in the neighbourhood."""
    R = np.array(H)
    for n, k in np.ndindex(H.shape):
        if H[n, k] < max(H[max(n - reach, 0) : n + reach + 1, k]):
            R[n, k] *= damping
    return R


def polyphony_restricted(R, most, damping):
    """The strongest activations of each frame stay."""
    P = np.array(R)
    for row in P:
        for k in np.argsort(-row, kind="stable")[most:]:
            row[k] *= damping
    return P


def continuity_enhanced(P, reach):
    """Sums along diagonals."""
    C = np.zeros_like(P)
    N, K = P.shape
    for n, k in np.ndindex(P.shape):
        for i in range(-reach, reach + 1):
            if 0 <= n + i < N and 0 <= k + i < K:
                C[n, k] += P[n + i, k + i]
    return C


def mosaic_activations(V, W, H, iterations, repetition, polyphony, continuity):
    """Learn activations from a start H by the rules of the paper."""
    for iteration in range(1, iterations + 1):
        damping = 1 - iteration / iterations
        H = repetition_restricted(H, repetition, damping)
        H = polyphony_restricted(H, polyphony, damping) if polyphony else H
        C = continuity_enhanced(H, continuity)
        H = C * ((V / (C @ W + 1e-7)) @ W.T) / W.sum(axis=1)
    return H


def divergence(V, Y):
    """Kullback-Leibler divergence of V > 0 from Y."""
    return float((V * np.log(V / Y) - V + Y).sum())
