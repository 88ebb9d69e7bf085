"""Sound through masks, wherever they come from."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice, repeat

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.masks import MaskStream, Matrix, remaining
from mirtool.errors import DataError
from mirtool.signal.filters import bin_frequencies
from mirtool.signal.hps import Samples, channels_of
from mirtool.signal.stft import STFT, InverseSTFT, frame_count, hann
from mirtool.types import AudioSource, Features, PartsOf

KIND = "mask"
_BATCH = 256  # frames of a mask read at a time


@dataclass(frozen=True)
class MaskedStems(PartsOf):
    """The parts that masks take out of a sound, computed as they are read; `Stems`.

    All channels share the masks. A method that tells its masks frame by frame needs no more than this.

    Parameters
    ----------
    source : AudioSource
    given : MaskStream
        A frame for each frame of the transform (`frame_count`), or one fewer.
    given_names : tuple of str
        Of the parts that have a mask.
    rest : str or None
        Name of a further part, the last one, that gets what the masks leave of the sound.
    """

    given: MaskStream
    given_names: tuple[str, ...]
    rest: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return self.given_names if self.rest is None else (*self.given_names, self.rest)

    @property
    def masks(self) -> MaskStream:
        """The masks of all parts, of which that of the rest is what the others leave of 1."""
        return self.given if self.rest is None else replace(self.given, make=self._all_masks)

    def _all_masks(self) -> Iterator[tuple[Matrix, ...]]:
        for masks in self.given.make():
            yield (*masks, remaining(masks))

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Yield blocks (n × channels) of the parts; see `Stems`.

        Raises
        ------
        DataError
            Samples that are not finite, or masks that end before the sound does.
        """
        silence = np.zeros((self.channels, _reach(self.given) * self.given.hop), dtype=np.float32)
        state = _MaskState(self)
        length, done = 0, -silence.shape[1]  # samples of the sound taken and given
        for chunk in chain([silence], channels_of(self.source), [silence]):
            length += 0 if chunk is silence else chunk.shape[1]
            for parts in state.push(chunk):
                yield tuple(part[:, max(-done, 0) : length - done].T for part in parts)
                done += parts[0].shape[1]
        yield tuple(part[:, max(-done, 0) : length - done].T for part in state.flush())


class _MaskState:
    """Online masking: samples in, parts out, from the beginning of the frames before the first."""

    def __init__(self, stems: MaskedStems) -> None:
        window, hop = hann(stems.given.size), stems.given.hop
        self._states = [STFT(window, hop) for _ in range(stems.channels)]
        self._inverses = [InverseSTFT(window, hop) for _ in stems.given_names]
        self._masks = _rows(stems.given, stems.sample_rate)
        self._has_rest = stems.rest is not None
        self._held = np.zeros((stems.channels, 0), dtype=np.float32)
        self._taken = 0

    def push(self, samples: Samples) -> Iterator[list[Samples]]:
        """Take samples (channels × n); yield the parts (channels × m each) that are complete."""
        self._taken += samples.shape[1]
        self._held = np.concatenate((self._held, samples), axis=1)
        yield from self._masked(state.push(channel) for state, channel in zip(self._states, samples, strict=True))

    def flush(self) -> list[Samples]:
        """Return the remaining samples of the parts; the state is spent."""
        pieces = list(self._masked(state.flush() for state in self._states))
        pieces.append(self._with_rest([inverse.flush(self._taken) for inverse in self._inverses]))
        return [np.concatenate(part, axis=1) for part in zip(*pieces, strict=True)]

    def _masked(self, batches: Iterable[list[NDArray[np.complex64]]]) -> Iterator[list[Samples]]:
        for batch in zip(*batches, strict=True):
            X = np.stack(batch)
            masks = map(np.stack, zip(*islice(self._masks, X.shape[1]), strict=True))
            yield self._with_rest([inverse.push(X * M) for inverse, M in zip(self._inverses, masks, strict=True)])

    def _with_rest(self, parts: list[Samples]) -> list[Samples]:
        count = parts[0].shape[1]
        sound, self._held = self._held[:, :count], self._held[:, count:]
        return [*parts, sound - np.add.reduce(parts)] if self._has_rest else parts


