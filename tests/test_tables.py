"""Text formats: what is written, that it comes back, and what is refused."""

import io
import json
import locale

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, FormatError, UsageProblem
from mirtool.io import columns, formats
from mirtool.io.excerpts import excerpt
from mirtool.types import Events, Notes, Segments, Table, WarpingPath

BEATS = Events({"time": [0.5, 1.0, 1.5], "beat": [1, 2, 1], "confidence": [0.25, 1.0, 0.123456789]})
ONSETS = Events({"time": [0.5, 1.0, 1.5]})
DRUMS = Events({"time": [0.5, 1.0], "label": ["kick", "hi hat"]})
MELODY = Events({"time": [0.0, 0.01], "f0_hz": [440.0, 0.0]})
CHORDS = Segments({"start": [0.0, 1.25], "end": [1.25, 3.0], "label": ["C:maj7", "N"]})
NOTES = Notes({"onset": [0.0, 0.5], "offset": [0.5, 2.0], "pitch": [60, 69], "velocity": [64, 127]})
PATH = WarpingPath.from_times([[0.0, 0.1], [1.0, 0.9], [2.0, 2.5]], [0.5, 1.0, 0.25])
THREE = WarpingPath.from_times([[0.0, 0.1, 0.2], [1.0, 0.9, 0.8]])
HITS = Table({"file": ["a.wav", 'b,"c".wav'], "start": [1.0, 2.0], "end": [3.0, 4.0], "score": [0.5, 0.25]})


def written(container, format):
    stream = io.BytesIO()
    row = formats.target_format(formats.container_name(container), "x", format)
    formats._resolve(row.writer)(container, stream, formats.WriteOptions(format))
    return stream.getvalue().decode()


def read(text, format="csv"):
    data = text if isinstance(text, bytes) else text.encode()
    reader = formats._resolve(formats.FORMATS[format].reader)
    return reader(io.BytesIO(data), "x.csv", formats.ReadOptions(format))


def assert_same(one, other, names=None, atol=1e-9):
    assert type(one) is type(other)
    assert list(one.columns) == list(names or other.columns)
    for name in one.columns:
        if other[name].dtype == object:
            assert list(one[name]) == list(other[name])
        else:
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize(
    ("container", "format", "text"),
    [
        (BEATS, "csv", "time,beat,confidence\n0.500000,1,0.25\n1.000000,2,1\n1.500000,1,0.123457\n"),
        (BEATS, "tsv", "time\tbeat\tconfidence\n0.500000\t1\t0.25\n1.000000\t2\t1\n1.500000\t1\t0.123457\n"),
        (DRUMS, "json", '{"time": 0.500000, "label": "kick"}\n{"time": 1.000000, "label": "hi hat"}\n'),
        (HITS, "csv", 'file,start,end,score\na.wav,1.000000,3.000000,0.5\n"b,""c"".wav",2.000000,4.000000,0.25\n'),
        (CHORDS, "lab", "0.000000\t1.250000\tC:maj7\n1.250000\t3.000000\tN\n"),
        (BEATS, "beats", "0.500000\t1\n1.000000\t2\n1.500000\t1\n"),
        (BEATS, "mireval", "0.500000\n1.000000\n1.500000\n"),
        (MELODY, "mireval", "0.000000\t440\n0.010000\t0\n"),
        (DRUMS, "mireval", "0.500000\tkick\n1.000000\thi hat\n"),
        (CHORDS, "mireval", "0.000000\t1.250000\tC:maj7\n1.250000\t3.000000\tN\n"),
        (NOTES, "mireval", "0.000000\t0.500000\t261.625565\n0.500000\t2.000000\t440.000000\n"),
        (BEATS, "audacity", "0.500000\t0.500000\t1\n1.000000\t1.000000\t2\n1.500000\t1.500000\t1\n"),
        (CHORDS, "audacity", "0.000000\t1.250000\tC:maj7\n1.250000\t3.000000\tN\n"),
        (
            NOTES,
            "fmp",
            '"Start";"Duration";"Pitch";"Velocity";"Instrument"\n0.000000;0.500000;60;0.5;""\n'
            '0.500000;1.500000;69;0.9921875;""\n',
        ),
        (CHORDS, "fmp", '"start";"end";"label"\n0.000000;1.250000;"C:maj7"\n1.250000;3.000000;"N"\n'),
        (THREE, "fmp", '"time_1";"time_2";"time_3"\n0.000000;0.100000;0.200000\n1.000000;0.900000;0.800000\n'),
        (THREE, "csv", "time_1,time_2,time_3\n0.000000,0.100000,0.200000\n1.000000,0.900000,0.800000\n"),
    ],
)
def test_what_is_written(container, format, text):
    assert written(container, format) == text


