"""Pictures of factorizations, read from the figure objects."""

import io
from dataclasses import replace

import numpy as np
import pytest

from mirtool.errors import DataError
from mirtool.plots.dispatch import draw, figure_of
from mirtool.plots.factorization import factorization_figure
from mirtool.plots.reduction import edges, log_rows
from mirtool.types import Factorization, Features

FREQUENCIES = tuple(20.0 * k for k in range(513))


def model(columns=None, frames=900, labels=("kick", "snare", "hihat"), start=2.0):
    """Return three components with a stroke each in every 50 frames."""
    random = np.random.default_rng(4)
    rank = len(labels)
    W = random.random((513, rank) if columns is None else (513, rank, columns))
    H = np.zeros((rank, frames))
    H[np.arange(frames // 50 * rank) % rank, np.arange(frames // 50 * rank) * (50 // rank)] = 1
    return Factorization(W, H, 50.0, start, FREQUENCIES, labels=labels)


def matrix(factors):
    return Features(factors.product(), 50.0, "spectrogram", ("frequency", "time"), FREQUENCIES, factors.start)


def images(figure):
    return {axes.get_title(): axes.images[0].get_array() for axes in figure.axes if axes.images}


def test_before_beside_learned_beside_the_matrix_and_the_product():
    learned = model()
    figure = factorization_figure(learned, matrix(learned), replace(learned, activations=learned.activations + 1))
    assert [axes.get_title() for axes in figure.axes][:6] == [
        *("Templates W, before", "Activations H, before", "Templates W, learned", "Activations H, learned"),
        *("Matrix V", "Product WH ≈ V"),
    ]
    before, _, _, learned_axes, V, _ = figure.axes[:6]
    assert [tick.get_text() for tick in before.get_xticklabels()] == ["kick", "snare", "hihat"]
    assert [tick.get_text() for tick in learned_axes.get_yticklabels()] == ["kick", "snare", "hihat"]
    assert V.get_xlim() == pytest.approx((2 - 0.01, 2 - 0.01 + 900 / 50))
    assert before.get_ylabel() == "Frequency (Hz)"
    assert "1k" in [tick.get_text() for tick in before.get_yticklabels()]
    assert np.array_equal(images(figure)["Matrix V"], images(figure)["Product WH ≈ V"])


@pytest.mark.parametrize(
    ("more", "titles"),
    [
        ({}, ["Templates W", "Activations H", "Product WH"]),
        ({"matrix": True}, ["Templates W", "Activations H", "Matrix V", "Product WH ≈ V"]),
    ],
)
def test_what_is_not_given_is_not_drawn(more, titles):
    learned = model()
    figure = factorization_figure(learned, matrix(learned) if more else None)
    assert list(images(figure)) == titles


def test_every_stroke_of_a_long_recording_is_seen():
    long = model(frames=9000)
    H = images(factorization_figure(long))["Activations H"]
    assert H.shape == (3, 280)
    strokes = np.searchsorted(edges(9000, 280), np.flatnonzero(long.activations[0]), side="right") - 1
    assert (H[0, strokes] == 1).all()


def test_templates_over_time_stand_side_by_side():
    W = images(factorization_figure(model(columns=4)))["Templates W"]
    assert W.shape[1] == 12
    assert W.max() == 1
    assert (W.reshape(-1, 3, 4).max(axis=(0, 2)) == 1).all()


def test_levels_are_below_the_largest_value():
    W = np.full((513, 2), 1e-3)
    W[100] = (10, 1)
    figure = factorization_figure(Factorization(W, np.ones((2, 4)), 50.0, axis=FREQUENCIES))
    image = images(figure)["Templates W"]
    assert image.max(axis=0).tolist() == [1, 1]
    assert image.min(axis=0).tolist() == pytest.approx([0, 0], abs=1e-6)  # 60 dB and more below
    assert images(figure)["Activations H"].tolist() == [[1] * 4, pytest.approx([2 / 3] * 4)]


def test_a_matrix_may_be_given_at_a_lower_rate():
    learned = model()
    few = Features(learned.product()[:, ::9], 50 / 9, "", ("frequency", "time"), FREQUENCIES, 2.08, "power")
    V, WH = factorization_figure(learned, few).axes[2:4]
    assert V.get_xlim() == pytest.approx(WH.get_xlim(), abs=0.05)
    assert V.images[0].get_array()[:, 0].min() > WH.images[0].get_array().min()  # 10 dB a decade of power


@pytest.mark.parametrize("rank", [14, 30, 88])
def test_of_many_components_some_are_named(rank):
    names = tuple(f"p{n}" for n in range(rank))
    figure = factorization_figure(model(labels=names, frames=6000))
    shown = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert shown[0] == "p0"
    assert 7 <= len(shown) <= 14


def test_rows_that_are_no_frequencies_keep_their_values():
    chroma = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    W = np.linspace(0, 2, 24).reshape(12, 2)
    figure = factorization_figure(Factorization(W, np.ones((2, 5)), 10.0, 0.0, chroma, "chroma"))
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()][:2] == ["C", "C♯"]
    np.testing.assert_allclose(images(figure)["Templates W"], W / W.max(axis=0), rtol=1e-6)


def test_a_matrix_without_time_and_one_of_zeros():
    figure = factorization_figure(Factorization(np.zeros((5, 2)), np.zeros((2, 7)), None, dim="feature"))
    assert figure.axes[1].get_xlabel() == "Frame"
    assert figure.axes[1].get_xlim() == (-0.5, 6.5)


def test_what_cannot_be_drawn():
    with pytest.raises(DataError, match="nothing to draw"):
        factorization_figure(Factorization(np.ones((3, 1)), np.ones((1, 0)), 10.0))
    with pytest.raises(DataError, match="different height: 513, 3"):
        factorization_figure(model(), Features(np.ones((3, 900)), 50.0))


def test_a_factorization_is_drawn_like_any_container():
    pictures = []
    for _ in range(2):
        stream = io.BytesIO()
        draw(model(), stream, "svg")
        pictures.append(stream.getvalue())
    assert pictures[0].startswith(b"<?xml")
    assert pictures[0] == pictures[1]


def test_templates_alone_are_drawn_as_in_the_whole():
    strokes = model(columns=4)
    whole = images(factorization_figure(strokes))["Templates W"]
    axes = figure_of([strokes.template_features()]).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), whole)
    assert axes.get_xlabel() == "Component"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "3"]
    with pytest.raises(DataError, match="no templates"):
        figure_of([Features(np.ones((2, 2, 2, 2)), None, "templates")])


def test_rows_on_a_logarithmic_axis_keep_every_peak():
    image = np.zeros((1025, 1), np.float32)
    for row in (1, 2, 7, 40, 333, 1024):
        image[:] = 0
        image[row] = 1
        got = log_rows(image, 320)[:, 0]
        places = np.flatnonzero(got)
        assert got.max() == 1
        assert abs(places.mean() - np.log(row) / np.log(1024) * 319) <= max(1, len(places) / 2)
    assert log_rows(np.ones((4, 2), np.float32), 320).shape == (4, 2)
