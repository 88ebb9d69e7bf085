"""What agreements are worth: how improbable they are by chance.

At one place of one track, each hash h of a query is found by chance with a probability p_h, which is told by how often
it occurs in the index; at the place that the query comes from, a share q of its hashes is found. The evidence for a
place is the logarithm of the likelihood ratio

    log L = log Σ_q P(q) Π_{found} q / p_h · Π_{not found} (1 - q) / (1 - p_h),

with a mixture over q, as the share is not known. By chance, the mean of L is 1, so that L exceeds x with a probability
of at most 1/x (Markov); among M places, with one of at most M/x. So log L - log M can be read as evidence of anything,
whether the index holds 60 tracks or 100,000.

This would hold if the hashes were found independently of each other. They are not: music repeats itself, keeps to few
pitches and to a beat, and each peak belongs to several hashes. So the evidence counts only a tenth (`DEPENDENCE`): with
that, the share of queries of which no track is in the index and that still reach a confidence stays below one minus
that confidence. Wang (2003, Section 2.3.1) sets a threshold on the number of hashes in the same way.
"""

import math

import numpy as np
from numpy.typing import NDArray

DEPENDENCE = 10.0  # hashes that tell as much as one that is independent of all others; measured on music
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


def confidence(evidence: float, trials: float) -> float:
    """Return 1 - the probability that chance gives so much evidence (log L) at one of so many places."""
    surplus = (evidence - math.log(trials)) / DEPENDENCE
    return 1 - math.exp(-surplus) if surplus > 0 else 0.0


def _probabilities(counts: NDArray[np.int64], frames: int, width: int) -> NDArray[np.float64]:
    expected = np.maximum(counts, 1) * (width / max(frames, 1))
    return np.asarray(np.clip(1 - np.exp(-expected), 1e-12, 0.5))
