"""What agreements are worth: how improbable they are by chance.

At one place of one track, each hash h of a query is found by chance with a probability p_h, which is told by how often
it occurs in the index; at the place that the query comes from, a share q of its hashes is found. The evidence for a
place is the logarithm of the likelihood ratio

    log L = log Σ_q P(q) Π_{found} q / p_h · Π_{not found} (1 - q) / (1 - p_h),

with a mixture over q, as the share is not known. By chance, the mean of L is 1, so that at one place L exceeds x with a
probability of at most 1/x (Markov), and log L - log m exceeds log x at one of m places no more often: at the places of
a stretch of sound, and at the speeds that are tried.

That holds of hashes that are found independently of each other. Those of music are not: it repeats itself, keeps to few
pitches and to a beat, and each peak belongs to several hashes. So evidence counts only in part: that of a stretch of a
track which the query is not from exceeds x with a probability of exp(-x / D) at most. Of excerpts of strangers (noisy,
coded, reverberant, band-limited) on indexes of 6, 23 and 89 tracks, the evidence kept within D = 7, and an answer grew
more frequent in proportion to the number of tracks. But tracks that are made of the same drum loops and samples give
more, up to some 130 among two hundred tracks; D = 13 leaves these without an answer, too, for which one in a hundred
excerpts in noise of their own level goes without. So of N stretches one exceeds x with a probability of at most
N exp(-x / D), and a hit needs the more evidence the larger the index. Wang (2003, Section 2.3.1) finds his threshold of
a score in the same way, from the scores of tracks that do not match.
"""

import math

import numpy as np
from numpy.typing import NDArray

DEPENDENCE = 13.0  # D: how much more evidence strangers give than they would with independent hashes; measured on music
STRETCH = 10_000  # frames, four minutes: what counts as one track
_SHARES = np.array((0.001, 0.003, 0.01, 0.03, 0.1, 0.3))  # q, equally probable


def weights(counts: NDArray[np.int64], frames: int, width: int) -> NDArray[np.float64]:
    """Return what each hash adds to log L if it is found, without the terms that the share adds.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        How often each hash occurs in the index.
    frames : int
        Length of the index.
    width : int
        Number of frames that count as one place.
    """
    p = _probabilities(counts, frames, width)
    return np.asarray(np.log((1 - p) / p))


def gains(counts: NDArray[np.int64], frames: int, width: int) -> NDArray[np.float64]:
    """Return what the number of hashes found, 0 to n, adds to log L, shape (n + 1,); parameters as for `weights`."""
    n = len(counts)
    found = np.arange(n + 1)[:, None]
    terms = found * np.log(_SHARES) + (n - found) * np.log1p(-_SHARES)
    highest = terms.max(axis=1)
    shares = highest + np.log(np.exp(terms - highest[:, None]).mean(axis=1))
    return np.asarray(shares - np.log1p(-_probabilities(counts, frames, width)).sum())


def confidence(evidence: float, stretches: float) -> float:
    """Return 1 - the probability that chance gives so much evidence in one of so many stretches, at least 0.

    Parameters
    ----------
    evidence : float
        log L - log m, with the number m of places in a stretch and of speeds that were tried.
    stretches : float
        Length of the index, in `STRETCH`.
    """
    exponent = math.log(max(stretches, 1.0)) - evidence / DEPENDENCE
    return 1 - math.exp(exponent) if exponent < 0 else 0.0


def _probabilities(counts: NDArray[np.int64], frames: int, width: int) -> NDArray[np.float64]:
    expected = np.maximum(counts, 1) * (width / max(frames, 1))
    return np.asarray(np.clip(1 - np.exp(-expected), 1e-12, 0.5))
