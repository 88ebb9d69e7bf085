"""Warping paths as functions: carry times from one version to another, turn paths round, chain and resample them.

A path is read as a piecewise linear map between the time lines of two versions; straight lines (constant tempo ratio)
join its breakpoints. Beyond its ends it goes on with the local tempo ratio: the slope of the chord over the outermost
`EDGE_SECONDS`, measured on the mean of both time lines. The chord ends at breakpoints and the measure is the
same for A→B and B→A, so a transfer there and back is the identity outside of the path, too.

Versions are counted from 0 in this module.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.types import WarpingPath

EDGE_SECONDS = 2.0  # a few beats: the last step of a DTW path says little about the tempo
CLOSEST_SECONDS = 2e-6  # two breakpoints stay apart when written with six decimals

Times = NDArray[np.float64]


def transfer(path: WarpingPath, times: ArrayLike, source: int = 0, target: int = 1) -> Times:
    """Carry times of one version over to another.

    Parameters
    ----------
    path : WarpingPath
        L breakpoints of K versions.
    times : array_like of float
        Times in version `source` (s), of any shape and in any order.
    source, target : int
        Versions, counted from 0.

    Returns
    -------
    ndarray of float64, the shape of `times`
        The same moments in version `target` (s). Outside of the path the local tempo ratio at its end goes on.

    Raises
    ------
    DataError
        The path is empty, holds NaN or runs backwards.
    ParameterError
        There is no such version.
    """
    return piecewise(times, *breakpoints(path, source, target))


def piecewise(times: ArrayLike, x: Times, y: Times) -> Times:
    """Read the map through breakpoints (x, y), strictly increasing in both, at `times`; the core of `transfer`."""
    t = np.asarray(times, dtype=np.float64)
    result = np.asarray(np.interp(t, x, y))
    before, after = edge_slopes(x, y)
    result = np.where(t < x[0], y[0] + (t - x[0]) * before, result)
    return np.where(t > x[-1], y[-1] + (t - x[-1]) * after, result)


def breakpoints(path: WarpingPath, source: int = 0, target: int = 1) -> tuple[Times, Times]:
    """Return the breakpoints of two versions, strictly increasing in both.

    A path that stands still in places (a DTW path from elsewhere) is read as `strictly_increasing` makes it.

    Returns
    -------
    x, y : ndarray, shape (L,)
        Times in `source` and in `target` (s), L ≥ 1.
    """
    pair = _columns(path, source, target)
    if len(pair) > 1 and not np.all(np.diff(pair, axis=0) > 0):
        pair = strictly_increasing(pair).times
    return np.ascontiguousarray(pair[:, 0]), np.ascontiguousarray(pair[:, 1])


def edge_slopes(x: Times, y: Times) -> tuple[float, float]:
    """Return the slopes dy/dx with which a path goes on before its first and after its last breakpoint."""
    if len(x) < 2:
        return 1.0, 1.0
    mean = (x + y) / 2
    first = min(int(np.searchsorted(mean, mean[0] + EDGE_SECONDS)), len(x) - 1)
    last = max(int(np.searchsorted(mean, mean[-1] - EDGE_SECONDS, side="right")) - 1, 0)
    before = (y[first] - y[0]) / (x[first] - x[0])
    after = (y[-1] - y[last]) / (x[-1] - x[last])
    return float(before), float(after)


def version(path: WarpingPath, name: str) -> int:
    """Return the version (from 0) that a user calls `a`, `time_a` or, counted from 1, `1`.

    Raises
    ------
    ParameterError
        There is no such version.
    """
    for index, column in enumerate(path.versions):
        if name in (column, column.removeprefix("time_"), str(index + 1)):
            return index
    raise ParameterError(f"no version {name}: the path has {len(path.versions)} ({', '.join(path.versions)})")


def select(path: WarpingPath, source: int = 0, target: int = 1) -> WarpingPath:
    """Return the path between two of K versions, as ``time_a,time_b`` (with its confidence, if there is one)."""
    return WarpingPath.from_times(_columns(path, source, target), _confidence(path))


def inverse(path: WarpingPath) -> WarpingPath:
    """Return the path with its versions in reverse order: A→B becomes B→A."""
    return WarpingPath.from_times(path.times[:, ::-1], _confidence(path))


def compose(ab: WarpingPath, bc: WarpingPath) -> WarpingPath:
    """Chain two paths: A→C through B.

    The result has a breakpoint wherever `ab` or `bc` has one, so that it equals the successive transfer exactly; where
    one of the two ends earlier on the time line of B, it is extended as `transfer` does. The confidence is the product
    of both, where either has one (a path without counts as certain).

    Parameters
    ----------
    ab, bc : WarpingPath
        Paths of two versions each (see `select`); the second version of `ab` is the first of `bc`.

    Raises
    ------
    ParameterError
        A path has more versions.
    """
    if len(ab.versions) != 2 or len(bc.versions) != 2:
        raise ParameterError("paths to chain have two versions each")
    _, in_ab = breakpoints(ab)
    in_bc, _ = breakpoints(bc)
    b = np.union1d(in_ab, in_bc)
    times = np.stack([transfer(ab, b, 1, 0), transfer(bc, b, 0, 1)], axis=1)
    confidence = None
    if "confidence" in ab or "confidence" in bc:
        confidence = _confidence_at(ab, b, 1) * _confidence_at(bc, b, 0)
    return strictly_increasing(times, confidence)


def sample(path: WarpingPath, times: ArrayLike, source: int = 0) -> WarpingPath:
    """Read a path at given times of one version.

    Parameters
    ----------
    path : WarpingPath
    times : array_like, shape (N,)
        Strictly increasing times in version `source` (s).
    source : int

    Returns
    -------
    WarpingPath
        N breakpoints of all K versions, with interpolated confidence.
    """
    t = np.asarray(times, dtype=np.float64)
    if t.ndim != 1 or not np.all(np.diff(t) > 0):
        raise ParameterError("the times to read a path at must be strictly increasing")
    columns = [t if k == source else transfer(path, t, source, k) for k in range(len(path.versions))]
    confidence = _confidence_at(path, t, source) if "confidence" in path else None
    return WarpingPath.from_times(np.stack(columns, axis=1), confidence)


def grid(path: WarpingPath, rate: float, source: int = 0) -> WarpingPath:
    """Read a path on a regular grid of one version: at all multiples of 1/`rate` seconds that lie inside of it.

    Parameters
    ----------
    path : WarpingPath
    rate : float
        Breakpoints a second (Hz).
    source : int
        The version on whose time line the grid lies.
    """
    if not rate > 0:
        raise ParameterError(f"the rate of a grid must be positive, not {rate}")
    times = _columns(path, source, source)[:, 0]
    first, last = np.ceil(times[0] * rate - 1e-9), np.floor(times[-1] * rate + 1e-9)
    return sample(path, np.arange(first, last + 1) / rate, source)


def strictly_increasing(times: ArrayLike, confidence: ArrayLike | None = None) -> WarpingPath:
    """Make a monotone path strictly increasing in every version, without bias.

    A DTW path stands still in one version while it advances in the other. Such a plateau is a rounding of the frame
    grid: its value v stands for anything within half a frame h. Each plateau of m points becomes a ramp from v − δ to
    v + δ with δ = h/2 · (m − 1)/m, linear on the mean of the time lines, so that

    - it goes through the centre of every plateau, and treats all versions and both directions of time alike;
    - a straight line of slope 1/m, rounded to frames, comes back as that straight line;
    - a long pause in one version stays a pause there instead of being smeared over its neighbourhood;
    - no point moves by more than half a frame; the first and last point do not move at all.

    h is the smallest step of the version, and δ at most a quarter of the plateau's length in the other version, so that
    annotated points (the notes of an arpeggiated chord at one score time) stay where they are. Points that would come
    closer than `CLOSEST_SECONDS` are dropped.

    Parameters
    ----------
    times : array_like, shape (L, K)
        Non-decreasing in every column (s).
    confidence : array_like, shape (L,), optional
        Kept for the points that stay.

    Raises
    ------
    DataError
        `times` is empty, holds NaN or decreases.
    """
    P = np.array(times, dtype=np.float64)
    if P.ndim != 2 or P.shape[1] < 2:
        raise ParameterError("a path is a matrix of two or more columns")
    _check(P, [f"version {k + 1}" for k in range(P.shape[1])])
    weights = None if confidence is None else np.asarray(confidence, dtype=np.float64)
    if not np.all(np.diff(P, axis=0) > CLOSEST_SECONDS):
        moving = np.concatenate(([True], np.any(np.diff(P, axis=0) > CLOSEST_SECONDS / 10, axis=1)))
        P = P[moving]
        s = P.mean(axis=1)
        P = np.stack([_ramps(P[:, k], s, P.shape[1]) for k in range(P.shape[1])], axis=1)
        kept = _apart(P)
        P = P[kept]
        weights = None if weights is None else weights[moving][kept]
    return WarpingPath.from_times(P, weights)


def _ramps(values: Times, s: Times, versions: int) -> Times:
    """Replace the plateaus of one version (L,) by ramps over the mean time s (L,) of all `versions`."""
    steps = np.diff(values)
    moves = np.flatnonzero(steps > CLOSEST_SECONDS / 10)
    if len(moves) == 0:
        raise DataError("a path that never advances in one version")
    h = float(steps[moves].min())
    first = np.concatenate(([0], moves + 1))
    last = np.concatenate((moves, [len(values) - 1]))
    m = last - first + 1
    length = (s[last] - s[first]) * versions
    delta = np.minimum(h / 2 * (m - 1) / m, length / 4)
    low, high = values[first] - delta, values[first] + delta
    low[0], high[-1] = values[first[0]], values[first[-1]]
    knots = np.unique(np.concatenate((first, last)))
    at_knots = np.empty(len(values))
    at_knots[first], at_knots[last] = low, high
    return np.asarray(np.interp(s, s[knots], at_knots[knots]))


def _apart(P: Times) -> NDArray[np.intp]:
    """Return the indices of points (L × K) that keep their distance in every version; the first and the last stay."""
    if np.all(np.diff(P, axis=0) > CLOSEST_SECONDS):
        return np.arange(len(P))
    kept = [0]
    for index in range(1, len(P)):
        if np.all(P[index] - P[kept[-1]] > CLOSEST_SECONDS):
            kept.append(index)
    if kept[-1] != len(P) - 1:
        kept[-1:] = [len(P) - 1] if len(kept) > 1 else [0]
    return np.asarray(kept)


def _columns(path: WarpingPath, *versions: int) -> Times:
    """Return checked time columns of a path, shape (L, len(versions))."""
    names = path.versions
    for version in versions:
        if not 0 <= version < len(names):
            raise ParameterError(f"no version {version + 1}: the path has {len(names)} ({', '.join(names)})")
    chosen = [names[version] for version in versions]
    times = np.stack([path[name] for name in chosen], axis=1)
    _check(times, chosen)
    return times


def _check(times: Times, names: list[str]) -> None:
    """Raise a `DataError` for what is no path."""
    if len(times) == 0:
        raise DataError("an empty path")
    if not np.all(np.isfinite(times)):
        raise DataError("a path with times that are no numbers")
    rows, columns = np.nonzero(np.diff(times, axis=0) < 0)
    if len(rows):
        raise DataError(f"the path runs backwards in {names[columns[0]]} at its point {rows[0] + 2}")


def _confidence(path: WarpingPath) -> Times | None:
    return path.columns.get("confidence")


def _confidence_at(path: WarpingPath, times: Times, version: int) -> Times:
    """Return the confidence of a path at times of one version, 1 where it has none."""
    if "confidence" not in path:
        return np.ones(len(times))
    return np.asarray(np.interp(times, path[path.versions[version]], path["confidence"]))
