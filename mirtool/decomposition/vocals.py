"""Voice and accompaniment, told apart by the pitch of the voice.

As Driedger and Müller, Extracting singing voice from music recordings by cascading audio decomposition techniques,
ICASSP 2015, and Ikemiya, Itoyama, Yoshii, TASLP 24(11), 2016: the pitch that is sung tells where its harmonics are.
What stands there is shared out between the voice and what the accompaniment plays at other times, too
(`source_filter`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.decomposition.masked import MaskedStems
from mirtool.decomposition.masks import MaskStream, Matrix, check, masks
from mirtool.decomposition.parameters import VocalsParameters
from mirtool.decomposition.source_filter import filter_bands, learn, random_model
from mirtool.decomposition.transform import transform_size
from mirtool.errors import DataError, ParameterError
from mirtool.features.frames import provenance
from mirtool.features.melody import melody
from mirtool.features.parameters import MelodyParameters
from mirtool.signal.filters import bin_frequencies
from mirtool.signal.stft import hann
from mirtool.threads import in_order
from mirtool.types import AudioSource, Events

_SECTION, _FADE = 20.0, 1.0  # s that are modelled by themselves, and that two of them share
_SHORTEST_WINDOW, _LONGEST_WINDOW = 0.01, 0.5  # s
_FILTERS, _BANDS = 8, 20  # shapes of the voice's filter, and bands they are made of
_TOOTH = 1.0  # bins: standard deviation of a harmonic, about that of the main lobe of the window


def voice_pitch(source: AudioSource, parameters: VocalsParameters) -> Events:
    """Find the pitch of the voice that stands out: columns ``time,f0_hz``, 0 where nobody sings; see `melody`."""
    return melody(source, MelodyParameters(f0_range=parameters.f0_range, voicing=parameters.voicing))


def vocals(source: AudioSource, parameters: VocalsParameters, f0: Events) -> MaskedStems:
    """Separate a voice from what accompanies it.

    Parameters
    ----------
    source : AudioSource
        Read twice: for the masks and for the parts.
    parameters : VocalsParameters
    f0 : Events
        Columns ``time,f0_hz``: the pitch that is sung (Hz), 0 where nobody sings; see `voice_pitch`.

    Returns
    -------
    MaskedStems
        Parts ``vocals`` and ``accompaniment``.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        An f0 without the columns, or with values that are no frequencies; while it is read: samples that are not
        finite.
    """
    _check(parameters)
    size = transform_size(parameters.vocals_window, source.sample_rate)
    sections = _Sections(source, parameters, checked(f0), size, size // 4)
    stream = MaskStream(size, size // 4, sections.masks, provenance(parameters))
    return MaskedStems(source, stream, ("vocals",), "accompaniment")


@dataclass(frozen=True, eq=False)
class _Sections:
    """Sections of a sound, each with a model of its own, so that hours take no more memory than minutes."""

    source: AudioSource
    parameters: VocalsParameters
    f0: Events
    size: int
    hop: int

    def masks(self) -> Iterator[tuple[Matrix]]:
        """Yield the mask of the voice, frame after frame."""
        rate = self.source.sample_rate / self.hop
        fade = round(_FADE * rate)
        for mask in _faded(in_order(self._mask, self._cut(round(_SECTION * rate), fade)), fade):
            yield (mask,)

    def _cut(self, frames: int, shared: int) -> Iterator["_Section"]:
        """Cut the sound into sections of that many frames, of which two share some."""
        begin = 0
        for block in self.source.blocks(frames * self.hop, shared * self.hop):
            yield _Section(begin, block)
            begin += (frames - shared) * self.hop

    def _mask(self, section: "_Section") -> Matrix:
        """Return the share of the voice (frames × bins) in a section."""
        x = section.samples
        frames = max(-(-len(x) // self.hop), 1)
        f0 = sung_pitch(self.f0, (section.begin + self.hop * np.arange(frames)) / self.source.sample_rate)
        bins = bin_frequencies(self.source.sample_rate, self.size)
        V = self._magnitudes(x, frames)
        level = V.mean()
        if level == 0 or not f0.any():
            return np.zeros_like(V)
        V /= level
        begin = random_model(comb(bins, f0), filter_bands(bins, _BANDS), _FILTERS, self.parameters.accompaniment_rank)
        model = learn(V, begin, self.parameters.model_updates)
        return masks((np.square(model.voice), np.square(model.accompaniment)), self.parameters)[0]

    def _magnitudes(self, x: NDArray[np.float32], frames: int) -> Matrix:
        """Return the magnitudes (frames × bins) of all channels together, with silence on either side."""
        padded = np.pad(x.T, ((0, 0), (self.size // 2, self.size)))
        windows = sliding_window_view(padded, self.size, axis=1)[:, : frames * self.hop : self.hop]
        energy = np.zeros((frames, self.size // 2 + 1), np.float32)
        for channel in windows:
            X = np.fft.rfft(channel * hann(self.size))
            energy += np.square(X.real)
            energy += np.square(X.imag)
        return np.sqrt(energy, out=energy)


class _Section(NamedTuple):
    """Samples (n × channels) from sample `begin` on."""

    begin: int
    samples: NDArray[np.float32]


def _check(parameters: VocalsParameters) -> None:
    check(parameters)
    if not _SHORTEST_WINDOW <= parameters.vocals_window <= _LONGEST_WINDOW:
        shown = f"{_SHORTEST_WINDOW:g} to {_LONGEST_WINDOW:g} s long, not {parameters.vocals_window:g} s"
        raise ParameterError(f"the window for a voice is {shown}")
    if not 1 <= parameters.accompaniment_rank <= 500:
        raise ParameterError(f"the accompaniment is made of 1 to 500 spectra, not {parameters.accompaniment_rank}")
    if not 1 <= parameters.model_updates <= 10000:
        raise ParameterError(f"a model takes 1 to 10000 updates, not {parameters.model_updates}")


def checked(f0: Events) -> Events:
    """Return a table of pitches if it is one; raise `DataError` otherwise."""
    if "f0_hz" not in f0.columns:
        raise DataError("a melody needs the columns time,f0_hz")
    times, values = f0["time"], f0["f0_hz"]
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise DataError("a melody holds frequencies (Hz), and 0 where nothing sounds")
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise DataError("the times of a melody must rise")
    return f0


def sung_pitch(f0: Events, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pitch (Hz) at times (s): 0 where the nearest row says so, else between the rows around.

    A row speaks for no more than the time between its neighbours; far from all rows nobody sings.
    """
    rows, values = f0["time"], f0["f0_hz"]
    if len(rows) < 2:
        return np.zeros(len(times))
    right = np.clip(np.searchsorted(rows, times), 1, len(rows) - 1)
    left = right - 1
    nearest = np.where(times - rows[left] <= rows[right] - times, left, right)
    inside = (times >= rows[0] - (rows[1] - rows[0])) & (times <= rows[-1] + (rows[-1] - rows[-2]))
    both = (values[left] > 0) & (values[right] > 0)
    pitch = np.where(both, np.interp(times, rows, values), values[nearest])
    return np.where(inside, pitch, 0.0)