@pytest.mark.parametrize("format", ["csv", "tsv", "json"])
@pytest.mark.parametrize("container", [BEATS, ONSETS, DRUMS, MELODY, CHORDS, NOTES, PATH, THREE, HITS])
def test_everything_comes_back(container, format):
    assert_same(read(written(container, format), format), container, atol=5e-7)


@pytest.mark.parametrize(
    ("container", "format", "names"),
    [
        (CHORDS, "lab", None),
        (BEATS, "beats", ["time", "beat"]),
        (BEATS, "audacity", ["time", "beat"]),
        (BEATS, "sv", ["time", "beat"]),
        (BEATS, "jams", None),
        (BEATS, "fmp", None),
        (ONSETS, "beats", None),
        (ONSETS, "mireval", None),
        (DRUMS, "mireval", None),
        (CHORDS, "mireval", None),
        (DRUMS, "audacity", None),
        (CHORDS, "audacity", None),
        (NOTES, "fmp", ["onset", "offset", "pitch", "velocity", "instrument"]),
        (CHORDS, "fmp", None),
        (DRUMS, "fmp", None),
        (PATH, "fmp", None),
        (ONSETS, "sv", None),
        (DRUMS, "sv", None),
        (MELODY, "sv", None),
        (CHORDS, "sv", None),
        (NOTES, "sv", None),
        (ONSETS, "jams", None),
        (DRUMS, "jams", None),
        (MELODY, "jams", None),
        (CHORDS, "jams", None),
    ],
)
def test_what_the_format_holds_comes_back(container, format, names):
    again = read(written(container, format), format)
    kept = {name: values for name, values in container.columns.items() if names is None or name in names}
    if names and "instrument" in names:
        kept["instrument"] = np.array(["", ""], dtype=object)
    # Samples at 44.1 kHz are 23 µs apart.
    assert_same(again, type(container)(kept), names, atol=1.2e-5 if format == "sv" else 1e-6)


def test_notes_in_hertz_come_back_as_midi_numbers():
    again = read(written(NOTES, "mireval"), "mireval")
    np.testing.assert_array_equal(again["pitch"], NOTES["pitch"])


def test_jams_notes_lose_their_velocity():
    assert_same(read(written(NOTES, "jams"), "jams"), NOTES.replace(velocity=[64, 64]))


@pytest.mark.parametrize(
    ("container", "namespace"),
    [
        (BEATS, "beat"),
        (ONSETS, "onset"),
        (MELODY, "pitch_contour"),
        (DRUMS, "tag_open"),
        (CHORDS, "chord"),
        (CHORDS.replace(label=np.array(["A", "B"], dtype=object)), "segment_open"),
        (NOTES, "note_midi"),
    ],
)
def test_jams_document(container, namespace):
    document = json.loads(written(container, "jams"))
    (annotation,) = document["annotations"]
    assert annotation["namespace"] == namespace
    assert len(annotation["data"]) == len(container)
    assert all(set(row) == {"time", "duration", "value", "confidence"} for row in annotation["data"])
    assert document["file_metadata"]["duration"] == annotation["duration"] > 0


def test_sonic_visualiser_layer():
    text = written(CHORDS, "sv")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n<sv>')
    assert 'sampleRate="44100" start="0" end="55125" type="sparse" dimensions="3" subtype="region"' in text
    assert '<point frame="55125" value="0" duration="77175" label="N"/>' in text
    assert '<layer id="2" type="regions"' in text


def test_sonic_visualiser_escapes_labels():
    labels = ['a<b>&"c"', "it's\n\ttwo"]
    drums = DRUMS.replace(label=np.array(labels, dtype=object))
    assert list(read(written(drums, "sv"), "sv")["label"]) == labels


def test_sonic_visualiser_reads_its_own_notes_in_hertz():
    layer = """<?xml version="1.0"?><!DOCTYPE sonic-visualiser><sv><data>
        <model id="1" name="" sampleRate="8000" type="sparse" dimensions="3" dataset="0" subtype="note" units="Hz" />
        <dataset id="0" dimensions="3"><point frame="8000" value="880" duration="4000" level="1" label="x" /></dataset>
        </data><display><layer id="2" type="notes" model="1"/></display></sv>"""
    expected = Notes({"onset": [1.0], "offset": [1.5], "pitch": [81.0], "velocity": [127.0], "label": ["x"]})
    assert_same(read(layer, "sv"), expected)


