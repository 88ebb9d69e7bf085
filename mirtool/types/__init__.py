"""The containers that travel between io, chapters and plots: frozen, with read-only arrays."""

from mirtool.types.matrices import Factorization, Features, FloatArray, pair_matrix
from mirtool.types.score import Score
from mirtool.types.sound import Audio, AudioSink, AudioSource, PartsOf, Stems, StemStream
from mirtool.types.tables import Events, Notes, Segments, Table, WarpingPath

__all__ = [
    "Audio",
    "AudioSink",
    "AudioSource",
    "Events",
    "Factorization",
    "Features",
    "FloatArray",
    "Notes",
    "PartsOf",
    "Score",
    "Segments",
    "StemStream",
    "Stems",
    "Table",
    "WarpingPath",
    "pair_matrix",
]
