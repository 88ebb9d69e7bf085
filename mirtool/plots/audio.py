"""Sound: waveforms."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from mirtool.errors import DataError
from mirtool.plots.figure import BLUE, Panel
from mirtool.plots.reduction import BINS, Envelope, finite_range, sound_envelope
from mirtool.types import AudioSource

_SIDES = {1: ("Amplitude",), 2: ("Left", "Right")}


def waveform_panels(source: AudioSource, start: float = 0.0) -> list[Panel]:
    """Draw the waveform, a panel a channel, all with the same scale.

    Parameters
    ----------
    source : AudioSource
        Read once, in blocks; hours need no more memory than seconds.
    start : float
        Time of the first sample (s).

    Raises
    ------
    DataError
        There is no sample.
    """
    envelope = sound_envelope(source)
    channels = source.channels
    if envelope.low.size == 0:
        raise DataError("no sound to draw")
    names = _SIDES.get(channels) or tuple(f"Channel {n + 1}" for n in range(channels))
    height = max(0.5, (1.7 if channels == 1 else 2.4) / channels)
    span = (start, start + float(envelope.times[-1]))
    return [
        Panel(partial(_paint, envelope, channel, start, names[channel]), height, span) for channel in range(channels)
    ]


def _paint(envelope: Envelope, channel: int, start: float, name: str, axes: Axes) -> None:
    low, high, times = envelope.low[channel], envelope.high[channel], start + envelope.times
    if np.array_equal(low, high):
        axes.plot(times[:-1], low, color=BLUE, linewidth=0.7, marker="." if len(low) < BINS // 20 else "", markersize=3)
    else:
        axes.fill_between(
            times, np.append(low, low[-1]), np.append(high, high[-1]), step="post", color=BLUE, linewidth=0.2
        )
    peak = finite_range(np.abs([envelope.low, envelope.high]))[1] or 1.0
    axes.set_ylim(-1.05 * peak, 1.05 * peak)
    axes.axhline(0.0, color="#444444", linewidth=0.4)
    axes.set_ylabel(name)
