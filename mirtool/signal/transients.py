"""Where sharp attacks lie in percussive sound, for `tsm`."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # channels × n


class Transients:
    """Online detection of the sharp attacks of a percussive signal.

    An attack is a bin of about 1.5 ms whose peak is the highest within 11 ms on either side and `RISE` times the mean
    of the 30 ms before. A false one does no harm: there the sound is merely not stretched for some milliseconds.

    Parameters
    ----------
    width : int
        Samples of a bin.
    """

    RISE = 4.0
    _NEAR, _PAST = 8, 20

    def __init__(self, width: int) -> None:
        self._width = width
        self._peaks = np.zeros(self._PAST + self._NEAR, dtype=np.float32)
        self._places = np.zeros(self._PAST + self._NEAR, dtype=np.int64)
        self._begin = 0
        self.positions = np.empty(0, dtype=np.int64)  # of all attacks not yet forgotten (samples)
        self.until = 0  # they are complete up to here (samples)

    def push(self, percussive: Samples) -> None:
        """Take the next samples (channels × n); only the last chunk may be no multiple of the width."""
        missing = -percussive.shape[1] % self._width
        level = np.pad(np.abs(percussive).max(axis=0), (0, missing)).reshape(-1, self._width)
        places = level.argmax(axis=1)
        peaks = level[np.arange(len(level)), places]
        places = places + self._begin + self._width * np.arange(len(level))
        self._begin += level.size
        self._peaks = np.concatenate((self._peaks, peaks))
        self._places = np.concatenate((self._places, places))
        self._decide()

    def flush(self) -> None:
        """Decide on the last samples: silence follows."""
        self.push(np.zeros((1, self._NEAR * self._width), dtype=np.float32))

    def forget(self, before: int) -> None:
        """Drop attacks before a sample."""
        self.positions = self.positions[self.positions >= before]

    def _decide(self) -> None:
        near, past = self._NEAR, self._PAST
        count = len(self._peaks) - past - near
        if count <= 0:
            return
        here = self._peaks[past : past + count]
        highest = sliding_window_view(self._peaks[past - near :], 2 * near + 1)[:count].max(axis=1)
        before = sliding_window_view(self._peaks, past - 2)[:count].mean(axis=1)
        found = (here == highest) & (here > self.RISE * before + 1e-5)
        self.positions = np.concatenate((self.positions, self._places[past : past + count][found]))
        self._peaks, self._places = self._peaks[count:], self._places[count:]
        self.until = self._begin - near * self._width
