"""Scores of rankings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError, UsageProblem
from mirtool.evaluation.parameters import RetrievalMatching
from mirtool.evaluation.retrieval import Wanted, asked, curves, evaluate, rankings_of, relevance_of, task
from mirtool.types import Table, pair_matrix


def table(**columns):
    return Table(
        {name: np.array(values, object if isinstance(values[0], str) else float) for name, values in columns.items()}
    )


def test_the_worked_example():
    """Two of three relevant documents at ranks 1 and 3: (1/1 + 2/3 + 0) / 3."""
    scores = evaluate(Wanted({"a", "b", "x"}), ["a", "c", "b", "d", "a"], (1, 2, 5))
    assert scores["ap"] == pytest.approx((1 + 2 / 3) / 3)
    assert scores["rr"] == scores["rank"] == scores["top1"] == scores["p1"] == 1
    assert (scores["p2"], scores["p5"]) == (0.5, 0.4)
    assert (scores["queries"], scores["relevant"], scores["retrieved"]) == (1, 3, 4)
    precision, recall = curves(Wanted({"a", "b", "x"}), ["a", "c", "b"])
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3])


def test_nothing_found():
    scores = evaluate(Wanted({"a"}), ["b"] * 3)
    assert scores["ap"] == scores["rr"] == scores["top10"] == scores["p10"] == 0
    assert np.isnan(scores["rank"])
    assert task(RetrievalMatching()).failure(Wanted({"a"}))["retrieved"] == 0
    with pytest.raises(ParameterError, match="1 or more"):
        task(RetrievalMatching(ranks=(0,)))


@given(st.permutations(range(8)), st.sets(st.integers(0, 9), min_size=1), st.sets(st.integers(0, 7), max_size=3))
def test_average_precision_agrees_with_its_definition(order, relevant, excluded):
    wanted = Wanted({str(item) for item in relevant - excluded} or {"9"}, {str(item) for item in excluded})
    counted = [str(item) for item in order if item not in excluded]
    total = sum(
        sum(name in wanted.relevant for name in counted[: rank + 1]) / (rank + 1)
        for rank, name in enumerate(counted)
        if name in wanted.relevant
    )
    scores = evaluate(wanted, [str(item) for item in order])
    assert scores["ap"] == pytest.approx(total / len(wanted.relevant))
    assert scores["rr"] == max([1 / (k + 1) for k, name in enumerate(counted) if name in wanted.relevant], default=0)
    assert 0 <= scores["ap"] <= 1
    assert scores["top1"] <= scores["top5"] <= scores["top10"]


def test_relevance_from_pairs_and_groups():
    pairs = relevance_of(table(query=["q", "q", "r"], file=["a", "q", "b"]))
    assert {name: set(wanted.relevant) for name, wanted in pairs.wanted.items()} == {"q": {"a"}, "r": {"b"}}
    assert pairs.complete
    groups = table(file=["a", "b", "c", "d", "e"], group=["x", "x", "x", "y", ""], artist=["1", "1", "", "1", "1"])
    plain = relevance_of(groups)
    assert {name: set(wanted.relevant) for name, wanted in plain.wanted.items()} == {
        "a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"},
    }  # fmt: skip
    assert not plain.complete
    filtered = relevance_of(groups, "artist")
    assert {name: set(wanted.relevant) for name, wanted in filtered.wanted.items()} == {
        "a": {"c"}, "b": {"c"}, "c": {"a", "b"},
    }  # fmt: skip
    assert set(filtered.wanted["a"].excluded) == {"a", "b", "d", "e"}
    numbers = relevance_of(table(file=[10000001.0, 10000002.0, 2.5, 4, 5], group=[7.0, 7.0, 8.0, np.nan, np.nan]))
    assert set(numbers.wanted) == {"10000001", "10000002"}


@pytest.mark.parametrize(
    ("columns", "filter", "error", "says"),
    [
        ({"query": ["a"], "item": ["b"]}, None, DataError, "columns query,file or file,group, not query,item"),
        ({"query": ["a"], "file": ["a"]}, None, DataError, "nothing is relevant"),
        ({"file": ["a", "b"], "group": ["x", "y"]}, None, DataError, "nothing is relevant"),
        ({"file": ["a", "a"], "group": ["x", "y"]}, None, DataError, "a stands twice"),
        ({"file": ["a", "b"], "group": ["x", "x"]}, "artist", UsageProblem, "columns file,group,artist"),
        ({"query": ["a"], "file": ["b"], "artist": ["b"]}, "artist", UsageProblem, "columns file,group,artist"),
    ],
)
def test_what_is_no_reference(columns, filter, error, says):
    with pytest.raises(error, match=says):
        relevance_of(table(**columns), filter)


def test_rankings_from_tables_and_matrices():
    rows = table(query=["q", "r", "q", "q"], file=["a", "a", "b", "a"], score=[0.1, 0.5, 0.9, 0.05], start=[0.0] * 4)
    assert rankings_of(rows) == {"q": ["b", "a", "a"], "r": ["a"]}
    assert rankings_of(rows.without("score")) == {"q": ["a", "b", "a"], "r": ["a"]}
    assert rankings_of(rows.without("query")) == {"": ["b", "a", "a", "a"]}
    values = np.array([[1, 0.2, 0.5], [0.2, 1, np.nan], [0.5, 0.1, 1]])
    matrix = pair_matrix(values, ["a", "b", "c"])
    assert rankings_of(matrix) == {"a": ["a", "c", "b"], "b": ["b", "a"], "c": ["c", "a", "b"]}
    assert rankings_of(pair_matrix(values, ["a", "b", "c"], "distance"))["a"] == ["b", "c", "a"]
    printed = table(file=["a", "b"], a=[1.0, 0.3], b=[0.4, 1.0])
    assert rankings_of(printed) == {"a": ["a", "b"], "b": ["b", "a"]}
    for wrong in (table(bpm=[120.0]), pair_matrix(np.ones((2, 3)), ["a", "b"])):
        with pytest.raises(DataError, match=r"columns query,file,score|all pairs"):
            rankings_of(wrong)


def test_queries_that_count():
    pairs = relevance_of(table(query=["q", "r"], file=["a", "b"]))
    found = asked(pairs, {"q": ["q", "a"], "s": ["a"]})
    assert (found.queries, found.strange, found.left) == (["q", "r"], ["s"], [])
    assert evaluate(pairs.wanted["q"], found.answer("q"))["rank"] == 1  # the query itself does not count
    assert found.answer("r") == ()
    groups = relevance_of(table(file=["a", "b", "c"], group=["x", "x", "x"]))
    found = asked(groups, {"b": ["c"]})
    assert (found.queries, found.strange, found.left) == (["b"], [], ["a", "c"])
    assert asked(groups, {"b": ["c"]}, every=True).queries == ["a", "b", "c"]
    single = relevance_of(table(query=["q"], file=["a"]))
    assert asked(single, {"": ["a"]}).answer("q") == ["a"]
    with pytest.raises(DataError, match="-H writes a column query"):
        asked(groups, {"": ["a"]})
    with pytest.raises(DataError, match=r"there it is 'a', here '\./a'"):
        asked(groups, {"./a": ["a"]})