LABELS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(-1e4, 1e6), LABELS, st.floats(-1e5, 1e5)), max_size=12),
    st.sampled_from(["csv", "tsv", "json"]),
)
def test_any_labelled_events_come_back(rows, format):
    rows = sorted(rows, key=lambda row: row[0])
    events = Events(
        {
            "time": np.array([row[0] for row in rows], dtype=float),
            "label": np.array([row[1] for row in rows], dtype=object),
            "strength": np.array([row[2] for row in rows], dtype=float),
        }
    )
    text = written(events, format)
    if not rows and format == "json":
        assert text == ""
        return
    again = read(text, format)
    order = np.argsort(np.round(again["time"], 6), kind="stable")
    assert list(again["label"][order]) == list(events["label"])
    np.testing.assert_allclose(again["time"], events["time"], rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(again["strength"], events["strength"], rtol=1e-5)
    assert written(again, format) == text  # once printed, nothing changes any more


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1e3), st.floats(1e-3, 10), LABELS), min_size=1, max_size=8), st.data())
def test_any_segments_come_back(rows, data):
    format = data.draw(st.sampled_from(["lab", "audacity", "sv", "jams", "fmp"]))
    rows = sorted(rows, key=lambda row: row[0])
    start = np.array([row[0] for row in rows])
    labels = [" ".join(row[2].split()).lstrip("#") for row in rows]
    segments = Segments({"start": start, "end": start + [row[1] for row in rows], "label": np.array(labels, object)})
    again = read(written(segments, format), format)
    np.testing.assert_allclose(again["end"], segments["end"], atol=2e-5)
    assert sorted(again["label"]) == sorted(label.strip() for label in labels)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(1e-9, 10), st.floats(1e-9, 10), st.floats(1e-9, 10)), min_size=1, max_size=20),
    st.sampled_from(["csv", "tsv", "json", "fmp"]),
)
def test_any_path_comes_back_strictly_increasing(steps, format):
    times = np.cumsum(np.array(steps)[:, : 2 + len(steps) % 2], axis=0)
    again = read(written(WarpingPath.from_times(times), format), format)
    assert (np.diff(again.times, axis=0) > 0).all()
    assert 1 <= len(again) <= len(times)
    np.testing.assert_allclose(again.times[0], times[0], atol=1e-6)


@pytest.mark.parametrize("text", ["\ufefftime,label\r\n1.5,a\r\n2,b", 'time,label\n\n"1.5","a"\n2.0,b\n\n'])
def test_byte_order_mark_line_ends_and_quotes(text):
    assert_same(read(text), Events({"time": [1.5, 2.0], "label": ["a", "b"]}))


def test_cells_may_hold_separators_quotes_and_line_ends():
    nasty = ['a,b;c\td"e', "two\nlines", "", " blank ", "ünïcödé ♭", "\r"]
    table = Table({"file": np.array(nasty, dtype=object)})
    for format in ("csv", "tsv", "json"):
        assert list(read(written(table, format), format)["file"]) == nasty


def test_labels_that_look_like_numbers_stay_text():
    segments = read("start,end,label\n0,1,1\n1,2,007\n")
    assert list(segments["label"]) == ["1", "007"]


def test_unknown_columns_are_numbers_where_all_cells_are():
    table = read("time,loudness,comment\n0,1.5,1\n1,2,x\n")
    assert table["loudness"].dtype == np.float64
    assert list(table["comment"]) == ["1", "x"]