def comb(bins: NDArray[np.float64], f0: NDArray[np.float64]) -> Matrix:
    """Return where the harmonics of pitches are, 0 to 1.

    Parameters
    ----------
    bins : ndarray, shape (K,)
        Frequencies (Hz) of a transform.
    f0 : ndarray, shape (N,)
        Hz; 0 has no harmonics.

    Returns
    -------
    ndarray, shape (N, K), float32
    """
    pitch = np.where(f0 > 0, f0, 1).astype(np.float32)[:, None]
    axis = bins.astype(np.float32)
    teeth: Matrix = axis / pitch
    np.round(teeth, out=teeth)
    np.maximum(teeth, 1, out=teeth)
    teeth *= pitch
    teeth -= axis
    teeth /= np.float32(_TOOTH * bins[1])
    np.square(teeth, out=teeth)
    teeth *= np.float32(-0.5)
    np.exp(teeth, out=teeth)
    teeth[f0 <= 0] = 0
    return teeth


def _faded(sections: Iterable[Matrix], shared: int) -> Iterator[Matrix]:
    """Join masks of sections, each sharing frames with the one before, by fading from one to the other."""
    rise = ((np.arange(shared) + 0.5) / shared).astype(np.float32)[:, None]
    held: Matrix | None = None
    for mask in sections:
        if held is not None:
            mask[:shared] = mask[:shared] * rise + held[-shared:] * (1 - rise)
            yield held[:-shared]
        held = mask
    if held is not None:
        yield held
