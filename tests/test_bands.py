import numpy as np
import pytest

from mirtool.errors import ParameterError
from mirtool.features.bands import log_bands
from mirtool.features.parameters import BandParameters

RATE, LENGTH = 22050, 2048
PARAMETERS = {"analysis_rate": RATE, "window_length": LENGTH, "octave_bands": 12}


def test_filters_are_triangles_that_reach_their_neighbours():
    filters, centres = log_bands(BandParameters(**PARAMETERS))
    inside = slice(int(centres[0] * LENGTH / RATE + 0.5), int(centres[-1] * LENGTH / RATE + 0.5) + 1)
    np.testing.assert_allclose(filters[inside].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(filters.max(axis=0), 1)
    assert ((filters > 0).sum(axis=1) <= 2).all()
    # Where the bins are fine enough, the bands are equal steps.
    np.testing.assert_allclose(np.diff(np.log2(centres[centres > 1000])), 1 / 12, atol=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"octave_bands": 0}, "at least one band"),
        ({"octave_bands": 10**9}, "at most 1200"),
        ({"low": 5000.0, "high": 100.0}, "between 5000 and 100"),
        ({"low": 0.0}, "between 0 and"),
        ({"low": 100.0, "high": 104.0}, "no band lies"),
    ],
)
def test_bands_that_are_none(changes, message):
    with pytest.raises(ParameterError, match=message):
        log_bands(BandParameters(**{**PARAMETERS, **changes}))
