"""Recognising a recording: its peaks, and the tracks whose landmarks they make."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.retrieval.parameters import RecognitionParameters
from mirtool.retrieval.recognition.fingerprints import combination
from mirtool.retrieval.recognition.landmark_search import Hit
from mirtool.retrieval.recognition.library import Library
from mirtool.retrieval.recognition.peaks import FRAME, Peaks, peaks
from mirtool.types import AudioSource

_NEAR = 0.1  # seconds from the place that was found within which a landmark agrees with it


@dataclass(frozen=True, eq=False)
class Recognition:
    """What was recognised in a query.

    Parameters
    ----------
    peaks : Peaks
        Of the query.
    duration : float
        Of the query (s).
    hits : list of Hit
        A track at most once, the one with most evidence first.
    """

    peaks: Peaks
    duration: float
    hits: list[Hit]


def recognise(source: AudioSource, library: Library, parameters: RecognitionParameters) -> Recognition:
    """Tell which tracks a recording is from.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    found, frames = peaks(source, library.query_density)
    return Recognition(found, frames * FRAME, library.search(found, frames, parameters))


@dataclass(frozen=True, eq=False)
class Votes:
    """How the landmarks of a query speak for a track.

    Parameters
    ----------
    agreeing : ndarray, shape (n,), bool
        The peaks whose landmarks are where they should be.
    places : ndarray, shape (v,)
        Where the query would begin in the track, one for each landmark found in it (s).
    """

    agreeing: NDArray[np.bool_]
    places: NDArray[np.float64]


def votes(found: Recognition, library: Library) -> Votes:
    """Tell what speaks for the first hit (the matching function of FMP, Section 7.1.3)."""
    hit = found.hits[0]
    lists = library.lists[hit.segment]
    combine = combination(library.parameters.method)
    hashes, times, anchors = combine(found.peaks, library.parameters.fan_out, hit.speed, hit.pitch)
    begin, end = lists.starts[hit.track : hit.track + 2].tolist()
    which, positions = lists.find_between(hashes, begin, end)
    places = (positions.astype(np.float64) - begin - times[which]) * FRAME
    agreeing = np.zeros(len(found.peaks), dtype=bool)
    agreeing[anchors[which[np.abs(places - hit.start) < _NEAR]]] = True
    return Votes(agreeing, places)
