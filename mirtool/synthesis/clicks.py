"""Click tracks: events to be heard, alone or over the recording they were found in."""

import logging

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.synthesis.instruments import Click
from mirtool.synthesis.mix import over
from mirtool.synthesis.placement import LATEST, Placement, Samples
from mirtool.types import AudioSource, Events

# Partials (Hz) and decay (s): a dry tick for events and beats, a brighter and longer one, like a bell, for downbeats.
BEAT = ((1760.0,), 0.006)
DOWNBEAT = ((2637.0, 3951.0), 0.012)
SOFTEST = 0.25  # amplitude of an event without strength, beside the strongest one

log = logging.getLogger(__name__)


def click_track(
    events: Events, sample_rate: int = 44100, duration: float | None = None, start: float = 0.0
) -> AudioSource:
    """Play a click at every event.

    Downbeats (`beat` = 1) have a timbre of their own. Where there is a column `strength`, loudness grows with it, down
    to a quarter of the amplitude for what has none. Each click begins on the sample nearest to its event, with its
    loudest sample.

    Parameters
    ----------
    events : Events
        In any order.
    sample_rate : int
        Hz.
    duration : float, optional
        Length of the track (s); by default until the last click has died away.
    start : float
        Time of the first sample (s), for the events of an excerpt. What comes before is left out, with a warning.

    Returns
    -------
    AudioSource
        Mono, below 0.5; computed while it is read.

    Raises
    ------
    DataError
        A time that is not finite, or beyond a million seconds.
    ParameterError
        A sample rate that is not positive.
    """
    if sample_rate <= 0:
        raise ParameterError(f"the sample rate must be positive, not {sample_rate}")
    order = np.argsort(events["time"], kind="stable")
    times = events["time"][order] - start
    if not np.isfinite(times).all():
        raise DataError("an event at a time that is no number")
    if times.max(initial=0) > LATEST:
        raise DataError(f"an event at {times.max():g} s, later than anything is made to sound ({LATEST:g} s)")
    begins = np.round(times * sample_rate).astype(np.int64)
    heard = begins >= 0
    if not heard.all():
        log.warning("events before %g s are not heard: %d", start, np.count_nonzero(~heard))
    down = (events["beat"][order] == 1) if "beat" in events else np.zeros(len(order), np.bool_)
    return _Clicks(begins[heard], _amplitudes(events)[order][heard], down[heard], sample_rate, duration)


def clicks_over(
    recording: AudioSource, events: Events, gain: float = 0.0, stereo: bool = False, start: float = 0.0
) -> AudioSource:
    """Play clicks over a recording.

    Parameters
    ----------
    recording : AudioSource
        Is read anew, from its beginning.
    events : Events
    gain : float
        Of the clicks (dB).
    stereo : bool
        The recording, as mono, on the left, the clicks on the right; otherwise clicks are added to every channel.
    start : float
        Time of the recording's first sample (s).

    Returns
    -------
    AudioSource
        At the sample rate of the recording; see `mirtool.synthesis.mix.over`.
    """
    return over(recording, click_track(events, recording.sample_rate, start=start), gain, stereo)


def _amplitudes(events: Events) -> NDArray[np.float64]:
    """Return the amplitude of each event: 1 for the strongest, and where nothing is known of it."""
    if "strength" not in events or events["strength"].dtype == object:
        return np.ones(len(events))
    strength = np.nan_to_num(np.maximum(events["strength"], 0), nan=np.inf)
    largest = np.max(strength, where=np.isfinite(strength), initial=0.0)
    share = np.minimum(strength / largest, 1.0) if largest > 0 else np.ones(len(events))
    return SOFTEST + (1 - SOFTEST) * np.asarray(share)


class _Clicks(Placement):
    def __init__(
        self,
        begins: NDArray[np.int64],
        amplitudes: NDArray[np.float64],
        down: NDArray[np.bool_],
        sample_rate: int,
        duration: float | None,
    ) -> None:
        self._timbres = _timbre(BEAT, sample_rate), _timbre(DOWNBEAT, sample_rate)
        self._amplitudes = amplitudes.astype(np.float32)
        self._kinds = down.astype(np.int64)
        super().__init__(begins, sample_rate, duration)

    def _lengths(self) -> NDArray[np.int64]:
        return np.array([len(timbre) for timbre in self._timbres])[self._kinds]

    def _sound(self, index: int) -> Samples:
        return np.asarray(self._timbres[self._kinds[index]] * self._amplitudes[index])


def _timbre(timbre: tuple[tuple[float, ...], float], sample_rate: int) -> Samples:
    """Return a click of the given partials; those beyond the Nyquist frequency are moved down by octaves."""
    partials, decay = timbre
    click = Click(decay)
    heard = [frequency / 2 ** max(np.ceil(np.log2(frequency / (0.45 * sample_rate))), 0) for frequency in partials]
    tones = [click.tone(frequency, 127, 0.0, sample_rate) for frequency in heard]
    return np.asarray(np.mean(tones, axis=0), dtype=np.float32)