def test_column_that_turns_out_to_be_text(monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", 2)
    table = read("time,a,b,c,d\n" + "0,1,,007,\n" * 5 + "1,1,x,y,\n")
    assert table["a"].dtype == np.float64
    assert list(table["b"]) == [""] * 5 + ["x"]
    assert list(table["c"]) == ["007"] * 5 + ["y"]
    assert list(table["d"]) == [""] * 6


@pytest.mark.parametrize("format", ["csv", "json"])
def test_unknown_numbers(format):
    events = Events({"time": [0.0, 1.0], "score_beat": [np.nan, 2.5]})
    text = written(events, format)
    assert ("null" if format == "json" else "0.000000,\n") in text
    again = read(text, format)
    np.testing.assert_array_equal(again["score_beat"], [np.nan, 2.5])


def test_rows_are_sorted_stably_but_those_of_plain_tables_and_paths_never():
    events = read("time,label\n2,a\n1,b\n2,c\n0,d\n")
    assert list(events["label"]) == ["d", "b", "a", "c"]
    assert list(read("file,time\na,2\nb,1\n")["time"]) == [2, 1]


def test_header_only_gives_an_empty_container():
    for text, kind in (
        ("time,label\n", Events),
        ("onset,offset,pitch,velocity", Notes),
        ("time_a,time_b\n", WarpingPath),
    ):
        table = read(text)
        assert type(table) is kind
        assert len(table) == 0


def test_notes_without_velocity_are_of_medium_velocity():
    assert list(read("onset,offset,pitch\n0,1,60\n")["velocity"]) == [64]


def test_names_of_any_case():
    assert_same(read("Time,Label\n1,x\n"), Events({"time": [1.0], "label": ["x"]}))


def test_rows_of_a_path_that_print_equal_are_left_out():
    path = WarpingPath.from_times([[0, 0], [1e-7, 1.0], [2.0, 2.0], [2.0 + 1e-8, 3.0], [4.0, 4.0]])
    assert list(read(written(path, "csv"))["time_b"]) == [0, 2, 4]


def test_no_negative_zero():
    assert "-0" not in written(Events({"time": [-1e-9], "strength": [-0.0]}), "csv")


def test_large_and_whole_numbers():
    table = Table({"samples": [1e9, 2.0], "ratio": [1234567.891, 0.5], "small": [1e-9, 0.25]})
    assert written(table, "csv").splitlines()[1] == "1000000000,1234567.891000,1e-09"


@pytest.mark.parametrize(
    ("text", "format", "match"),
    [
        ("", "csv", r"^x\.csv: empty"),
        ("0.5,1\n", "csv", r"^x\.csv:1: no header row"),
        ("time,\n", "csv", r":1: column 2 has no name"),
        ("time,time\n", "csv", r":1: column time stands twice"),
        ("time\n1\nabc\n", "csv", r":3: time is not a number: 'abc'"),
        ('time,label\n1,"a\nb"\nx,c\n', "csv", r":4: time is not a number: 'x'"),
        ("time,label\n\n\n1,a\n,b\n", "csv", r":5: time is missing"),
        ("time;strength\n1,5;2\n", "fmp", r":2: time is not a number: '1,5' \(decimals are written with a point\)"),
        ("time\nnan\n", "csv", r":2: time is not finite: 'nan'"),
        ("time,strength\n1,inf\n", "csv", r":2: strength is not finite: 'inf'"),
        ("time\n1_000\n", "csv", r":2: time is not a number: '1_000'"),
        ("time,label\n1,a\n2\n", "csv", r":3: 1 cell, but the header has 2"),
        ("time\n1,2\n", "csv", r":2: 2 cells, but the header has 1"),
        ('time,label\n1,"a\n', "csv", r":2: not ','-separated"),
        ("time_a,time_b\n1,1\n2,1\n", "csv", r":3: time_b does not increase: 1.000000 after 1.000000"),
        ("start,end,label\n2,1,x\n", "csv", r":2: end 1.000000 lies before start 2.000000"),
        ("onset,offset,pitch\n0,1,128\n", "csv", r":2: pitch is not within 0 to 127: 128"),
        ("onset,offset,pitch,velocity\n0,1,60,\n", "csv", r":2: velocity is not within 0 to 127"),
        (b"time,label\n1,a\n2,caf\xe9\n", "csv", r":3: not UTF-8 \(byte e9\)"),
        ("", "json", r"^x\.csv: empty"),
        ('{"time": 1}\n{"time": NaN}\n', "json", r":2: not JSON: NaN is no number"),
        ('{"time": 1}\n{"time": 2, "x": 3}\n', "json", r":2: other keys"),
        ('{"time": 1}\n{"time": "x"}\n', "json", r":2: time is not a number: 'x'"),
        ('{"time": 1e999}\n', "json", r":1: time is not finite"),
        ('{"time": [1]}\n', "json", r":1: time is neither a number nor text: \[1\]"),
        (f'{{"time": {"9" * 400}}}\n', "json", r":1: time is not finite: '9{40}…'"),
        ("time\n" + "x" * 10_000, "csv", r":2: time is not a number: 'x{40}…'"),
        ("time\n" + "x" * 200_000, "csv", r":2: not ','-separated: field larger"),
        ("[1]\n", "json", r":1: not a JSON object"),
        ('{"Time": 1, "time": 2}\n', "json", r":1: column time stands twice"),
        ('{"time": \n', "json", r":1: not JSON"),
        ("0 1 x\n1 a x\n", "lab", r":2: end is not a number: 'a'"),
        ("# comment\n\n0\n", "lab", r":3: a row of 1, not of 2 to 3"),
        ("0\t1\n1\tx\n", "beats", r":2: beat is not a number: 'x'"),
        ("0 1 440\n1 2\n", "mireval", r":2: a row of 2, but those before are of 3"),
        ("0 1 440\n1 2 0\n", "mireval", r":2: frequency is not positive: 0"),
        ("0 1 x\n", "audacity", r":1: a row of 1, not of 2 to 3"),
        ("<sv><data>", "sv", r":1: damaged XML"),
        ('<?xml version="1.0" encoding="none"?><sv/>', "sv", r"damaged XML"),
        ("<sv/>", "sv", r"holds 0 annotation layers"),
        ("<svg/>", "sv", r"its root is <svg>"),
        ('<sv><model type="sparse" dimensions="1"/></sv>', "sv", r"^x\.csv: no sample rate"),
        ("{", "jams", "not JSON"),
        ("{}", "jams", "not JAMS"),
        ('{"annotations": []}', "jams", "holds 0 annotations"),
        ('{"annotations": [{"namespace": "beat", "data": [{"time": 1}]}]}', "jams", "damaged"),
    ],
)
def test_hostile_text_gives_file_and_line(text, format, match):
    with pytest.raises(FormatError, match=match) as caught:
        read(text, format)
    assert "\n" not in str(caught.value)


def test_several_layers_are_named():
    model = '<model type="sparse" dimensions="1" sampleRate="1"/>'
    with pytest.raises(FormatError, match="holds 2 annotation layers"):
        read(f"<sv>{model}{model}</sv>", "sv")
    annotation = {"namespace": "beat", "data": []}
    with pytest.raises(FormatError, match=r"holds 2 annotations to read, not one \(beat, beat\)"):
        read(json.dumps({"annotations": [annotation, annotation]}), "jams")


def test_dense_jams():
    data = {"time": [0.0, 0.5], "duration": [0, 0], "value": [1, 2], "confidence": [None, None]}
    assert_same(
        read(json.dumps({"annotations": [{"namespace": "beat", "data": data}]}), "jams"),
        Events({"time": [0.0, 0.5], "beat": [1, 2]}),
    )


def test_audacity_skips_the_lines_of_frequencies():
    assert list(read("0.0\t1.0\ta b\n\\\t100\t200\n1.0\t2.0\tc\td\n", "audacity")["label"]) == ["a b", "c\td"]


@pytest.mark.parametrize("format", ["lab", "beats", "mireval", "audacity"])
def test_empty_files_without_header_hold_no_rows(format):
    assert len(read("", format)) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_times_that_are_not_finite_are_not_written(value):
    for format in ("csv", "json", "beats", "sv", "jams", "fmp"):
        with pytest.raises(DataError, match="time is not finite in row 2"):
            written(Events({"time": [0.0, value]}), format)


def test_comma_locale_changes_nothing():
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        break
    try:
        text = written(BEATS, "csv")
        assert text.splitlines()[1] == "0.500000,1,0.25"
        assert_same(read(text), BEATS, atol=5e-7)
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


def test_conversions_of_columns_never_look_at_the_locale(monkeypatch):
    monkeypatch.setattr(locale, "localeconv", lambda: {"decimal_point": ",", "thousands_sep": ".", "grouping": [3, 0]})
    assert written(BEATS, "csv").splitlines()[1] == "0.500000,1,0.25"


def test_many_rows_in_pieces(monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", 7)
    events = Events({"time": np.arange(100) / 8, "label": np.array([f"#{k}" for k in range(100)], dtype=object)})
    assert_same(read(written(events, "csv")), events)
    broken = written(events, "csv").replace("9.875000,#79", "9.875000")
    with pytest.raises(FormatError, match=r":81: 1 cell"):
        read(broken)
    with pytest.raises(FormatError, match=r":81: time is not a number: 'x'"):
        read(written(events, "csv").replace("9.875000", "x"))


def test_excerpts():
    assert list(excerpt(BEATS, 1.0, 0.5)["time"]) == [1.0]
    assert list(excerpt(CHORDS, 1.0, None)["label"]) == ["N"]
    assert list(excerpt(PATH, 0.5, 1.0)["time_a"]) == [1.0]
    with pytest.raises(UsageProblem, match="the table has no times"):
        excerpt(Table({"a": [1.0]}), 1.0, None)


def test_keys_of_json_in_any_order():
    assert_same(read('{"time": 1, "label": "a"}\n{"label": "b", "time": 2}\n', "json"), read("time,label\n1,a\n2,b\n"))


def test_format_that_cannot_hold_the_container():
    with pytest.raises(UsageProblem, match=r"x\.lab: lab cannot hold events \(possible: csv, tsv, json, beats"):
        formats.write(BEATS, "x.lab")
