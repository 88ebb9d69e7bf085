"""Finding all tracks of a long recording: one short query after the other, and what they have in common."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import sample_blocks
from mirtool.retrieval.parameters import MonitorParameters, RecognitionParameters
from mirtool.retrieval.recognition.landmark_search import LONGEST, Hit, check_recognition
from mirtool.retrieval.recognition.library import Library
from mirtool.retrieval.recognition.peaks import FRAME, RATE, PeakState, joined
from mirtool.types import AudioSource

LATENCY = 1.5  # seconds after which all peaks of a moment are known
REST = 0.5  # seconds at the end that are not worth a query
SINGLE = 0.01  # share of the doubt that is allowed (1 - min_confidence) which a hit that stands alone may have
SHORTEST = 0.1  # s, step: with a shorter one more time goes into queries than they tell apart
SLACK = 1.0  # seconds by which two places in a track may differ that are one appearance


@dataclass(frozen=True)
class Appearance:
    """A track in a recording.

    Parameters
    ----------
    file : str
        What the track is called.
    begin, end : float
        From the first to the last landmark that was recognised, in the recording (s).
    hit : Hit
        The best one; its `start` is the place in the track at `begin`.
    hits : int
        In how many queries it was found.
    """

    file: str
    begin: float
    end: float
    hit: Hit
    hits: int = 1

    def place_at(self, time: float) -> float:
        """Return the place in the track at a time in the recording (s)."""
        return self.hit.start + (time - self.begin) * self.hit.speed

    def joined(self, later: "Appearance") -> "Appearance":
        """Return what this one and one that goes on where it ended are together."""
        best = max(self.hit, later.hit, key=lambda hit: hit.evidence)
        return replace(
            self, end=max(self.end, later.end), hit=replace(best, start=self.hit.start), hits=self.hits + later.hits
        )


class Monitor:
    """Online search for tracks: samples in, appearances out.

    Every `step` seconds the last `window` seconds are a query. Hits on one track that follow each other and agree on
    the place in it are one appearance, which is told when no further hit has come for a window. So many queries would
    be wrong now and then: what only one of them found is told if it is a hundred times surer than a hit has to be.

    Parameters
    ----------
    library : Library
    recognition : RecognitionParameters
    parameters : MonitorParameters

    Raises
    ------
    ParameterError
        A step that is shorter than `SHORTEST` or longer than the window; or a window longer than a query may be.
    """

    def __init__(self, library: Library, recognition: RecognitionParameters, parameters: MonitorParameters) -> None:
        self._window, self._step = parameters.window, parameters.step
        if not SHORTEST <= self._step <= self._window:
            raise ParameterError(f"a step lasts {SHORTEST:g} s or more, up to the window ({self._window:g} s)")
        if self._window > LONGEST * FRAME:
            raise ParameterError(f"a window lasts {LONGEST * FRAME:.1f} s at most")
        check_recognition(recognition)
        self._library, self._recognition = library, recognition
        self._state = PeakState(library.query_density)
        self._peaks = joined([])
        self._begin = 0.0  # of the next query (s)
        self._open: list[Appearance] = []

    def push(self, samples: NDArray[np.float32]) -> list[Appearance]:
        """Take samples (n,) at `RATE`; return the appearances that have ended."""
        self._peaks = joined([self._peaks, self._state.push(samples)])
        return self._search(self._state.frames * FRAME - LATENCY)

    def flush(self) -> list[Appearance]:
        """Return the remaining appearances; the state is spent."""
        self._peaks = joined([self._peaks, self._state.flush()])
        end = self._state.frames * FRAME
        told = self._search(end)
        if self._begin == 0.0 or self._begin - self._step + self._window < end - REST:  # shorter than a step
            told += self._take(max(end - self._window, 0.0), end)
        told += self._sure(self._open)
        self._open = []
        return told

    def _search(self, known: float) -> list[Appearance]:
        """Search for all windows that end before a time."""
        told = []
        while self._begin + self._window <= known:
            told += self._take(self._begin, self._begin + self._window)
            self._begin += self._step
            self._peaks = self._peaks.chosen(self._peaks.times * FRAME >= self._begin - self._window)
        return told

    def _take(self, begin: float, end: float) -> list[Appearance]:
        """Search for one window; return the appearances that have ended."""
        times = self._peaks.times * FRAME
        inside = self._peaks.chosen((times >= begin) & (times < end))
        query = replace(inside, times=inside.times - np.float32(begin / FRAME))
        for hit in self._library.search(query, (end - begin) / FRAME, self._recognition):
            self._add(hit, begin)
        ended = [one for one in self._open if begin - one.end > self._window]
        self._open = [one for one in self._open if begin - one.end <= self._window]
        return self._sure(ended)

    def _sure(self, found: list[Appearance]) -> list[Appearance]:
        doubt = SINGLE * (1 - self._recognition.min_confidence)
        return [one for one in found if one.hits > 1 or 1 - one.hit.confidence <= doubt]

    def _add(self, hit: Hit, begin: float) -> None:
        """Let a hit of a query that begins at a time go on with an appearance, or begin one."""
        first, last = float(hit.pairs[0, 0]), float(hit.pairs[-1, 0])
        moved = replace(hit, start=hit.start + first * hit.speed)
        new = Appearance(self._library.name(hit), begin + first, begin + last, moved)
        for place, one in enumerate(self._open):
            if one.file == new.file and abs(one.place_at(new.begin) - new.hit.start) < SLACK:
                self._open[place] = one.joined(new)
                return
        self._open.append(new)


def monitor(
    source: AudioSource, library: Library, recognition: RecognitionParameters, parameters: MonitorParameters
) -> Iterator[list[Appearance]]:
    """Find the tracks of a recording.

    Parameters
    ----------
    source : AudioSource
        May have no end.
    library : Library
    recognition : RecognitionParameters
    parameters : MonitorParameters

    Yields
    ------
    list of Appearance
        As they have ended.
    """
    state = Monitor(library, recognition, parameters)
    for samples in sample_blocks(source, RATE):
        yield state.push(samples)
    yield state.flush()
