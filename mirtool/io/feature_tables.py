"""Feature matrices as tables: a row a frame."""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, UsageProblem
from mirtool.io.columns import Printed
from mirtool.types import Events, Features, Table


def printable(features: Features) -> dict[str, Printed]:
    """Say how a matrix is printed as a table: `time`, then a column for each of its rows.

    A matrix of all pairs is printed as it is, after a column that names its rows.

    Numbers have 9 significant digits, which hold a float32 exactly.

    Raises
    ------
    UsageProblem
        The matrix is complex or has three dimensions.
    """
    if np.iscomplexobj(features.data) or features.data.ndim != 2:
        what = "complex numbers" if np.iscomplexobj(features.data) else "three dimensions"
        raise UsageProblem(f"a table cannot hold a matrix of {what}: write NPY")
    printed: dict[str, Printed] = {}
    rows = features.data
    if features.feature_rate is not None:
        printed["time"] = Printed("%.6f", features.times)
    elif named := _pair_names(features):
        printed[features.dims[0]] = Printed("%s", np.array(named, dtype=object), is_text=True)
        rows = features.data.T
    for name, row in zip(_names(features), rows, strict=True):
        printed[name] = Printed("%.9g", row)
    return printed


def table_of(features: Features) -> Table:
    """Make a table of a matrix, with the columns that `printable` describes.

    Raises
    ------
    UsageProblem
        The matrix is complex or has three dimensions.
    """
    return Table({name: column.values for name, column in printable(features).items()})


def _pair_names(features: Features) -> list[str]:
    """Return the names of the rows of a matrix of all pairs, which are those of its columns; none of other matrices."""
    square = features.dims[0] == features.dims[-1] and len(features.axis) == features.frames
    return [name for name in features.axis if isinstance(name, str)] if square else []


def _names(features: Features) -> list[str]:
    rows = features.data.shape[0]
    names = [axis if isinstance(axis, str) else f"{axis:g}" for axis in features.axis]
    if len(set(names)) == rows and not {"time", features.dims[-1]} & set(names):
        return names
    kind = features.kind or "value"
    return [kind] if rows == 1 else [f"{kind}_{k}" for k in range(rows)]


def features_of(table: Table, feature_rate: float | None = None) -> Features:
    """Make a matrix of a table with a regular `time` column, such as `printable` describes.

    Parameters
    ----------
    table : Table
        `time`, then a column of numbers for each row of the matrix.
    feature_rate : float or None
        Frames per second (Hz); by default what the times say.

    Raises
    ------
    DataError
        The times are not regular, fewer than two without a rate, or a column is not numbers.
    """
    if not isinstance(table, Events):
        raise DataError("no column time, so this is no table of frames")
    names = [name for name in table.columns if name != "time"]
    bad = [name for name in names if table[name].dtype == object or not np.isfinite(table[name]).all()]
    if bad or not names:
        raise DataError(f"column {bad[0]} is not all numbers" if bad else "no column beside time")
    rate = _rate(table["time"], feature_rate)
    kind = names[0] if len(names) == 1 else ""
    axis = () if len(names) == 1 else tuple(names)
    data = np.stack([table[name] for name in names])
    return Features(data, rate, kind, ("feature", "time"), axis, float(table["time"][0]))


def _rate(times: NDArray[np.float64], feature_rate: float | None) -> float:
    """Return the shortest decimal rate that explains times printed with 6 decimals."""
    if len(times) < 2 and (feature_rate is None or not len(times)):
        raise DataError("too few rows to tell the frames per second: give --input-feature-rate")
    steps = np.arange(len(times))
    measured = feature_rate or (len(times) - 1) / max(times[-1] - times[0], 1e-9)
    for digits in range(10):
        rate = feature_rate or round(measured, digits)
        if rate > 0 and np.allclose(times[0] + steps / rate, times, rtol=0, atol=1.6e-6):
            return rate
    raise DataError(f"the times are not {f'{feature_rate:g} a second' if feature_rate else 'regular'}: not frames")
