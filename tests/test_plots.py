"""Pictures: valid files that repeat byte by byte, and what they show, read from the figure objects."""

import io
import re
import time
import zlib

import numpy as np
import pytest

from mirtool.errors import DataError, UsageProblem
from mirtool.plots import detection, figure, labels
from mirtool.plots.dispatch import draw, figure_of
from mirtool.plots.evaluation import deviation_figure
from mirtool.plots.figure import FORMATS, format_of
from mirtool.plots.labels import nice_values, pitch_name, pitch_ticks, pretty
from mirtool.plots.reduction import pooled, sound_envelope
from mirtool.plots.sync import sync_figure, tempo_ratio
from mirtool.types import Audio, Events, Features, Notes, Segments, Table, WarpingPath, pair_matrix

CHROMA = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def names(*values):
    return np.array(values, dtype=object)


def picture(content, format="png"):
    stream = io.BytesIO()
    draw(content, stream, format)
    return stream.getvalue()


def tone(seconds=2.0, sample_rate=8000, channels=1):
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    return Audio(np.repeat(0.5 * np.sin(2 * np.pi * 220 * t)[:, None], channels, axis=1), sample_rate)


def containers():
    random = np.random.default_rng(3)
    time = np.arange(1.0, 9.0, 0.5)
    n = len(time)
    path = np.stack([time, 1.25 * time], axis=1)
    return {
        "audio": tone(),
        "stereo": tone(channels=2),
        "eight": tone(0.1, channels=8),
        "chroma": Features(random.random((12, 50)), 10.0, "chroma", ("chroma", "time"), CHROMA),
        "curve": Features(random.random((1, 50)), 10.0, "novelty"),
        "spectrogram": Features(random.random((65, 40)) + 1j, 10.0, "spectrogram", ("frequency", "time")),
        "signed": Features(random.standard_normal((5, 40)), 10.0, "embedding"),
        "templates": Features(random.random((30, 4)), None, "templates", ("frequency", "component")),
        "strokes": Features(random.random((30, 4, 6)), 40.0, "templates", ("frequency", "component", "time")),
        "ssm": Features(random.random((40, 40)), 10.0, "ssm", ("time", "time")),
        "times": Events({"time": time}),
        "onsets": Events({"time": time, "strength": random.random(n)}),
        "beats": Events({"time": time, "beat": np.arange(n) % 4 + 1}),
        "melody": Events({"time": time, "f0_hz": 220 * 2 ** random.random(n), "confidence": np.ones(n)}),
        "tempi": Events({"time": time, "bpm": 100 + time, "strength": random.random(n)}),
        "drums": Events({"time": time, "label": names(*["kick", "snare"] * (n // 2)), "strength": random.random(n)}),
        "performance": Events({"time": time, "score_beat": time, "bpm": 100 + time, "loudness": time}),
        "structure": Segments({"start": time[:3], "end": time[1:4], "label": names("A", "B", "A")}),
        "chords": Segments(
            {"start": time[:-1], "end": time[1:], "label": names(*[f"{c}:maj" for c in CHROMA], *"XYZ")}
        ),
        "notes": Notes(
            {"onset": time, "offset": time + 0.4, "pitch": np.arange(60, 60 + n), "velocity": np.full(n, 64)}
        ),
        "tempo": Table({"bpm": np.array([120.0, 60.0]), "strength": np.array([0.7, 0.3])}),
        "path": WarpingPath.from_times(path, np.linspace(0, 1, n)),
        "versions": WarpingPath.from_times(np.column_stack([path, 0.8 * time])),
    }


@pytest.mark.parametrize("name", list(containers()))
def test_every_container_has_a_picture(name, monkeypatch):
    monkeypatch.setattr(figure, "DPI", 50)  # a quarter of the time
    content = picture(containers()[name])
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    assert int.from_bytes(content[16:20], "big") == 360


def test_a_picture_is_a_page_wide_at_200_dpi():
    assert int.from_bytes(picture(containers()["tempo"])[16:20], "big") == 1440


@pytest.mark.parametrize("format", FORMATS)
def test_same_input_gives_the_same_bytes_without_dates(format):
    table = containers()["path"]
    first = picture(table, format)
    assert first == picture(containers()["path"], format)
    assert not re.search(rb"20[0-9]{2}-[01][0-9]|D:20[0-9]{2}|[Dd]ate", first)
    assert b"matplotlib" not in first.lower() or format == "svg"


def test_svg_and_pdf_are_well_formed():
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(picture(containers()["notes"], "svg"))
    assert root.tag.endswith("}svg")
    assert root.attrib["width"] == "518.4pt"
    document = picture(containers()["notes"], "pdf")
    assert document.startswith(b"%PDF-1.4")
    assert document.rstrip().endswith(b"%%EOF")
    assert int(re.search(rb"startxref\s+(\d+)", document)[1]) == document.index(b"\nxref") + 1


def test_the_users_matplotlibrc_changes_nothing():
    import matplotlib

    plain = picture(containers()["onsets"])
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "savefig.dpi": 20}):
        assert picture(containers()["onsets"]) == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_a_stream_that_cannot_seek_is_enough():
    class Pipe(io.RawIOBase):
        content = b""

        def writable(self):
            return True

        def write(self, data):
            self.content += bytes(data)
            return len(data)

    for format in FORMATS:
        pipe = Pipe()
        draw(containers()["tempo"], pipe, format)
        assert pipe.content == picture(containers()["tempo"], format)


def test_format_from_the_extension():
    assert [format_of(name) for name in ("a.png", "b/c.SVG", "x.y.pdf")] == ["png", "svg", "pdf"]
    for name in ("a.jpg", "png", "-", "a."):
        with pytest.raises(UsageProblem, match=r"\.png, \.svg, \.pdf"):
            format_of(name)
    with pytest.raises(UsageProblem, match="gif: a picture is written as png, svg, pdf"):
        picture(tone(), "gif")


def test_unknown_content_is_refused():
    with pytest.raises(UsageProblem, match="no picture for a table with the columns file,score"):
        picture(Table({"file": names("a"), "score": np.ones(1)}))
    with pytest.raises(UsageProblem, match="no picture for dict"):
        figure_of([{}])
    with pytest.raises(UsageProblem, match="laid over"):
        figure_of([tone()], [Table({"bpm": np.ones(1)})])


@pytest.mark.parametrize(
    "empty",
    [
        Events({"time": np.empty(0)}),
        Segments({"start": np.empty(0), "end": np.empty(0), "label": names()}),
        Notes({"onset": np.empty(0), "offset": np.empty(0), "pitch": np.empty(0), "velocity": np.empty(0)}),
        Features(np.empty((12, 0)), 10.0),
        Audio(np.empty((0, 1)), 8000),
        Table({"bpm": np.empty(0)}),
        WarpingPath.from_times(np.ones((1, 2))),
        Features(np.full((2, 5), np.nan), 10.0),
        Features(np.full((1, 5), np.nan), 10.0),
        Events({"time": np.arange(3.0), "f0_hz": np.zeros(3)}),
        Events({"time": np.full(3, np.nan)}),
        Events({"time": np.arange(3.0), "strength": np.full(3, np.nan)}),
        Audio(np.full((10, 1), np.nan), 8000),
    ],
)
def test_nothing_to_draw_is_said(empty):
    with pytest.raises(DataError):
        figure_of([empty])


def test_waveform_shows_every_channel_on_one_scale():
    sound = Audio(np.stack([np.full(8000, 0.25), np.full(8000, -1.0)], axis=1), 8000)
    left, right = figure_of([sound]).axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("Left", "Right")
    assert left.get_ylim() == right.get_ylim() == pytest.approx((-1.05, 1.05))
    assert left.get_xlim() == right.get_xlim() == (0.0, 1.0)
    assert right.get_xlabel() == "Time (s)"
    assert left.get_xlabel() == ""


def test_envelope_keeps_extremes_and_memory():
    random = np.random.default_rng(0)
    for frames in (1, 7, 64, 65, 1000, 70_001, 200_000):
        samples = random.standard_normal((frames, 2)).astype(np.float32)
        envelope = sound_envelope(Audio(samples, 1000), bins=32)
        runs = envelope.low.shape[1]
        assert runs <= 65
        assert runs >= min(frames, 32)
        borders = np.round(envelope.times * 1000).astype(int)
        assert borders[0] == 0
        assert borders[-1] == frames
        for run in range(runs):
            piece = samples[borders[run] : borders[run + 1]]
            assert np.array_equal(envelope.low[:, run], piece.min(axis=0))
            assert np.array_equal(envelope.high[:, run], piece.max(axis=0))


@pytest.mark.parametrize("mode", ["mean", "max"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_pooling_equals_the_blocks(mode, order):
    matrix = np.asarray(np.random.default_rng(1).standard_normal((13, 101)), dtype=np.float32, order=order)
    result = pooled(matrix, 5, 10, mode)
    assert result.shape == (5, 10)
    rows, columns = np.linspace(0, 13, 6).astype(int), np.linspace(0, 101, 11).astype(int)
    for i in range(5):
        for j in range(10):
            block = matrix[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            # columns first, then rows: the mean of means over runs of equal width is the mean of the block
            assert result[i, j] == pytest.approx(getattr(block, mode)(), rel=1e-5, abs=1e-6)
    assert np.array_equal(pooled(matrix, 20, 200, mode), matrix)
    assert np.allclose(pooled(matrix * 1j, 13, 101, mode), np.abs(matrix))


def test_chroma_rows_are_pitch_classes_and_frames_are_centred():
    features = Features(np.eye(12), 2.0, "chroma", ("chroma", "time"), CHROMA, start=1.0)
    axes, bar = figure_of([features]).axes
    assert [label.get_text() for label in axes.get_yticklabels()][:3] == ["C", "C♯", "D"]
    image = axes.get_images()[0]
    assert image.get_extent() == [0.75, 6.75, -0.5, 11.5]
    assert np.array_equal(image.get_array(), np.eye(12))
    assert axes.get_xlim() == (0.75, 6.75)
    assert image.get_clim() == (0.0, 1.0)
    assert bar.get_ylabel() == ""


def test_pairs_of_files_have_their_names_on_both_axes():
    axes, _ = figure_of([pair_matrix(np.eye(3), ["set/Abyss.wav", "set/b.wav", "set/c.wav"])]).axes
    for tick_labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in tick_labels] == ["Abyss", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("File", "File")


def test_row_axes():
    linear = Features(np.ones((5, 4)), 1.0, "spectrogram", ("frequency", "time"), (0.0, 100.0, 200.0, 300.0, 400.0))
    assert figure_of([linear]).axes[0].get_images()[0].get_extent()[2:] == [-50.0, 450.0]
    tempi = tuple(30.0 * 2 ** (k / 4) for k in range(17))
    tempogram = Features(np.ones((17, 4)), 1.0, "tempogram", ("tempo", "time"), tempi)
    axes = figure_of([tempogram]).axes[0]
    assert axes.get_ylabel() == "Tempo (BPM)"
    positions = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert 5 < positions["100"] < 8  # between 84.9 (6) and 100.9 (7) BPM
    pitches = Features(np.ones((88, 4)), 1.0, "pitch", ("pitch", "time"), tuple(float(p) for p in range(21, 109)))
    axes = figure_of([pitches]).axes[0]
    assert dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True))["C4"] == 39
    signed = figure_of([Features(np.array([[-3.0, 1.0], [0.0, 1.0]]), 1.0)]).axes[0].get_images()[0]
    assert signed.get_clim() == (-3.0, 3.0)


def test_spectrogram_is_shown_in_decibels():
    magnitudes = np.array([[1.0, 0.1], [0.0, 1e-9]])
    image = figure_of([Features(magnitudes.astype(complex), 1.0, "spectrogram")]).axes[0].get_images()[0]
    assert np.allclose(image.get_array(), [[0.0, -20.0], [-80.0, -80.0]], atol=1e-4)
    power = figure_of([Features(magnitudes, 1.0, "spectrogram", unit="power")]).axes[0].get_images()[0]
    assert np.allclose(power.get_array(), [[0.0, -10.0], [-80.0, -80.0]], atol=1e-4)
    compressed = figure_of([Features(magnitudes, 1.0, "spectrogram")]).axes[0].get_images()[0]
    assert np.allclose(compressed.get_array(), magnitudes)


def test_curve_draws_its_samples_at_their_times():
    axes = figure_of([Features(np.array([0.0, 1.0, 0.5]), 4.0, "novelty", start=2.0)]).axes[0]
    times, values = axes.lines[0].get_data()
    assert np.allclose(times, [2.0, 2.25, 2.5])
    assert np.allclose(values, [0.0, 1.0, 0.5])
    assert axes.get_ylabel() == "Novelty"


def test_piano_roll_bars_and_pitch_names():
    notes = Notes({"onset": [1.0, 2.0], "offset": [2.0, 3.5], "pitch": [60, 64], "velocity": [127, 20]})
    axes = figure_of([notes]).axes[0]
    bars = next(collection for collection in axes.collections if len(collection.get_paths()) == 2)
    corners = bars.get_paths()[1].vertices
    assert corners[:, 0].min() == 2.0
    assert corners[:, 0].max() == 3.5
    assert corners[:, 1].mean() == pytest.approx(64, abs=0.2)
    ticks = dict(zip(axes.get_yticks(), [label.get_text() for label in axes.get_yticklabels()], strict=True))
    assert ticks[60] == "C4"
    loud, quiet = bars.get_facecolor()[:, :3]
    assert quiet.sum() > loud.sum()
    assert axes.get_legend() is None
    both = figure_of([notes.replace(track=names("Right", "Left"))]).axes[0].get_legend()
    assert [text.get_text() for text in both.get_texts()] == ["Left", "Right"]


def test_beats_show_the_local_tempo_and_downbeats():
    time = np.array([0.5, 1.0, 1.5, 2.25])
    axes = figure_of([Events({"time": time, "beat": [1, 2, 1, 2]})]).axes[0]
    middle, tempo = axes.lines[0].get_data()
    assert np.allclose(middle, [0.75, 1.25, 1.875])
    assert np.allclose(tempo, [120, 120, 80])
    others, downbeats = [[segment[0][0] for segment in lines.get_segments()] for lines in axes.collections]
    assert downbeats == [0.5, 1.5]
    assert others == [1.0, 2.25]


def test_melody_breaks_where_there_is_no_voice():
    time = np.array([0.0, 0.01, 0.02, 0.03, 0.5, 0.51])
    axes = figure_of([Events({"time": time, "f0_hz": [440.0, 440.0, 0.0, 220.0, 220.0, 220.0]})]).axes[0]
    pitch = axes.lines[0].get_ydata()
    assert np.allclose(pitch, [69, 69, np.nan, 57, np.nan, 57, 57], equal_nan=True)


def test_labels_keep_their_colour():
    table = Segments({"start": [0.0, 1.0, 2.0], "end": [1.0, 2.0, 3.0], "label": names("A", "B", "A")})
    axes = figure_of([table]).axes[0]
    a, b, again = [bar.get_facecolor() for bar in axes.patches]
    assert a == again != b
    assert [bar.get_width() for bar in axes.patches] == [1.0, 1.0, 1.0]
    assert [text.get_text() for text in axes.texts] == ["A", "B", "A"]


def test_overlay_shares_the_time_axis():
    drawn = figure_of([tone(4.0), containers()["onsets"]], [Events({"time": [0.5, 3.0], "beat": [1, 2]})], "Both")
    above, below = drawn.axes
    assert above.get_xlim() == below.get_xlim()
    assert above.get_xlim()[1] == pytest.approx(8.5 + 0.075)
    for axes in drawn.axes:
        lines = [segment[0][0] for collection in axes.collections[-2:] for segment in collection.get_segments()]
        assert lines == [3.0, 0.5]
    assert drawn.get_suptitle() == "Both"


def test_sync_figure_shows_cost_path_ratio_and_confidence():
    cost = np.ones((20, 40))
    cost[5, 10] = np.inf
    cost[0, 39] = 0.0
    time = np.linspace(0, 10, 101)
    path = WarpingPath.from_times(np.stack([time, 2 * time], axis=1), np.full(101, 0.5))
    drawn = sync_figure(path, cost, (0.0, 10.0, 0.0, 20.0), np.array([[5.0, 10.0]]))
    main, ratio, confidence, bar = sorted(drawn.axes, key=lambda axes: axes.get_ylabel() == "Cost")
    image = main.get_images()[0]
    assert image.get_extent() == [0.0, 10.0, 0.0, 20.0]
    shown = image.get_array()
    assert shown.shape == (40, 20)  # B upwards
    assert shown.mask[10, 5]
    assert shown[39, 0] == 0.0
    assert main.get_ylabel() == "Time in B (s)"
    assert np.array_equal(main.lines[0].get_ydata(), 2 * time)
    assert np.array_equal(main.lines[1].get_xydata(), [[5.0, 10.0]])
    assert np.allclose(ratio.lines[0].get_ydata(), 0.5)
    assert ratio.get_ylabel() == "Tempo B : A"
    assert confidence.get_xlabel() == "Time in A (s)"
    assert confidence.get_xlim() == main.get_xlim() == (0.0, 10.0)
    assert bar.get_ylabel() == "Cost"


def test_many_high_costs_do_not_hide_the_valley():
    cost = np.full((30, 30), 2.0)
    cost[:, ::15] = 50.0
    np.fill_diagonal(cost, 0.1)
    path = WarpingPath.from_times(np.array([[0.0, 0.0], [3.0, 3.0]]))
    drawn = sync_figure(path, cost)
    assert drawn.axes[0].get_images()[0].get_clim() == pytest.approx((0.1, 2.0), rel=1e-3)
    assert figure_of([Features(cost, 10.0, "cost", ("time_a", "time_b"))]).axes[0].get_xlabel() == "Time in B (s)"


def test_silence_at_an_end_leaves_the_axis_of_the_ratio():
    time = np.linspace(0.0, 100.0, 1001)
    path = WarpingPath.from_times(np.stack([time, np.where(time < 98, time, 98 + (time - 98) / 1000)], axis=1))
    low, high = sync_figure(path).axes[1].get_ylim()
    assert 0.5 < low < 1 < high < 2


def test_tempo_ratio_follows_a_change_of_tempo():
    a = np.array([0.0, 10.0, 20.0])
    b = np.array([0.0, 5.0, 25.0])  # twice as fast, then half as fast
    times, ratio = tempo_ratio(a, b, window=2.0)
    assert np.allclose(ratio[times < 9.0], 2.0)
    assert np.allclose(ratio[times > 11.0], 0.5)
    assert np.all(np.diff(ratio) < 1e-9)


def test_errors_over_time_and_as_boxes():
    one = deviation_figure({"a": (np.arange(3.0), np.array([0.0, 0.03, -0.06]))}, (25, 50, 100)).axes[0]
    assert np.allclose(one.lines[1].get_ydata(), [0, 30, -60])
    many = {f"item {k}": (np.arange(50.0), np.full(50, 0.001 * k)) for k in range(1, 105)}
    boxes = deviation_figure(many, (25, 50, 100)).axes[0]
    assert len(boxes.get_yticklabels()) == 100
    assert boxes.get_yticklabels()[0].get_text() == "item 5"
    assert "100 worst of 104" in boxes.get_xlabel()
    medians = [line.get_xdata()[0] for line in boxes.lines if len(line.get_xdata()) == 2]
    assert any(np.isclose(median, 104.0) for median in medians)


def test_hours_stay_small_and_fast():
    random = np.random.default_rng(0)
    hour = {
        "features": Features(random.random((24, 180_000), dtype=np.float32), 50.0, "sync"),
        "audio": Audio(random.random((3600 * 2000, 1), dtype=np.float32), 2000),
        "onsets": Events({"time": np.sort(random.random(20_000) * 3600), "strength": random.random(20_000)}),
        "curve": Features(random.random((1, 360_000)), 100.0, "novelty"),
        "notes": Notes(
            {
                "onset": (onset := np.sort(random.random(40_000) * 3600)),
                "offset": onset + 0.3,
                "pitch": random.integers(21, 109, 40_000),
                "velocity": random.integers(1, 128, 40_000),
            }
        ),
    }
    for name, content in hour.items():
        begin = time.process_time()
        size = len(picture(content, "pdf"))
        assert time.process_time() - begin < 5.0, name  # about 1 s
        assert size < 3_000_000, name


def test_names():
    assert [pitch_name(pitch) for pitch in (0, 21, 60, 61, 127)] == ["C-1", "A0", "C4", "C♯4", "G9"]
    assert [pretty(name) for name in ("C#", "Bb:min", "onset F#", "break", "B")] == [
        "C♯",
        "B♭:min",
        "onset F♯",
        "break",
        "B",
    ]
    assert pitch_ticks(58.5, 66.5) == [59, 60, 61, 62, 63, 64, 65, 66]
    assert pitch_ticks(21, 108) == [24, 36, 48, 60, 72, 84, 96, 108]
    assert list(nice_values([30.0, 600.0])) == [30.0, 50.0, 70.0, 100.0, 150.0, 200.0, 300.0, 500.0]


def test_png_pixels_are_not_blank():
    content = picture(containers()["audio"])
    data = b"".join(
        content[position + 4 : position + 4 + int.from_bytes(content[position - 4 : position], "big")]
        for position in (match.start() for match in re.finditer(b"IDAT", content))
    )
    assert len(set(zlib.decompress(data))) > 50


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/b/x.beats.csv", "a/b/yx.beats.csv"], ["x", "yx"]),
        (["a/b/x.csv", "a/c/x.csv"], ["b/x", "c/x"]),
        (["/r/one.csv e/one.csv", "/r/one.csv e/two.csv"], ["one", "two"]),
        (["x.csv", "x.beats"], ["x.csv", "x.beats"]),
        (["one", "two"], ["one", "two"]),
        (["/only/one.csv"], ["/only/one.csv"]),
        ([".csv", "a.csv"], [".csv", "a.csv"]),
    ],
)
def test_names_of_files_are_shortened(names, expected):
    assert labels.short_names(names) == expected


def test_scores_and_ratios_are_drawn_in_the_order_of_their_worth():
    items = {
        "good": {"f": 0.9, "other": np.nan, "reference_bpm": 100, "estimate_bpm": 100, "acc1": 1, "acc2": 1},
        "none": {"f": 0.0, "other": np.nan, "reference_bpm": 100, "estimate_bpm": np.nan, "acc1": 0, "acc2": 0},
        "half": {"f": 0.5, "other": np.nan, "reference_bpm": 100, "estimate_bpm": 50, "acc1": 0, "acc2": 1},
    }
    (axes,) = detection.scores_figure(items, ("f", "other")).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["none", "half", "good"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["F"]  # nothing is known of the other
    (axes,) = detection.ratios_figure(items).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["none (none)", "half", "good"]
    for empty in (lambda: detection.scores_figure({}, ("f",)), lambda: detection.ratios_figure({})):
        with pytest.raises(DataError, match="to draw"):
            empty()


def test_hits_misses_and_false_alarms():
    truth, found = np.array([1.0, 2.0, 3.0]), np.array([1.01, 5.0])
    (axes,) = detection.hits_figure(truth, found, np.array([[0, 0]]), 0.05).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["1 hits", "2 missed", "1 false"]
    with pytest.raises(DataError, match="no events"):
        detection.hits_figure(np.zeros(0), np.zeros(0), np.zeros((0, 2), int), 0.05)


def test_lines_of_beats_and_onsets_do_not_hide_the_curve():
    from matplotlib.collections import LineCollection

    from mirtool.plots.beats import beats_figure
    from mirtool.plots.onsets import onsets_figure

    curve = Features(np.ones((1, 20000), np.float32), 100.0, "novelty")

    def collections(count, make):
        every = np.arange(count) * 0.1
        axes = make(Events({"time": every, "beat": np.ones(count), "strength": np.ones(count)})).axes[0]
        return [item for item in axes.collections if isinstance(item, LineCollection)], axes.collections

    for make in (lambda events: onsets_figure(curve, events, 0.3), lambda events: beats_figure(curve, events)):
        lines, everything = collections(500, make)
        assert lines
        assert all(line.zorder < item.zorder for line in lines for item in everything if item not in lines)
        assert not collections(1500, make)[0]
