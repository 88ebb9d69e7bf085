"""The loop over the bytes of a MIDI track, compiled: for large files and many of them."""

import numpy as np

from mirtool.io import midi_scan
from mirtool.jit import kernel

scan = kernel(midi_scan.scan)


def warm() -> None:
    """Compile all kernels."""
    data, table = np.zeros(midi_scan.PADDING, np.int64), np.zeros(8, np.int64)
    scan(data, 0, table, table, np.full(midi_scan.WAITING, -1), np.zeros(midi_scan.CHANNELS, np.int64))
