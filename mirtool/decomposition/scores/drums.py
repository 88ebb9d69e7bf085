"""Find the drums among scores that do not say so.

Where a note of an instrument begins, sound begins at the partials of its pitch, more than at those of other pitches.
In the score of a drum kit pitches are mere numbers of drums: what begins there has any pitch or none.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK
from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.percussion import as_drums, is_drum
from mirtool.pitch import pitch_frequency
from mirtool.signal.resampling import mono
from mirtool.signal.stft import STFT, hann
from mirtool.types import AudioSource, Notes

DRUM_PITCHES = range(27, 88)  # of General MIDI, level 2

_WINDOW, _HOP = 0.186, 0.023  # s
_LATER, _EARLIER = 0.02, 0.01  # s from the onset to the window after it, and from the window before
_PARTIALS = 6
_MISTUNED = 0.01  # share of its frequency by which a partial may lie beside it
_MOST = 100  # notes of a part that are listened to
_HEARD = 120.0  # s from the first of them in which they lie
_LEAST = 8  # notes without which a part is taken as it is
_PITCHED = 0.7  # share of other pitches that the own one exceeds: 0.5 by chance, 0.87 to 1 of instruments
_INTERVALS = np.array([0, *range(-11, 0), *range(1, 12)])

Matrix = NDArray[np.float32]


def with_drums(source: AudioSource, parts: Sequence[ScorePart]) -> list[ScorePart]:
    """Mark the notes of parts that are drums, by the sound, as such (`ScorePart`).

    Parameters
    ----------
    source : AudioSource
    parts : sequence of ScorePart
        Aligned with the sound.

    Returns
    -------
    list of ScorePart
        As they were given if all of several parts would be drums: then the scores do not fit the sound.
    """
    doubtful = [number for number, part in enumerate(parts) if _may_be_drums(part.notes)]
    if not doubtful:
        return list(parts)
    heard = [_sample(parts[number].notes) for number in doubtful]
    ranks = _ranks(source, np.concatenate(heard))
    found, begin = list(parts), 0
    for number, rows in zip(doubtful, heard, strict=True):
        own = ranks[begin : begin + len(rows)]
        begin += len(rows)
        own = own[np.isfinite(own)]
        if len(own) >= _LEAST and own.mean() < _PITCHED:
            found[number] = replace(parts[number], notes=as_drums(parts[number].notes))
    if len(parts) > 1 and all(is_drum(part.notes).all() for part in found):
        return list(parts)  # not drums alone: scores that do not fit
    return found


def _may_be_drums(notes: Notes) -> bool:
    """Tell whether a part without channel 10 has only numbers of drums, and enough notes to tell."""
    pitches = notes["pitch"]
    inside = (pitches >= DRUM_PITCHES.start) & (pitches < DRUM_PITCHES.stop)
    return len(notes) >= _LEAST and bool(inside.all()) and not is_drum(notes).any()


def _sample(notes: Notes) -> NDArray[np.float64]:
    """Return onsets and pitches of notes that are spread over the beginning of a part, shape (m, 2)."""
    rows = np.stack((notes["onset"], notes["pitch"]), axis=1)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    rows = rows[rows[:, 0] <= rows[0, 0] + _HEARD]
    spread = np.linspace(0, len(rows) - 1, _MOST).round().astype(np.int64)
    sample: NDArray[np.float64] = rows[np.unique(spread)]
    return sample


def _ranks(source: AudioSource, notes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each note, the share of other pitches of which less begins there than of its own; NaN: nothing does.

    Parameters
    ----------
    source : AudioSource
    notes : ndarray, shape (m, 2)
        Onsets (s) and pitches.
    """
    rate = source.sample_rate
    size, hop = max(64, 2 * round(_WINDOW * rate / 2)), max(1, round(_HOP * rate))
    after = np.round((notes[:, 0] + _LATER + size / 2 / rate) * rate / hop).astype(np.int64)
    before = np.round((notes[:, 0] - _EARLIER - size / 2 / rate) * rate / hop).astype(np.int64)
    spectra = _spectra(source, size, hop, set(after.tolist()) | set(before.tolist()))
    ranks = np.full(len(notes), np.nan)
    for number, (first, last) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
        if first in spectra and last in spectra:
            rise = np.maximum(spectra[last] - spectra[first], 0)
            combs = _combs(rise, pitch_frequency(notes[number, 1] + _INTERVALS) * (size / rate))
            if combs.any():
                ranks[number] = (combs[0] > combs[1:]).mean()
    return ranks


def _spectra(source: AudioSource, size: int, hop: int, wanted: set[int]) -> dict[int, Matrix]:
    """Return the magnitudes of some frames by their numbers, as far as there are such."""
    transform, found, frame = STFT(hann(size), hop), {}, 0
    last = max(wanted, default=-1)

    def keep(batches: list[NDArray[np.complex64]]) -> None:
        nonlocal frame
        for batch in batches:
            for spectrum in batch:
                if frame in wanted:
                    found[frame] = np.abs(spectrum)
                frame += 1

    for block in mono(source).blocks(CHUNK):
        keep(transform.push(block[:, 0]))
        if frame > last:
            return found
    keep(transform.flush())
    return found


def _combs(rise: Matrix, fundamentals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of a spectrum (K,) at the partials of fundamentals (in bins), summed over the partials."""
    centre = fundamentals[:, None] * np.arange(1, _PARTIALS + 1)
    low = np.floor(centre * (1 - _MISTUNED) - 1).astype(np.int64)
    high = np.ceil(centre * (1 + _MISTUNED) + 1).astype(np.int64) + 1
    inside = (low >= 0) & (high <= len(rise))
    sums = np.concatenate(([0.0], np.cumsum(rise, dtype=np.float64)))
    low, high = np.clip(low, 0, len(rise)), np.clip(high, 0, len(rise))
    means = np.where(inside, (sums[high] - sums[low]) / np.maximum(high - low, 1), 0.0)
    combs: NDArray[np.float64] = means.sum(axis=1)
    return combs
