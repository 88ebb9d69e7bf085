"""What an index of versions keeps of a recording: its harmony."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.retrieval.parameters import HarmonyParameters
from mirtool.retrieval.versions.features import check, harmony_features
from mirtool.store import Kind
from mirtool.store.entries import Layout
from mirtool.types import AudioSource, Features, Notes, Score

Entry = Mapping[str, NDArray[Any]]


def entry_of(
    container: AudioSource | Score | Notes | Features, parameters: HarmonyParameters
) -> dict[str, NDArray[Any]]:
    """Return the entry of a recording: `chroma`, shape (N, 12), float16, and `start`, the time of its first frame (s).

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        What it holds cannot be compared; see `harmony_features`.
    """
    piece = harmony_features(container.notes if isinstance(container, Score) else container, parameters)
    return {"chroma": np.ascontiguousarray(piece.data.T, np.float16), "start": np.array([piece.start])}


def chroma_of(entry: Entry) -> NDArray[np.float32]:
    """Return the frames of an entry, shape (N, 12)."""
    return np.ascontiguousarray(entry["chroma"], np.float32)


LAYOUT: Layout[HarmonyParameters] = Layout(Kind("versions", 1), entry_of, check=check)
