"""Compiled loops of nonnegative factorisations: from a block of WH to the quotients of the update rules, and the cost.

They run between two matrix products over a block that is still in the cache. `np.divide` instead of ``/`` is what lets
the loops be vectorised: numba guards a plain division against zero.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

Matrix = NDArray[np.float32]


@kernel
def _log(x: np.float32) -> np.float32:
    """Return the natural logarithm of a positive number within 2 units of the last place.

    x = 2^e (1 + f) with 1 + f between √½ and √2; the polynomial is that of Cephes (Moshier), `logf`.
    """
    bits = np.float32(x).view(np.int32)
    e = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))
    f = np.int32(bits - np.int32(e << np.int32(23))).view(np.float32) - np.float32(1)
    y = np.float32(7.0376836292e-2)
    y = y * f - np.float32(1.1514610310e-1)
    y = y * f + np.float32(1.1676998740e-1)
    y = y * f - np.float32(1.2420140846e-1)
    y = y * f + np.float32(1.4249322787e-1)
    y = y * f - np.float32(1.6668057665e-1)
    y = y * f + np.float32(2.0000714765e-1)
    y = y * f - np.float32(2.4999993993e-1)
    y = y * f + np.float32(3.3333331174e-1)
    y = (y * f - np.float32(0.5)) * f * f + f
    return np.float32(y + np.float32(e) * np.float32(0.69314718056))


@kernel
def _exp(x: np.float32) -> np.float32:
    """Return exp(x) within some units of the last place, for |x| < 87.

    x = n log 2 + f; the polynomial is that of Cephes, `expf`.
    """
    n = np.int32(np.floor(x * np.float32(1.44269504089) + np.float32(0.5)))
    f = x - np.float32(n) * np.float32(0.693359375) + np.float32(n) * np.float32(2.12194440e-4)
    y = np.float32(1.9875691500e-4)
    y = y * f + np.float32(1.3981999507e-3)
    y = y * f + np.float32(8.3334519073e-3)
    y = y * f + np.float32(4.1665795894e-2)
    y = y * f + np.float32(1.6666665459e-1)
    y = y * f + np.float32(5.0000001201e-1)
    y = y * f * f + f + np.float32(1)
    return np.float32(y * np.int32(np.int32(n + np.int32(127)) << np.int32(23)).view(np.float32))


@kernel
def kl_quotient(V: Matrix, L: Matrix, scale: np.float32, floor: np.float32) -> None:
    """Replace Λ = WH by v/λ, of v = scale · V + floor and λ = Λ + floor."""
    for n in range(V.shape[0]):
        for k in range(V.shape[1]):
            L[n, k] = np.divide(V[n, k] * scale + floor, L[n, k] + floor)


@kernel
def kl_quotient_cost(V: Matrix, L: Matrix, scale: np.float32, floor: np.float32) -> float:
    """Replace Λ as `kl_quotient` does, and return Σ v log(v/λ) - v + λ."""
    total = 0.0
    for n in range(V.shape[0]):
        row = np.float32(0)
        for k in range(V.shape[1]):
            v = V[n, k] * scale + floor
            l = L[n, k] + floor  # noqa: E741 - λ
            q = np.divide(v, l)
            row += v * _log(q) + (l - v)
            L[n, k] = q
        total += float(row)
    return total


@kernel
def is_quotients(V: Matrix, L: Matrix, P: Matrix, scale: np.float32, floor: np.float32) -> float:
    """Replace Λ by v/λ², fill P with 1/λ, and return Σ v/λ - log(v/λ) - 1."""
    total = 0.0
    for n in range(V.shape[0]):
        row = np.float32(0)
        for k in range(V.shape[1]):
            p = np.divide(np.float32(1), L[n, k] + floor)
            q = (V[n, k] * scale + floor) * p
            row += q - _log(q) - np.float32(1)
            P[n, k] = p
            L[n, k] = q * p
        total += float(row)
    return total


@kernel
def beta_quotients(V: Matrix, L: Matrix, P: Matrix, scale: np.float32, floor: np.float32, beta: np.float32) -> float:
    """Replace Λ by v λ^(β-2), fill P with λ^(β-1), and return the cost, for β other than 0 and 1.

    The cost is Σ (v^β + (β-1) λ^β - β v λ^(β-1)) / (β (β-1)) (Févotte and Idier 2011, Section 2.1).
    """
    total = 0.0
    one = np.float32(1)
    for n in range(V.shape[0]):
        row = np.float32(0)
        for k in range(V.shape[1]):
            v = V[n, k] * scale + floor
            l = L[n, k] + floor  # noqa: E741 - λ
            q = _exp((beta - np.float32(2)) * _log(l))
            p = q * l
            row += _exp(beta * _log(v)) + p * ((beta - one) * l - beta * v)
            P[n, k] = p
            L[n, k] = q * v
        total += float(row)
    return total / float(beta * (beta - one))


def warm() -> None:
    """Compile all kernels."""
    V, L, P = np.ones((3, 1, 1), np.float32)
    one = np.float32(1)
    kl_quotient(V, L, one, one)
    kl_quotient_cost(V, L, one, one)
    is_quotients(V, L, P, one, one)
    beta_quotients(V, L, P, one, one, one / 2)
