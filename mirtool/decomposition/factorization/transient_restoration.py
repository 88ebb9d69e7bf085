"""Sharp attacks for masked sounds: no pre-echo before a stroke (Dittmar and Müller, DAFx 2015).

A mask is the same for a whole window. So a separated stroke takes something of the mixture with it from up to a window
before its attack on. Dittmar and Müller, "Towards transient restoration in score-informed audio decomposition", set the
sound before a known onset to zero, in every round of the algorithm of Griffin and Lim. Two things are done otherwise:

- Zeros also cut off what still rings of the stroke before. Here the sound is lowered to the level that this ring would
  have by now, with some room for a level that swings.
- There are no rounds. Where the phases are those of the mixture, rounds lowered the SI-SDR of drums (by up to 3 dB)
  and left pre-echo and attacks as they were.

All samples but those in the window before an attack stay as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mirtool.types import StemStream

Block = NDArray[np.float32]  # n × channels

_SHORT = 0.003  # s before and after an attack that are compared
_GUARD = 0.001  # s by which the attack may begin earlier than where it is found
_FLOOR = 0.01  # share of the largest energy nearby that counts as nothing
_RISE = 4.0  # energy after an attack over that before; a sound that swells has no attack
_ROOM = 2.0  # amplitude over the expected one that is let pass (6 dB): low sounds swing
_SMOOTH = 8  # the level of the pre-echo is measured over this part of a window


def restored(stems: StemStream, onsets: Sequence[NDArray[np.float64]], size: int) -> StemStream:
    """Return sounds without the pre-echo of their attacks.

    Parameters
    ----------
    stems : StemStream
        Masked sounds.
    onsets : sequence of ndarray
        Of each sound, about when it begins anew (s); the attack is the steepest rise within a window on either side.
    size : int
        Samples of the window of the masks.

    Returns
    -------
    StemStream
        Different only in the window before each attack. Nothing is done where the attack before, or the beginning, is
        less than one and a half windows away, for then nobody knows what still rings.
    """

    def make() -> Iterator[tuple[Block, ...]]:
        empty = np.zeros((0, stems.channels), np.float32)
        states = [_Restoration(times, size, stems.sample_rate, empty) for times in onsets]
        for blocks in stems.blocks():
            yield tuple(state.push(block) for state, block in zip(states, blocks, strict=True))
        yield tuple(state.flush() for state in states)

    return replace(stems, make=make)


class _Restoration:
    """One sound, of which as much is held back as attacks that are still to come may change or look at."""

    def __init__(self, onsets: NDArray[np.float64], size: int, sample_rate: int, empty: Block) -> None:
        self._coming: list[int] = np.sort(np.rint(onsets * sample_rate).astype(np.int64))[::-1].tolist()
        self._size = size
        self._short = max(round(_SHORT * sample_rate), 2)
        self._guard = round(_GUARD * sample_rate)
        self._held = empty
        self._begin = 0  # of what is held (samples)
        self._last = 0  # attack, or the beginning

    def push(self, block: Block) -> Block:
        """Take samples (n × channels) and return those that are done."""
        self._held = np.concatenate((self._held, block))
        end = self._begin + len(self._held)
        reach = self._size + self._short
        while self._coming and self._coming[-1] + reach <= end:
            self._restore(self._coming.pop())
        return self._released(end - reach - 3 * self._size - self._guard)

    def flush(self) -> Block:
        """Return the remaining samples."""
        while self._coming:
            self._restore(self._coming.pop())
        return self._released(self._begin + len(self._held))

    def _released(self, until: int) -> Block:
        count = max(until - self._begin, 0)
        done, self._held = self._held[:count], self._held[count:]
        self._begin += count
        return done

    def _restore(self, onset: int) -> None:
        first = max(onset - self._size - self._begin, self._short)
        found = attack(self._held[first - self._short : onset + self._size + self._short - self._begin], self._short)
        if found is None:
            return
        place = first + found - self._guard
        before = self._begin + place - self._last
        self._last = max(self._last, self._begin + place)
        half = self._size // 2
        if before >= 3 * half:
            start = max(place - 2 * self._size, place - before)
            limit(self._held[start:place], self._size, known_decay=before >= 2 * self._size)


def attack(samples: Block, short: int) -> int | None:
    """Return where the energy rises most steeply, counted from sample `short` on.

    Parameters
    ----------
    samples : ndarray, shape (n, channels), float32
    short : int
        Samples before and after a place that are compared.

    Returns
    -------
    int or None
        None if it rises nowhere by much.
    """
    if len(samples) < 2 * short:
        return None
    sums = np.cumsum(np.concatenate(([0.0], np.square(samples, dtype=np.float64).sum(axis=1))))
    energies = sums[short:] - sums[:-short]
    floor = _FLOOR * energies.max()
    if floor <= 0:
        return None
    rises = (energies[short:] + floor) / (energies[:-short] + floor)
    place = int(np.argmax(rises))
    return place if rises[place] >= _RISE else None


def limit(samples: Block, size: int, known_decay: bool) -> None:
    """Lower the last `size` samples before an attack, in place, to the level of what rings from before.

    The half window before these has the level of the ring, and over the half window before that it has decayed to it;
    on it goes exponentially.

    Parameters
    ----------
    samples : ndarray, shape (n, channels), float32
        Up to the attack; one and a half windows at least, two where the decay is known.
    size : int
    known_decay : bool
        Otherwise the ring is taken to stay as loud as it is.
    """
    half, place = size // 2, len(samples)
    begin = place - size
    energy = np.square(samples, dtype=np.float64).sum(axis=1)
    level = np.sqrt(energy[begin - half : begin].mean())
    earlier = np.sqrt(energy[begin - 2 * half : begin - half].mean()) if known_decay else level
    decay = min(level / earlier, 1.0) if earlier > 0 else 1.0
    ceiling = _ROOM * level * decay ** ((np.arange(size) + half / 2) / half)

    sums = np.cumsum(np.concatenate(([0.0], energy[begin:])))
    places = np.arange(size)
    first = np.maximum(places - size // (2 * _SMOOTH), 0)
    stop = np.minimum(places + size // (2 * _SMOOTH) + 1, size)
    envelope = np.sqrt((sums[stop] - sums[first]) / (stop - first))
    gains = np.divide(ceiling, envelope, out=np.ones(size), where=envelope > ceiling)
    samples[begin:] *= gains[:, None].astype(np.float32)
