"""Tempo estimation: one tempo within 4 %, and MIREX's P-score of two.

Gouyon et al., "An experimental comparison of audio tempo induction algorithms", TASLP 2006; McKinney et al.,
"Evaluation of audio beat tracking and music tempo extraction algorithms", JNMR 2007.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.corpus import Task
from mirtool.evaluation.parameters import TempoMatching
from mirtool.types import Table

OCTAVES = (1, 2, 3, 1 / 2, 1 / 3)
DESCRIBED = ("reference_bpm", "estimate_bpm")
MIREX_TOLERANCE = 0.08


def task(matching: TempoMatching) -> Task:
    """Return how tempi are evaluated."""
    if not 0 < matching.tolerance < 1:
        raise ParameterError(f"the tolerance of a tempo lies between 0 and 1, not at {matching.tolerance:g}")
    return Task(partial(evaluate, tolerance=matching.tolerance), failure, described=DESCRIBED)


def evaluate(reference: Table, estimate: Table, tolerance: float = 0.04) -> dict[str, float]:
    """Return the scores of a tempo.

    Parameters
    ----------
    reference, estimate : Table
        As `tempi` takes them.
    tolerance : float
        Share of the reference by which a tempo may be wrong.

    Returns
    -------
    dict
        `reference_bpm`, `estimate_bpm`: the first tempo of each, NaN if none was estimated. 1 or 0: `acc1`, the first
        tempo is right; `acc2`, right or so but for a factor of 2 or 3; `top2`, one of the first two is right. `p_score`
        (McKinney et al., 2007; tolerance 8 %), NaN where the reference has one tempo only.

    Raises
    ------
    DataError
        A reference without tempo, or a table without `bpm` or `time`.
    """
    truth, weight = tempi(reference)
    found, _ = tempi(estimate)
    if not len(truth):
        raise DataError("a reference without tempo: it needs a row of bpm, or two beats")

    def right(tempo: float, factor: float = 1.0) -> bool:
        return bool(abs(tempo - truth[0] * factor) <= tolerance * truth[0] * factor)

    return {
        "reference_bpm": float(truth[0]),
        "estimate_bpm": float(found[0]) if len(found) else np.nan,
        "acc1": float(len(found) > 0 and right(found[0])),
        "acc2": float(len(found) > 0 and any(right(found[0], factor) for factor in OCTAVES)),
        "top2": float(any(right(tempo) for tempo in found)),
        "p_score": _p_score(truth, weight, found) if len(truth) > 1 else np.nan,
    }


def failure(reference: Table) -> dict[str, float]:
    """Return the scores of an item without an estimate."""
    return evaluate(reference, Table({"bpm": np.zeros(0)}))


def tempi(table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the one or two main tempi of a table (BPM) and their weights, which sum to 1.

    Parameters
    ----------
    table : Table
        `bpm`, best first, and perhaps `strength` (or `confidence`): the first two. `bpm` over several times: the median
        over time. Beats (`time` alone): from the median interval.

    Raises
    ------
    DataError
        Neither `bpm` nor `time`, or a tempo that is not positive.
    """
    if "bpm" not in table:
        if "time" not in table:
            raise DataError(f"neither bpm nor beats (columns: {', '.join(table.columns)})")
        gaps = np.diff(np.unique(table["time"]))
        found = 60 / np.median(gaps, keepdims=True) if len(gaps) else np.zeros(0)
    elif "time" in table and len(np.unique(table["time"])) > 1:
        found = np.median(table["bpm"], keepdims=True)
    else:
        found = table["bpm"][:2]
    if not (np.isfinite(found).all() and (found > 0).all()):
        raise DataError("a tempo that is no positive number")
    weight = next((table[name][:2] for name in ("strength", "confidence") if name in table), None)
    if weight is None or len(weight) != len(found) or not (np.isfinite(weight).all() and weight.sum() > 0):
        weight = np.ones(len(found))
    return found, np.maximum(weight, 0) / max(float(np.maximum(weight, 0).sum()), 1e-9)


def _p_score(truth: NDArray[np.float64], weight: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Return the weights of the reference tempi that one of the two estimated ones hits, added up."""
    hit = (np.abs(found[None, :] - truth[:, None]) <= MIREX_TOLERANCE * truth[:, None]).any(axis=1)
    return float(weight[hit].sum())