def _reach(masks: MaskStream) -> int:
    """Return how many frames beyond either end hold some of the sound."""
    return -(-masks.size // (2 * masks.hop))


def _rows(masks: MaskStream, sample_rate: int) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Yield the masks of one frame after the other, with mirror images beyond either end; the last may stand twice."""
    reach = _reach(masks)
    rows = (row for piece in masks.make() for row in zip(*piece, strict=True))
    first = list(islice(rows, reach + 1))
    yield from (first[min(n, len(first) - 1)] for n in range(reach, 0, -1) if first)
    latest: deque[tuple[NDArray[np.float32], ...]] = deque(maxlen=reach + 2)
    count = 0
    for row in chain(first, rows):
        yield row
        latest.appendleft(row)
        count += 1
    if latest:
        yield from islice(chain(islice(latest, 1, None), repeat(latest[0])), reach + 1)
    raise DataError(f"the masks end at {count * masks.hop / sample_rate:.3f} s, before the sound does")


def stems_of(
    source: AudioSource,
    masks: Mapping[str, Features],
    *,
    start: float = 0.0,
    normalize: bool = False,
    rest: str | None = None,
) -> MaskedStems:
    """Send a sound through masks that were made elsewhere.

    Parameters
    ----------
    source : AudioSource
    masks : mapping
        By the name of each part: K × N, real. The transform has 2 (K - 1) samples and a Hann window, the hop follows
        from the rate of the frames, and frame n is centred at n hops.
    start : float
        Time of the first sample on the time line of the masks (s).
    normalize : bool
        Divide the masks by their sum, so that all of the sound is given to some part. Where all are zero, all get
        the same.
    rest : str or None
        Name of a further part for what the masks leave of the sound.

    Raises
    ------
    DataError
        There is no mask, or the masks do not fit to each other or to the sound.
    """
    names = tuple(masks)
    if not names:
        raise DataError("there are no masks")
    if rest in names:
        raise DataError(f"a mask is called {rest}, as what the masks leave")
    for name, mask in masks.items():
        _check_alone(name, mask)
    first = masks[names[0]]
    for name, mask in masks.items():
        if mask.data.shape != first.data.shape or mask.feature_rate != first.feature_rate:
            raise DataError(f"{name} has {_told(mask)}, {names[0]} {_told(first)}")
    size, hop = _geometry(first, source, start)

    def make() -> Iterator[tuple[Matrix, ...]]:
        for begin in range(0, first.frames, _BATCH):
            piece = [np.ascontiguousarray(mask.data[:, begin : begin + _BATCH].T) for mask in masks.values()]
            yield _normalized(piece) if normalize else tuple(piece)

    return MaskedStems(source, MaskStream(size, hop, make), names, rest)


def descriptions(names: Iterable[str], masks: MaskStream, sample_rate: int, start: float) -> dict[str, Features]:
    """Return, by name, what is known of masks (K × 0) that are to be written.

    Parameters
    ----------
    names : iterable of str
    masks : MaskStream
    sample_rate : int
    start : float
        Time of the first sample (s).
    """
    axis = tuple(bin_frequencies(sample_rate, masks.size).tolist())
    rate, dims = sample_rate / masks.hop, ("frequency", "time")
    mask = Features(np.zeros((len(axis), 0)), rate, KIND, dims, axis, start, provenance=masks.provenance)
    return dict.fromkeys(names, mask)


def _normalized(masks: list[Matrix]) -> tuple[Matrix, ...]:
    total = np.add.reduce(masks)
    zero = total == 0
    return tuple(np.divide(mask + zero, total + len(masks) * zero, dtype=np.float32) for mask in masks)


def _check_alone(name: str, mask: Features) -> None:
    if mask.kind not in ("", KIND):
        raise DataError(f"{name} holds {mask.kind}, not a mask")
    if mask.data.ndim != 2 or np.iscomplexobj(mask.data) or mask.feature_rate is None or mask.data.shape[0] < 3:
        raise DataError(f"{name} is no mask: a real matrix of frequencies × frames, with a rate")
    least = min(float(mask.data[:, n : n + _BATCH].min()) for n in range(0, mask.frames, _BATCH))
    if least < 0:
        raise DataError(f"{name} is no mask: it holds {least:g}")


def _geometry(mask: Features, source: AudioSource, start: float) -> tuple[int, int]:
    """Return the length of the transform and the hop, in samples of the sound."""
    rate = mask.feature_rate or 0.0
    size, exact = 2 * (mask.data.shape[0] - 1), source.sample_rate / rate
    hop = max(round(exact), 1)
    if abs(exact - hop) * mask.frames > hop / 2:
        raise DataError(f"{rate:g} frames per second are one in {exact:g} samples of the sound, no whole number")
    if hop > size // 2:
        raise DataError(f"frames of {size} samples do not overlap enough at a distance of {hop}")
    top = float(mask.axis[-1]) if mask.axis and not isinstance(mask.axis[-1], str) else source.sample_rate / 2
    if abs(top - source.sample_rate / 2) > source.sample_rate / size:
        raise DataError(f"the masks reach up to {top:g} Hz, the sound to {source.sample_rate / 2:g} Hz")
    if abs(mask.start - start) > 0.5 / rate:
        raise DataError(f"the masks begin at {mask.start:.3f} s, the sound at {start:.3f} s")
    if source.frames is not None and abs(frame_count(source.frames, hop) - mask.frames) > 1:
        lasts = source.frames / source.sample_rate
        raise DataError(f"the masks last {mask.frames / rate:.3f} s, the sound {lasts:.3f} s")
    return size, hop


def _told(mask: Features) -> str:
    shape = " × ".join(map(str, mask.data.shape))
    return f"{shape} values at {mask.feature_rate:g} Hz"
