"""What components are: their pitches, energies and onsets, as a table."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.decomposition.factorization.components import energies
from mirtool.pitch import pitch_frequency
from mirtool.rhythm.onsets import pick
from mirtool.rhythm.parameters import PeakParameters
from mirtool.types import Factorization, Features, Table

_CANDIDATES = np.arange(24.0, 108.0, 0.1)  # MIDI pitches
_PARTIALS = 12
_ATTACK, _RISE = 0.1, 0.4  # s; of the square root of an activation whose largest value is 1
_FAINT = 0.1  # 20 dB below the loudest component
_PITCHED = 0.5  # share of a template that lies on the partials more than between them


def components(model: Factorization, pitches: NDArray[np.float64]) -> Table:
    """Describe the components of a factorisation.

    Parameters
    ----------
    model : Factorization
    pitches : ndarray, shape (R,)
        MIDI numbers where they are known; empty where templates over frequencies shall tell.

    Returns
    -------
    Table
        Columns component (from 1), label, pitch (MIDI number; empty for none), energy (share of the whole), onsets
        (how often it begins; NaN without time).
    """
    W, H = model.templates, model.activations
    found = energies(W, H)
    if not len(pitches):
        pitches = np.full(model.rank, np.nan)
        if model.dim == "frequency" and len(model.axis) == len(W):
            summed = W.reshape(*W.shape[:2], -1).sum(axis=2)
            pitches = np.array([template_pitch(template, np.array(model.axis, float)) for template in summed.T])
    counts = [np.nan] * model.rank if model.feature_rate is None else [float(len(times)) for times in onsets(model)]
    return Table(
        {
            "component": np.arange(1, model.rank + 1),
            "label": np.array(model.labels, dtype=object),
            "pitch": pitches,
            "energy": found / (found.sum() or 1),
            "onsets": np.array(counts),
        }
    )


def template_pitch(template: NDArray[np.floating], frequencies: NDArray[np.float64]) -> float:
    """Return the MIDI number on whose partials most of a template (K,) lies, NaN if no pitch explains much of it.

    What lies halfway between the partials counts against a pitch, so that neither the octave below nor noise wins.
    """
    if not template.any():
        return np.nan
    fundamentals = pitch_frequency(_CANDIDATES)
    fundamentals = fundamentals[fundamentals > 2 * frequencies[1]]
    orders = np.arange(1, _PARTIALS + 1)[:, None]

    def collected(places: NDArray[np.float64]) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.interp(places, frequencies, template, right=0.0).sum(axis=0)
        return sums

    on, between = collected(orders * fundamentals), collected((orders - 0.5) * fundamentals)
    best = int(np.argmax(on - between))
    if on[best] - between[best] <= _PITCHED * (on[best] + between[best]):
        return np.nan
    return float(np.round(_CANDIDATES[len(_CANDIDATES) - len(fundamentals) + best], 1))


def onsets(model: Factorization) -> list[NDArray[np.float64]]:
    """Return when each component begins (s, from frame 0).

    Where the root of an activation rises by a good part of its largest value within `_ATTACK`, something begins; in a
    component that is faint beside the others, nothing does.

    Parameters
    ----------
    model : Factorization
        Over time.
    """
    W, H, rate = model.templates, model.activations, model.feature_rate or 0.0
    norms = np.sqrt(np.square(W).reshape(W.shape[0], W.shape[1], -1).sum(axis=(0, 2)))
    loudest = norms * H.max(axis=1, initial=0)
    references = np.maximum(np.maximum(loudest, _FAINT * loudest.max(initial=0)), 1e-30)
    reach = max(round(_ATTACK * rate), 1)
    picking = PeakParameters(threshold=_RISE, min_gap=_ATTACK, comparison=_ATTACK)
    found = []
    for activation, factor in zip(H, norms / references, strict=True):
        level = np.sqrt(activation * factor)
        lowest = sliding_window_view(np.pad(level, (reach, 0)), reach + 1)[:, :-1].min(axis=1)
        found.append(pick(Features(np.maximum(level - lowest, 0), rate), picking)["time"])
    return found


def sound_onsets(model: Factorization) -> list[NDArray[np.float64]]:
    """Return when the sound of each label begins anew (s, from frame 0): whenever one of its components does."""
    found = onsets(model)
    return [
        np.sort(np.concatenate([times for times, label in zip(found, model.labels, strict=True) if label == name]))
        for name in dict.fromkeys(model.labels)
    ]
