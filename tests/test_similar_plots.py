"""Pictures of pieces that are alike."""

import numpy as np

from mirtool.plots.figure import PALETTE
from mirtool.plots.similar import neighbours_figure, pairs_figure
from mirtool.retrieval.similarity.maps import scaled
from mirtool.types import Table, pair_matrix


def alike(names):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(len(names), 2))
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    return pair_matrix(np.exp(-apart), names), scaled(apart)


def test_bars_are_in_the_order_of_the_hits_and_the_query_is_ringed():
    names = ["music/me.wav", "music/far.wav", "music/near.wav"]
    pairs, places = alike(names)
    hits = Table({"file": np.array(["music/near.wav", "music/far.wav"], object), "score": np.array([0.9, 0.2])})
    bars, plane = neighbours_figure(hits, pairs, places).axes
    assert [label.get_text() for label in bars.get_yticklabels()] == ["near", "far"]
    assert [bar.get_width() for bar in bars.patches] == [0.9, 0.2]
    rings = [mark for mark in plane.collections if not mark.get_facecolor().size]
    np.testing.assert_allclose(rings[0].get_offsets(), places[:1])
    assert plane.get_legend() is None


def test_no_hits():
    pairs, places = alike(["me.wav"])
    hits = Table({"file": np.array([], object), "score": np.zeros(0)})
    assert len(neighbours_figure(hits, pairs, places).axes) == 2


def test_folders_have_colours_and_names_do_not_lie_on_each_other():
    names = [f"music/{kind}/{number}.wav" for kind in ("folk", "jazz") for number in range(40)]
    pairs, places = alike(names)
    plane = next(axes for axes in pairs_figure(pairs, places).axes if axes.get_legend())
    assert [text.get_text() for text in plane.get_legend().get_texts()] == ["folk", "jazz"]
    points = plane.collections
    assert [len(mark.get_offsets()) for mark in points] == [40, 40]
    assert len({tuple(mark.get_facecolor()[0]) for mark in points}) == 2
    assert 10 < len(plane.texts) < 80


def test_many_folders_have_one_colour():
    names = [f"{letter}/x.wav" for letter in "abcdefghijklmnop"]
    assert len(names) > len(PALETTE)
    pairs, places = alike(names)
    assert all(axes.get_legend() is None for axes in pairs_figure(pairs, places).axes)


def test_pieces_that_are_all_the_same_lie_on_one_point():
    pairs = pair_matrix(np.ones((3, 3)), ["a.wav", "b.wav", "c.wav"])
    assert pairs_figure(pairs, np.zeros((3, 2))).axes


def test_long_names_are_cut():
    pairs, places = alike(["a" * 50, "b" * 50])
    texts = [text.get_text() for axes in pairs_figure(pairs, places).axes for text in axes.texts]
    assert texts
    assert all(len(text) == 30 and text.endswith("…") for text in texts)
