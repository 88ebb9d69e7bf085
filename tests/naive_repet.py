"""Slow, obvious versions of REPET and REPET-SIM, to test the fast ones against. Frames first: V is N × K."""

import numpy as np


def beat_spectrum(V):
    """Equations 1 to 3 of Rafii and Pardo (2013), one product after the other."""
    N, K = V.shape
    b = np.zeros(N)
    for lag in range(N):
        for k in range(K):
            b[lag] += sum(V[n, k] ** 2 * V[n + lag, k] ** 2 for n in range(N - lag)) / (N - lag) / K
    return b / b[0]


def frames_a_period_apart(N, n, period):
    """All frames that lie whole periods from frame n."""
    return [m for m in range(N) if (m - n) % period == 0]


def similar_frames(likeness, distance, least, most):
    """The most similar frames, best first, each at least `distance` from all that are better."""
    found = []
    for n in sorted(range(len(likeness)), key=lambda n: (-likeness[n], n)):
        if len(found) < most and likeness[n] >= least and all(abs(n - m) >= distance for m in found):
            found.append(n)
    return found
