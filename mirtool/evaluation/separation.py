"""Source separation: how near the estimated sources come to the true ones, and what the rest of each is.

All is found of inner products, which are gathered in one pass over the sounds: those of the signals themselves give SDR
and SI-SDR, those of all delays up to 512 samples the projections of BSS-eval. Channels count together.

Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019 (SI-SDR); Vincent et al., "First stereo audio source
separation evaluation campaign", ICA 2007 (the measures of images: SDR, ISR, SIR, SAR); Stöter, Liutkus and Ito, "The
2018 signal separation evaluation campaign", LVA/ICA 2018 (filters that do not change over the recording).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.correlations import Correlations, Matrix, together
from mirtool.evaluation.parameters import SeparationMatching
from mirtool.types import AudioSource

METRICS = ("sdr", "si_sdr", "si_sdr_gain", "isr", "sir", "sar")
LIMIT = 100.0  # dB: what is all right, or all wrong
_SAMPLES = 1 << 16  # read at a time where there are no delays
_UNKNOWNS = 1 << 13  # of the system of equations: 0.5 GB
_RIDGE = 1e-10  # of the mean energy: channels that are alike, or hold no high frequencies, leave the system singular


@dataclass(frozen=True)
class Signal:
    """A sound, and what messages call it."""

    sound: AudioSource
    label: str


def evaluate(
    references: Mapping[str, Signal],
    estimates: Mapping[str, Signal],
    mixture: Signal | None,
    parameters: SeparationMatching,
) -> dict[str, dict[str, float]]:
    """Return the scores of the estimated sources of one mixture.

    Parameters
    ----------
    references : mapping
        All sources, by name.
    estimates : mapping
        Of some or all of them. A source without an estimate gets the scores of silence.
    mixture : Signal or None
        None: the sum of the references, where there are several.
    parameters : SeparationMatching

    Returns
    -------
    dict
        By name: `sdr`, `si_sdr`, `si_sdr_gain` (over the mixture; NaN where there is none), and of BSS-eval for images
        `isr`, `sir` (NaN where there is one source only) and `sar`, in dB, from -100 to 100; all NaN where the
        reference is silent.

    Raises
    ------
    DataError
        Other sample rates, channels or lengths.
    ParameterError
        A length of the filters that cannot be.
    """
    signals = [*references.values(), *estimates.values(), *([mixture] if mixture is not None else [])]
    for signal in signals[1:]:
        check_alike(signals[0], signal)
    C = signals[0].sound.channels
    taps = parameters.filter_length
    if taps < 0 or taps * C * len(references) > _UNKNOWNS:
        raise ParameterError(
            f"filters of {taps} samples for {len(references)} sources of {C} channels: at most "
            f"{_UNKNOWNS // (C * len(references))}; with 0, isr, sir and sar are left out"
        )
    J = len(references)
    sums = _gathered(signals, J, taps)
    places = {name: J + place for place, name in enumerate(estimates)}
    mixed = len(signals) - 1 if mixture is not None else None
    every = np.zeros(0)
    if taps and J > 1:
        every = _projected(sums.delayed, slice(0, J * C), slice(0, len(signals) * C)).reshape(-1, C).sum(axis=1)
    scores = {}
    for j, name in enumerate(references):
        e = places.get(name)
        made = _levels(sums.products, j, e, mixed, J)
        if taps:
            made |= _projections(sums, j, e, float(every[j if e is None else e]) if J > 1 else None)
        unknown = sums.products[j, j] == 0
        scores[name] = {metric: np.nan if unknown else made.get(metric, np.nan) for metric in METRICS}
    return scores


def check_alike(reference: Signal, other: Signal) -> None:
    """Raise `DataError` unless two sounds have the same rate, channels and (where it is known) length."""
    first, second = reference.sound, other.sound
    facts = (
        ("Hz", first.sample_rate, second.sample_rate),
        ("channels", first.channels, second.channels),
        ("samples", first.frames, second.frames),
    )
    for unit, expected, found in facts:
        if None not in (expected, found) and expected != found:
            raise DataError(f"{other.label} has {found} {unit}, {reference.label} {expected}")


@dataclass(frozen=True, eq=False)
class _Sums:
    """Inner products of references, estimates and perhaps the mixture.

    Parameters
    ----------
    products : ndarray, shape (signals, signals)
        Over all channels.
    energies : ndarray, shape (signals, C)
        Of each channel.
    delayed : ndarray, shape (references · C, signals · C, L)
        Σ x(m) y(m + k) of the channels x of the references.
    """

    products: Matrix
    energies: Matrix
    delayed: Matrix


def _gathered(signals: Sequence[Signal], references: int, taps: int) -> _Sums:
    C, S = signals[0].sound.channels, len(signals)
    state = Correlations(references * C, S * C, taps) if taps else None
    size, ahead = (state.block, taps - 1) if state is not None else (_SAMPLES, 0)
    gram = np.zeros((S * C, S * C))
    for samples, fresh in together([one.sound for one in signals], [one.label for one in signals], size, ahead):
        gram += samples[:fresh].T @ samples[:fresh]
        if state is not None:
            state.push(samples, fresh)
    cells = gram.reshape(S, C, S, C)
    energies = np.diagonal(gram).reshape(S, C)
    delayed = state.values() if state is not None else np.zeros((0, 0, 0))
    return _Sums(np.einsum("acbc->ab", cells), energies, delayed)


def _levels(products: Matrix, j: int, e: int | None, mixed: int | None, references: int) -> dict[str, float]:
    """Return SDR, SI-SDR and its gain over the mixture, of inner products."""
    target = products[j, j]
    if e is None:
        scores = {"sdr": 0.0, "si_sdr": -LIMIT}
    else:
        error = target - 2 * products[j, e] + products[e, e]
        scores = {"sdr": _db(target, error), "si_sdr": _scale_invariant(target, products[j, e], products[e, e])}
    if mixed is not None:
        before = _scale_invariant(target, products[j, mixed], products[mixed, mixed])
    elif references > 1:
        among = products[:references, :references]
        before = _scale_invariant(target, among[j].sum(), among.sum())
    else:
        return scores
    return {**scores, "si_sdr_gain": scores["si_sdr"] - before}


def _scale_invariant(target: float, product: float, energy: float) -> float:
    """Return the level of what is in line with the reference over that of the rest."""
    aligned = product**2 / target if target > 0 else 0.0
    return _db(aligned, energy - aligned)


def _projections(sums: _Sums, j: int, e: int | None, every: float | None) -> dict[str, float]:
    """Return ISR, SIR and SAR: the estimate as a filtered reference, filtered others and the rest.

    `every` is the energy of its projection on all references, None where there is one only.
    """
    if e is None:
        return {"isr": 0.0, "sar": -LIMIT} | ({} if every is None else {"sir": -LIMIT})
    C = sums.energies.shape[1]
    one = float(_projected(sums.delayed, slice(j * C, (j + 1) * C), slice(e * C, (e + 1) * C)).sum())
    energy = float(sums.energies[e].sum())
    target, product = sums.products[j, j], sums.products[j, e]
    scores = {"isr": _db(target, one - 2 * product + target)}
    if every is None:
        return {**scores, "sar": _db(one, energy - one)}
    return {**scores, "sir": _db(one, every - one), "sar": _db(every, energy - every)}


def _projected(delayed: Matrix, space: slice, heard: slice) -> Matrix:
    """Return the energies of the projections of channels on all delays of others, shape (channels,)."""
    from scipy.linalg import solve, toeplitz

    among, rows = delayed[space, space], delayed[space, heard]
    P, L = among.shape[0], among.shape[2]
    G = np.empty((P, L, P, L))
    for p, q in np.ndindex(P, P):
        # Of x delayed by a and y delayed by b: the sum at lag a - b, or of y and x at b - a.
        G[p, :, q, :] = toeplitz(among[p, q], among[q, p])
    matrix = G.reshape(P * L, P * L)
    matrix[np.diag_indices(P * L)] += _RIDGE * np.trace(matrix) / (P * L) or 1.0
    D = rows.transpose(0, 2, 1).reshape(P * L, -1)
    energies: Matrix = np.sum(D * solve(matrix, D, assume_a="pos", overwrite_a=True), axis=0)
    return energies


def _db(signal: float, error: float) -> float:
    """Return a ratio of energies in dB, within the limits."""
    least = 10 ** (-LIMIT / 10)
    if signal <= least * error:  # nothing at all, too
        return -LIMIT
    return float(10 * np.log10(signal / max(error, least * signal)))
