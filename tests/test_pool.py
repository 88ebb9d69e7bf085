"""Worker processes, without commands."""

import os
import signal

import pytest

from mirtool.cli import pool

BIG = 200_000  # more than a pipe holds


def work(task):
    """Do what the task says; in a process of its own."""
    what, data = task
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "leave":
        os._exit(3)
    if what == "talk":
        return data
    return os.getpid(), len(data)


@pytest.mark.parametrize("processes", [1, 3])
def test_every_task_has_a_result_whoever_dies(processes):
    whats = ["live", "die", "live", "leave", "die", "live"]
    results = dict(pool.run(work, [(what, bytes(BIG)) for what in whats], processes))
    assert sorted(results) == list(range(len(whats)))
    for place, what in enumerate(whats):
        if what == "live":
            assert results[place][1] == BIG
        else:
            assert isinstance(results[place], pool.Dead)
    assert str(results[1]) == "its process died (SIGKILL)"
    assert str(results[3]) == "its process died (code 3)"


def test_workers_are_used_again_and_are_gone_at_the_end():
    results = list(pool.run(work, [("live", b"")] * 6, 2))
    processes = {result[0] for _, result in results}
    assert len(processes) <= 2
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_task_for_a_worker_that_has_died_meanwhile_does_not_kill_us():
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        worker = pool._Worker(work)
        worker.process.kill()
        worker.process.join()
        worker.give(0, ("live", bytes(BIG)))
        assert isinstance(worker.take(), pool.Dead)
        assert signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGPIPE, before)


def test_a_worker_that_nobody_listens_to_any_more_is_silent(capfd):
    worker = pool._Worker(work)
    worker.give(0, ("talk", bytes(50 * BIG)))
    assert worker.pipe.poll(10)  # it is writing, and there is more than a pipe holds
    worker.pipe.close()
    worker.process.join()
    assert (worker.process.exitcode, capfd.readouterr().err) == (0, "")
