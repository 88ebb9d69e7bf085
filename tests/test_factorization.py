"""A factorization as a container: shapes, the product, and the way through files and back."""

import io

import numpy as np
import pytest

from mirtool.errors import DataError
from mirtool.io import arrays
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Factorization

RATE = 43.0


def factors(columns=None, rows=7, rank=3, frames=11):
    random = np.random.default_rng(2)
    shape = (rows, rank) if columns is None else (rows, rank, columns)
    axis = tuple(21.5 * k for k in range(rows))
    return Factorization(random.random(shape), random.random((rank, frames)), RATE, 0.5, axis, labels=("a", "b", "c"))


def naive_product(W, H):
    """Add up each template where it sounds, one column after the other."""
    W = W.reshape(*W.shape[:2], -1)
    V = np.zeros((W.shape[0], H.shape[1]))
    for r, n, t in np.ndindex(H.shape[0], H.shape[1], W.shape[2]):
        if n + t < H.shape[1]:
            V[:, n + t] += W[:, r, t] * H[r, n]
    return V


@pytest.mark.parametrize("columns", [None, 1, 4, 20])
@pytest.mark.parametrize(("first", "stop"), [(0, None), (0, 1), (2, 9), (10, 11), (4, 4), (3, 99)])
def test_the_product_is_the_sum_of_the_templates_where_they_sound(columns, first, stop):
    model = factors(columns)
    expected = naive_product(model.templates, model.activations)[:, first:stop]
    got = model.product(first, stop)
    assert got.dtype == np.float32
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_what_it_says_of_itself():
    model = factors()
    assert (model.rank, model.frames) == (3, 11)
    np.testing.assert_allclose(model.times, 0.5 + np.arange(11) / RATE)
    assert Factorization(np.ones((2, 3)), np.ones((3, 1)), None).labels == ("1", "2", "3")
    with pytest.raises(ValueError, match="read-only"):
        model.templates[0, 0] = 1


@pytest.mark.parametrize(
    ("W", "H", "more", "says"),
    [
        ((4, 2), (3, 5), {}, r"templates \(4, 2\) and activations \(3, 5\)"),
        ((4,), (4, 5), {}, "do not go together"),
        ((4, 2, 2, 2), (2, 5), {}, "do not go together"),
        ((4, 2), (2, 5), {"labels": ("a",)}, "1 names for 2 components"),
        ((4, 2), (2, 5), {"axis": (1.0, 2.0, 3.0)}, "3 names for 4 rows"),
    ],
)
def test_shapes_that_do_not_go_together(W, H, more, says):
    with pytest.raises(DataError, match=says):
        Factorization(np.ones(W), np.ones(H), RATE, **more)


@pytest.mark.parametrize("columns", [None, 4])
def test_both_factors_go_through_files_and_back(columns):
    model = factors(columns)
    for features in (model.template_features(), model.activation_features()):
        stream = io.BytesIO()
        arrays.write(features, stream, WriteOptions("npy"))
        stream.seek(0)
        assert np.array_equal(np.load(stream), features.data)
        back = arrays.read(stream, "x", ReadOptions("npy"))
        assert np.array_equal(back.data, features.data)
        same = ("kind", "dims", "axis", "feature_rate", "start")
        assert [getattr(back, name) for name in same] == [getattr(features, name) for name in same]
    times = () if columns is None else ("time",)
    assert model.template_features().dims == ("frequency", "component", *times)
    assert model.template_features().feature_rate == (None if columns is None else RATE)
    assert model.activation_features().axis == model.labels
