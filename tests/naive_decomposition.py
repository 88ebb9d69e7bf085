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
