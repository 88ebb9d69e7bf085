"""Tables: named columns of equal length.

A subclass says which columns a table of its kind must have; it may have more (`strength`, `confidence`, `label` …),
which are kept and written in their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError
from mirtool.types.freezing import frozen


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length; numbers are float64, names are str objects."""

    columns: Mapping[str, NDArray[Any]]
    REQUIRED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        columns = {}
        for name, values in self.columns.items():
            array = np.asarray(values)
            columns[name] = frozen(array, np.float64 if array.dtype.kind in "biuf" else object)
        missing = [name for name in self.REQUIRED if name not in columns]
        if missing:
            raise DataError(f"no column {', '.join(missing)} (there are: {', '.join(columns) or 'none'})")
        if len({len(column) for column in columns.values()}) > 1:
            raise DataError("columns of different length")
        object.__setattr__(self, "columns", columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def replace(self, **columns: ArrayLike) -> Self:
        """Return a copy with some columns replaced or appended."""
        return type(self)({**self.columns, **{name: np.asarray(values) for name, values in columns.items()}})

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return a copy with the rows that a mask, indices or a slice choose."""
        return type(self)({name: values[rows] for name, values in self.columns.items()})

    def without(self, *names: str) -> Self:
        """Return a copy without some columns."""
        return type(self)({name: values for name, values in self.columns.items() if name not in names})


class Events(Table):
    """Points in time: `time` (s) and what is known of each (`strength`, `beat`, `label`, `confidence` …)."""

    REQUIRED = ("time",)


class Segments(Table):
    """Stretches of time: `start`, `end` (s), `label`."""

    REQUIRED = ("start", "end", "label")


class Notes(Table):
    """Notes: `onset`, `offset` (s), `pitch` (MIDI number, 60 = C4), `velocity` (0 to 127)."""

    REQUIRED = ("onset", "offset", "pitch", "velocity")


class WarpingPath(Table):
    """Which moments of K versions belong together: `time_a`, `time_b` (or `time_1` … `time_K`), in seconds.

    Strictly increasing in every version; `confidence` (0 to 1) may follow.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.versions) < 2:
            raise DataError("a path needs columns time_a,time_b or time_1,time_2,…")

    @property
    def versions(self) -> tuple[str, ...]:
        """Names of the time columns, in their order."""
        return tuple(name for name in self.columns if name.startswith("time_"))

    @property
    def times(self) -> NDArray[np.float64]:
        """The path P as a matrix L × K (s)."""
        return np.stack([self.columns[name] for name in self.versions], axis=1)

    @classmethod
    def from_times(cls, times: ArrayLike, confidence: ArrayLike | None = None) -> Self:
        """Make a path from a matrix L × K (s) and, perhaps, a confidence (L,)."""
        matrix = np.asarray(times, dtype=np.float64)
        names = ("a", "b") if matrix.shape[1] == 2 else [str(k + 1) for k in range(matrix.shape[1])]
        columns: dict[str, NDArray[Any]] = {f"time_{name}": matrix[:, k] for k, name in enumerate(names)}
        if confidence is not None:
            columns["confidence"] = np.asarray(confidence, dtype=np.float64)
        return cls(columns)
