import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.signal.slices import slices
from mirtool.types import Audio

SOUND = Audio(np.arange(2 * 200_000, dtype=np.float32).reshape(-1, 2), 8000)


@given(st.sets(st.integers(0, 210_000), max_size=6), st.sampled_from([1000, 65536]))
def test_slices_are_the_stretches_between(places, size):
    begins = sorted(places)
    found = list(slices(SOUND, begins))
    assert len(found) == len(begins)
    for begin, end, stretch in zip(begins, [*begins[1:], None], slices(SOUND, begins), strict=False):
        expected = SOUND.samples[begin:end]
        assert (stretch.sample_rate, stretch.channels) == (8000, 2)
        if begin < 200_000 and (end or 0) <= 200_000:
            assert stretch.frames == len(expected)
        np.testing.assert_array_equal(np.concatenate(list(stretch.blocks(size))), expected)


def test_a_slice_that_is_not_read_is_passed_over():
    first, second, third = slices(SOUND, [0, 100, 150_000])
    assert [first.frames, second.frames, third.frames] == [100, 149_900, 50_000]
    for index, stretch in enumerate(slices(SOUND, [0, 100, 150_000])):
        if index == 2:
            assert next(iter(stretch.blocks(10)))[0, 0] == 300_000


def test_slices_that_do_not_follow_each_other():
    for begins in ([5, 5], [7, 3], [-1, 4]):
        with pytest.raises(ParameterError, match="one after the other"):
            list(slices(SOUND, begins))
