"""The grid of a transform: how long its windows are, and how far apart, in samples."""

import math

from mirtool.errors import ParameterError

_PARTS = {2: "half", 4: "a quarter"}


def transform_size(seconds: float, sample_rate: int) -> int:
    """Return the length of a transform nearest to a duration: a multiple of 4 without prime factors above 5.

    Raises
    ------
    ParameterError
        Fewer than 16 samples or more than 2^20.
    """
    wanted = seconds * sample_rate
    if not 16 <= wanted <= 1 << 20:
        raise ParameterError(f"a window of {seconds:g} s has {wanted:.0f} samples; 16 to {1 << 20} are possible")
    quarters: list[int] = [2**a * 3**b * 5**c for a in range(20) for b in range(8) for c in range(6)]
    return 4 * min(quarters, key=lambda quarter: abs(math.log(4 * quarter / wanted)))


def transform_hop(seconds: float | None, size: int, sample_rate: int, *, usual: int = 4, most: int = 2) -> int:
    """Return the samples from one window to the next.

    Parameters
    ----------
    seconds : float or None
        What is asked for; None: the usual part of a window.
    size : int
        Samples of a window.
    sample_rate : int
        Hz.
    usual, most : int
        The hop is a window divided by `usual`, where nothing is asked for, and never more than divided by `most`.

    Raises
    ------
    ParameterError
        Less than a sample, or more than such a part.
    """
    longest = size // most
    hop = size // usual if seconds is None else seconds * sample_rate
    if not 0.5 < hop < longest + 0.5:
        limit = f"{_PARTS[most]} of the window ({size / most / sample_rate:.4f} s)"
        raise ParameterError(f"the hop is at least a sample and at most {limit}, not {hop / sample_rate:g} s")
    return min(max(round(hop), 1), longest)
