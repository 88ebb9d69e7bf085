import numpy as np
import pytest

from mirtool.decomposition.transform import transform_hop, transform_size
from mirtool.errors import ParameterError


def test_sizes_are_multiples_of_four_with_small_factors():
    assert [transform_size(n / 8000, 8000) for n in (16, 1000, 2048, 6500)] == [16, 1000, 2048, 6480]


def test_a_hop_is_what_is_asked_for_or_a_part_of_the_window():
    assert transform_hop(None, 512, 8000) == 128
    assert transform_hop(None, 512, 8000, usual=2) == 256
    assert [transform_hop(n / 8000, 512, 8000) for n in (1, 100.4, 256)] == [1, 100, 256]
    assert transform_hop(128 / 8000, 512, 8000, most=4) == 128


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.02, np.nan, np.inf])
def test_hops_that_cannot_be(seconds):
    with pytest.raises(ParameterError, match=r"at most a quarter of the window \(0\.0160 s\)"):
        transform_hop(seconds, 512, 8000, most=4)


@pytest.mark.parametrize("seconds", [0.0001, 1e9, np.nan])
def test_windows_that_cannot_be(seconds):
    with pytest.raises(ParameterError, match="16 to 1048576 are possible"):
        transform_size(seconds, 8000)
