import os
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled

from mirtool.signal._median_kernels import column_medians, row_medians

UNCOMPILED = os.environ.get("NUMBA_DISABLE_JIT") == "1"


def over_columns(values, length):
    medians = np.empty((len(values) - length + 1, values.shape[1]), np.float32)
    column_medians(values, length, medians)
    return medians


def over_rows(values, length):
    medians = np.empty((len(values), values.shape[1] - length + 1), np.float32)
    row_medians(values, length, medians)
    return medians


def test_worked_example():
    # FMP, Section 8.1.1.2: the median of (5, 3, 2, 8, 2) is 3.
    values = np.array([[5, 3, 2, 8, 2]], np.float32)
    assert over_rows(values, 5).tolist() == [[3]]
    assert over_rows(values, 3).tolist() == [[3, 3, 2]]
    assert over_columns(np.ascontiguousarray(values.T), 3).tolist() == [[3], [3], [2]]


@settings(max_examples=2 if UNCOMPILED else 60, deadline=None)
@given(
    count=st.integers(1, 4) if UNCOMPILED else st.integers(1, 80),
    columns=st.integers(1, 3) if UNCOMPILED else st.integers(1, 300),
    half=st.integers(0, 2) if UNCOMPILED else st.integers(0, 70),
    different=st.sampled_from([2, 5, 1000]),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_the_definition(count, columns, half, different, seed):
    length = 2 * half + 1
    values = np.random.default_rng(seed).integers(-different, different, (count + 2 * half, columns))
    values = values.astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    expected = np.sort(windows, axis=-1)[..., half]
    np.testing.assert_array_equal(over_columns(values, length), expected)
    np.testing.assert_array_equal(over_rows(np.ascontiguousarray(values.T), length), expected.T)


@compiled
@pytest.mark.parametrize("bins", [1023, 1024, 1025, 2500])
def test_long_rows(bins):
    values = np.random.default_rng(bins).random((2, bins + 8), dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, 9, axis=1)
    np.testing.assert_array_equal(over_rows(values, 9), np.median(windows, axis=-1))


@compiled
def test_infinite_values_are_values():
    values = np.array([[np.inf, 1, -np.inf, np.inf, 3, np.inf]], np.float32)
    assert over_rows(values, 3).tolist() == [[1, 1, 3, np.inf]]


@compiled
def test_a_constant_stays_and_a_median_commutes_with_what_keeps_order():
    values = np.random.default_rng(0).random((300, 200), dtype=np.float32)
    assert (over_columns(np.full_like(values, 7), 31) == 7).all()
    np.testing.assert_array_equal(over_columns(values, 63) ** 3, over_columns(values**3, 63))


@compiled
def test_four_times_the_window_costs_little_more():
    values = np.random.default_rng(0).random((512 + 124, 512), dtype=np.float32)

    def fastest(length):
        times = []
        for _ in range(5):
            begin = time.thread_time()
            over_columns(values[: 512 + length - 1], length)
            times.append(time.thread_time() - begin)
        return min(times)

    fastest(3)
    assert fastest(125) < 3 * fastest(31)  # 1.5 on a quiet machine
