import threading
import time

import pytest

from mirtool import threads


@pytest.fixture(params=[1, 2, 5])
def workers(request, monkeypatch):
    monkeypatch.setattr(threads, "count", lambda: request.param)
    return request.param


def test_results_come_in_the_order_of_the_items(workers):
    def slow_first(item):
        time.sleep(0.01 if item % 2 == 0 else 0)
        return item * item

    assert list(threads.in_order(slow_first, range(20))) == [item * item for item in range(20)]
    assert list(threads.in_order(slow_first, [])) == []


def test_items_are_taken_by_the_caller_and_not_far_ahead(workers):
    taken = []

    def items():
        for item in range(50):
            assert threading.current_thread() is threading.main_thread()
            taken.append(item)
            yield item

    for done in threads.in_order(lambda item: item, items()):
        assert len(taken) - done <= workers + 1


def test_errors_reach_the_caller_at_their_place(workers):
    results = threads.in_order(lambda item: 1 / (item - 3), range(10))
    assert [next(results) for _ in range(3)] == [1 / -3, 1 / -2, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_nothing_runs_on_after_an_early_end(workers):
    before = threading.active_count()
    results = threads.in_order(lambda item: time.sleep(0.001), range(1000))
    next(results)
    results.close()
    assert threading.active_count() == before


def test_there_is_a_core():
    assert threads.count() >= 1
