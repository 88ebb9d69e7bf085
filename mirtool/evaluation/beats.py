"""Beat tracking: F, continuity, Cemgil, Goto, P-score and information gain.

Davies, Degara and Plumbley, "Evaluation methods for musical audio beat tracking algorithms", Queen Mary University of
London, C4DM-TR-09-06 (2009), as mir_eval computes them.
"""

import warnings
from functools import partial

import numpy as np

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.corpus import Task
from mirtool.evaluation.events import Times, bias_ms, times_of
from mirtool.evaluation.onsets import matched
from mirtool.evaluation.parameters import BeatMatching
from mirtool.types import Events

COUNTS = ("beats", "estimated")
METRICS = ("f", "cemgil", "goto", "p_score", "cmlc", "cmlt", "amlc", "amlt", "information_gain")


def task(matching: BeatMatching) -> Task:
    """Return how beats are evaluated."""
    if not 0 < matching.window < np.inf:
        raise ParameterError(f"the window of a hit must be positive, not {matching.window:g} s")
    if not 0 <= matching.trim < np.inf:
        raise ParameterError(f"what is trimmed must not be negative, as {matching.trim:g} s is")
    trim = matching.trim
    return Task(partial(evaluate, window=matching.window, trim=trim), partial(failure, trim=trim), COUNTS)


def evaluate(reference: Events, estimate: Events, window: float = 0.07, trim: float = 5.0) -> dict[str, float]:
    """Return the scores of estimated beats.

    Parameters
    ----------
    reference, estimate : Events
        In any order; beats at one time count once.
    window : float
        Largest distance of a hit, for F (s).
    trim : float
        Beats before this time do not count (s).

    Returns
    -------
    dict
        `beats`, `estimated`: how many; `f`, `cemgil`, `goto`, `p_score`, `cmlc`, `cmlt`, `amlc`, `amlt`,
        `information_gain` (normalised): 0 to 1; `bias_ms`: median of the distances to the nearest estimate within the
        window, positive where estimates are late, NaN without any; `downbeat_f`: F of the downbeats, NaN unless
        the reference has some and the estimate has a column `beat`.

    Raises
    ------
    DataError
        No reference beat, or times that are no numbers.
    """
    truth, found = _reference(reference, trim), times_of(estimate, "an estimate", trim)
    return {
        "beats": float(len(truth)),
        "estimated": float(len(found)),
        **_metrics(truth, found, window),
        "bias_ms": bias_ms(truth, found, window),
        "downbeat_f": _downbeat_f(reference, estimate, window, trim),
    }


def failure(reference: Events, trim: float = 5.0) -> dict[str, float]:
    """Return the scores of an item without an estimate."""
    nothing = np.zeros(0)
    return evaluate(reference, Events({"time": nothing, "beat": nothing}), trim=trim)


def p_score(reference: Times, estimate: Times) -> float:
    """Return the P-score of McKinney et al. (2007), in linear time.

    The cross-correlation of both beat sequences, on a grid of 10 ms, within a fifth of the median interval between
    reference beats. Equal to `mir_eval.beat.p_score`, which correlates whole recordings sample by sample.
    """
    if min(len(reference), len(estimate)) < 2:
        return 0.0
    offset = min(reference[0], estimate[0])
    truth, found = (np.unique(np.ceil((times - offset) * 100)) for times in (reference, estimate))
    if len(truth) < 2:
        return 0.0
    reach = round(0.2 * float(np.median(np.diff(truth))))
    pairs = np.searchsorted(found, truth + reach, side="right") - np.searchsorted(found, truth - reach, side="left")
    return float(pairs.sum()) / max(len(reference), len(estimate))


def _metrics(truth: Times, found: Times, window: float) -> dict[str, float]:
    from mir_eval import beat

    if not len(found):
        return dict.fromkeys(METRICS, 0.0)
    hits = len(matched(truth, found, window))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few beats: the measures that need more are 0
        goto = beat.goto(truth, found) if len(truth) > 2 else 0.0
        values = (
            2 * hits / (len(truth) + len(found)),
            beat.cemgil(truth, found)[0],
            goto,
            p_score(truth, found),
            *beat.continuity(truth, found),
            beat.information_gain(truth, found),
        )
    return {name: float(value) for name, value in zip(METRICS, values, strict=True)}


def _reference(reference: Events, trim: float) -> Times:
    truth = times_of(reference, "a reference", trim)
    if not len(truth):
        where = f" from {trim:g} s on (--trim)" if trim and len(reference) else ""
        raise DataError(f"a reference without beats{where}")
    return truth


def _downbeat_f(reference: Events, estimate: Events, window: float, trim: float) -> float:
    if "beat" not in reference or "beat" not in estimate:
        return np.nan
    down = [Events({"time": table["time"][table["beat"] == 1]}) for table in (reference, estimate)]
    truth, found = times_of(down[0], "a reference", trim), times_of(down[1], "an estimate", trim)
    return 2 * len(matched(truth, found, window)) / (len(truth) + len(found)) if len(truth) else np.nan
