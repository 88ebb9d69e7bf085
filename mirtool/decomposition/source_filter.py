"""A spectrogram as a voice with its filter, and an accompaniment of fixed spectra.

Durrieu, David, Richard, A musically motivated mid-level representation for pitch estimation and musical audio source
separation, IEEE JSTSP 5(6), 2011: the voice is a source, here the comb of a known pitch, times a filter, which is a mix
of a few shapes that are smooth over frequency; the accompaniment is a nonnegative factorisation. Both are learned from
the spectrogram itself, with the divergence of Kullback and Leibler.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_LEAST = np.float32(1e-6)  # of the mean magnitude: no model is zero
_LOWEST_SCALE = 700.0  # Hz, of the mel scale (O'Shaughnessy, Speech Communication, 1987)


@dataclass(frozen=True, eq=False)
class SourceFilterModel:
    """V ≈ C ⊙ (G S B) + H W, with N frames, F bins, P bands, K filters and R components.

    Parameters
    ----------
    comb : ndarray, shape (N, F)
        C: where the harmonics of the voice are; zero in frames where it does not sound.
    bands : ndarray, shape (P, F)
        B: what filters are made of.
    shapes : ndarray, shape (K, P)
        S
    gains : ndarray, shape (N, K)
        G
    activations : ndarray, shape (N, R)
        H
    templates : ndarray, shape (R, F)
        W
    """

    comb: Matrix
    bands: Matrix
    shapes: Matrix
    gains: Matrix
    activations: Matrix
    templates: Matrix

    @property
    def voice(self) -> Matrix:
        """C ⊙ (G S B), shape (N, F)."""
        return self.comb * (self.gains @ (self.shapes @ self.bands))

    @property
    def accompaniment(self) -> Matrix:
        """H W, shape (N, F)."""
        return self.activations @ self.templates


def filter_bands(frequencies: NDArray[np.float64], count: int) -> Matrix:
    """Return overlapping bands (Hann) that are equally spaced on the mel scale, shape (count, F)."""
    mel = np.log1p(frequencies / _LOWEST_SCALE)
    centres = np.linspace(0, mel[-1], count)
    distance = np.abs(mel - centres[:, None]) / (2 * centres[1])
    return np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * distance), 0).astype(np.float32)


def random_model(comb: Matrix, bands: Matrix, filters: int, rank: int, seed: int = 0) -> SourceFilterModel:
    """Return a model of spectrograms whose mean is 1, to begin with."""
    random = np.random.default_rng(seed)
    frames, bins = comb.shape

    def values(*shape: int) -> Matrix:
        return random.uniform(0.5, 1.5, shape).astype(np.float32)

    return SourceFilterModel(
        comb,
        bands,
        values(filters, len(bands)) / np.float32(filters),
        values(frames, filters),
        values(frames, rank) / np.float32(rank),
        values(rank, bins),
    )


def learn(V: Matrix, model: SourceFilterModel, iterations: int) -> SourceFilterModel:
    """Fit a model to a spectrogram by multiplicative updates, which never raise the divergence.

    Parameters
    ----------
    V : ndarray, shape (N, F)
        Magnitudes, of mean 1 or so.
    model : SourceFilterModel
        What to begin with; it is left as it is.
    iterations : int

    Returns
    -------
    SourceFilterModel
    """
    sung = np.flatnonzero(model.comb.any(axis=1))
    C, B = np.ascontiguousarray(model.comb[sung]), model.bands
    S, G, H, W = model.shapes, model.gains[sung], model.activations, model.templates

    def ratio() -> tuple[Matrix, Matrix]:
        """Return V over the model, and that of the sung frames weighted by the comb."""
        product = H @ W
        product[sung] += C * (G @ (S @ B))
        product += _LEAST
        Q = np.divide(V, product, out=product)
        return Q, Q[sung] * C

    for _ in range(iterations):
        Q, weighted = ratio()
        spectra = S @ B
        G = G * _quotient(weighted @ spectra.T, C @ spectra.T)
        H = H * _quotient(Q @ W.T, W.sum(axis=1))
        Q, weighted = ratio()
        S = S * _quotient(G.T @ weighted @ B.T, G.T @ C @ B.T)
        W = W * _quotient(H.T @ Q, H.sum(axis=0)[:, None])
    gains = np.zeros_like(model.gains)
    gains[sung] = G
    return SourceFilterModel(model.comb, B, S, gains, H, W)


def divergence(V: Matrix, model: SourceFilterModel) -> float:
    """Return the divergence of Kullback and Leibler, Σ V log(V / V') - V + V', which `learn` makes small."""
    product = (model.voice + model.accompaniment + _LEAST).astype(np.float64)
    logarithm = np.log(np.maximum(V, 1e-30) / product)
    return float((V * logarithm - V + product).sum())


def _quotient(numerator: NDArray[Any], denominator: NDArray[Any]) -> Matrix:
    quotient: Matrix = numerator / np.maximum(denominator, np.float32(1e-12))
    return quotient
