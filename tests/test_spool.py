import numpy as np
import pytest

from mirtool.signal.spool import Spool


@pytest.fixture
def spool():
    with Spool(2) as spool:
        for block in (np.zeros((3, 2)), np.ones((2, 2)), np.zeros((4, 2))):
            spool.write(block.astype(np.float32))
        yield spool


def test_what_is_written_is_read_with_silence_around(spool):
    assert spool.frames == 9
    assert spool.read(-2, 13)[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert [len(block) for block in spool.blocks(4)] == [4, 4, 1]
    assert np.concatenate(list(spool.blocks(4)))[:, 1].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_what_is_added_stays_within(spool):
    spool.add(-1, np.full((3, 2), 2, np.float32))
    spool.add(4, np.full((9, 2), 3, np.float32))
    spool.add(20, np.ones((2, 2), np.float32))
    assert spool.read(0, 9)[:, 0].tolist() == [2, 2, 0, 1, 4, 3, 3, 3, 3]
    assert spool.frames == 9
