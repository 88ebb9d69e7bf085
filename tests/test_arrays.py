"""NPY with a trailer: what is written, what is read, what is refused."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mirtool.errors import DataError, FormatError, UsageProblem
from mirtool.io import arrays, feature_tables, formats
from mirtool.io.excerpts import excerpt
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Events, Features, pair_matrix

CHROMA = Features(
    np.arange(36, dtype=np.float32).reshape(12, 3),
    10.0,
    "chroma",
    ("chroma", "time"),
    ("C", "Cis", "D", "Es", "E", "F", "Fis", "G", "As", "A", "B", "H"),
    0.25,
    "",
    {"tool": "mirtool", "parameters": {"norm": 2}},
)
MATRIX_END = 128 + CHROMA.data.nbytes


def written(features):
    stream = io.BytesIO()
    arrays.write(features, stream, WriteOptions("npy"))
    return stream.getvalue()


def read(data, feature_rate=None):
    return arrays.read(io.BytesIO(data), "x.npy", ReadOptions(feature_rate=feature_rate))


def saved(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def test_numpy_reads_matrix_and_trailer(tmp_path):
    path = tmp_path / "chroma.npy"
    formats.write(CHROMA, str(path))
    for mode in (None, "r"):
        matrix = np.load(path, mmap_mode=mode)
        assert matrix.dtype == np.float32
        assert matrix.flags.f_contiguous
        np.testing.assert_array_equal(matrix, CHROMA.data)
    with path.open("rb") as file:
        np.load(file)
        trailer = np.load(file)
        assert file.read() == b""
    assert trailer.dtype == np.uint8
    text = trailer.tobytes()
    assert text.startswith(b'{"mirtool":1,')
    assert json.loads(text) == {
        "mirtool": 1,
        "kind": "chroma",
        "dims": ["chroma", "time"],
        "axis": list(CHROMA.axis),
        "feature_rate": 10.0,
        "start": 0.25,
        "unit": "",
        "provenance": {"tool": "mirtool", "parameters": {"norm": 2}},
    }


def test_header_is_of_version_one_in_fortran_order():
    data = written(CHROMA)
    assert data[:10] == b"\x93NUMPY\x01\x00\x76\x00"
    assert data[10:].startswith(b"{'descr': '<f4', 'fortran_order': True, 'shape': (12, 3), }")
    assert data[127:128] == b"\n"
    np.testing.assert_array_equal(np.frombuffer(data[128:176], "<f4"), CHROMA.data[:, 0])  # frame after frame


@pytest.mark.parametrize("from_file", [True, False])
def test_round_trip_keeps_everything(tmp_path, from_file):
    path = tmp_path / "chroma.npy"
    path.write_bytes(written(CHROMA))
    again = formats.read(str(path)) if from_file else read(path.read_bytes())
    np.testing.assert_array_equal(again.data, CHROMA.data)
    for field in ("feature_rate", "kind", "dims", "axis", "start", "unit", "provenance"):
        assert getattr(again, field) == getattr(CHROMA, field)
    assert not again.data.flags.writeable


def test_regular_file_is_mapped(tmp_path):
    path = tmp_path / "chroma.npy"
    formats.write(CHROMA, str(path))
    base = formats.read(str(path)).data
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.complex64]),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=5),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    st.one_of(st.none(), st.floats(1e-3, 1e5)),
    st.floats(-1e3, 1e6),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
def test_any_matrix_survives(data, rate, start, kind):
    dims = ("row", "column", "time")[-data.ndim :]
    axis = tuple(float(k) for k in range(data.shape[0]))
    again = read(written(Features(data, rate, kind, dims, axis, start, "dB")))
    np.testing.assert_array_equal(again.data, data)
    assert (again.feature_rate, again.kind, again.dims, again.axis, again.start) == (rate, kind, dims, axis, start)


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", "|u1", "|b1", "<f2", ">c16", "<u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_npy_of_any_type(tmp_path, dtype, order):
    data = np.asarray([[0, 1, 1], [1, 0, 1]], dtype=dtype, order=order)
    path = tmp_path / "plain.npy"
    np.save(path, data)
    features = formats.read(str(path), feature_rate=50.0)
    np.testing.assert_array_equal(features.data, data)
    assert features.feature_rate == 50.0
    assert features.data.dtype == (np.complex64 if "c" in dtype else np.float32)


def test_plain_curve_becomes_one_row():
    assert read(saved(np.ones(7)), 10.0).data.shape == (1, 7)


def test_large_matrix_goes_in_parts(monkeypatch):
    monkeypatch.setattr(arrays, "_BLOCK", 64)
    data = np.random.default_rng(0).standard_normal((5, 33))
    np.testing.assert_array_equal(read(saved(data), 10.0).data, data.astype(np.float32))
    features = Features(data, 10.0)
    np.testing.assert_array_equal(np.load(io.BytesIO(written(features))), features.data)


def test_trailer_knows_better_than_the_flag():
    assert read(written(CHROMA), feature_rate=99.0).feature_rate == 10.0


def test_plain_npy_without_rate():
    with pytest.raises(FormatError, match=r"^x\.npy: .*--input-feature-rate"):
        read(saved(np.ones((2, 3))))


def header(fields):
    text = fields.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


HUGE = header("{'descr': '<f4', 'fortran_order': True, 'shape': (1000000, 1000000000)}") + b"1234"


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not NPY"),
        (b"\x93NUMPY", "truncated in its header"),
        (b"\x93NUMPY\x01\x00\x76\x00{'descr'", "truncated in its header"),
        (b"\x93NUMPY\x09\x00\x76\x00", r"version 9\.0"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "header of 4294967295 bytes"),
        (HUGE, "truncated: 1000000 × 1000000000 numbers are 4000000000000000 bytes, but there are 4"),
        (header("{'descr': '<f4', 'fortran_order': True, 'shape': (-1, -4)}") + bytes(16), "cannot be understood"),
        (header("{'descr': '<f4', 'fortran_order': True, 'shape': (True, 4)}") + bytes(16), "cannot be understood"),
        (header("{'descr': '<f4', 'fortran_order': True}"), "cannot be understood"),
        (header("{'descr': '<f4', 'fortran_order': True, 'shape': (1" + "0" * 60 + ", 4)}"), "cannot be understood"),
        (header("{'descr': 'f4,f4', 'fortran_order': True, 'shape': (4,)}"), "cannot be understood"),
        (header("__import__('os').getcwd()"), "cannot be understood"),
        (header("(" * 100), "cannot be understood"),
        (saved(np.array([{}, []], dtype=object), allow_pickle=True), "pickled"),
        (saved(np.zeros(3, dtype=[("x", "<f4")])), "no numbers"),
        (saved(np.array(["a", "b"])), "no numbers"),
        (saved(np.float32(3)), "0 dimensions"),
        (saved(np.zeros((2, 2, 2, 2))), "4 dimensions"),
        (written(CHROMA)[:200], "truncated"),
        (written(CHROMA)[:-1], "truncated in its description"),
        (written(CHROMA)[: MATRIX_END + 20], "no description"),
        (written(CHROMA) + b"x", "1 bytes after the description"),
        (saved(np.zeros((2, 3))) + b"hello", "no description"),
        (saved(np.zeros((2, 3))) * 2, "no description"),
        (written(CHROMA).replace(b'"mirtool":1', b'"mirtool":2'), "newer mirtool"),
        (written(CHROMA).replace(b'"mirtool":1', b'"mirtul_":1'), "no description"),
        (written(CHROMA).replace(b'"feature_rate":10.0', b'"feature_rate":-1.0'), r"damaged \(feature_rate\)"),
        (written(CHROMA).replace(b'"start":0.25', b'"start": NaN'), "damaged"),
        (written(Features(np.ones((1, 1)), 1.0, start=1e300)).replace(b"1e+300", b"1e+309"), r"damaged \(start\)"),
        (written(CHROMA).replace(b'"kind":"chroma"', b'"kind":12345678'), r"damaged \(kind\)"),
        (written(CHROMA).replace(b'["C","Cis"', b'[1.0,"Cis"'), r"damaged \(axis\)"),
        (written(CHROMA).replace(b'"kind":"chroma"', b'"kind":"chrom\xff"'), "damaged"),
    ],
)
def test_hostile_bytes_give_one_clear_line(data, match):
    with pytest.raises(FormatError, match=match) as caught:
        read(data, 10.0)
    assert str(caught.value).startswith("x.npy: ")
    assert "\n" not in str(caught.value)


def test_trailer_of_more_than_a_mebibyte():
    text = b'{"mirtool":1,"kind":"' + b"x" * (1 << 20) + b'"}'
    with pytest.raises(FormatError, match="no description"):
        read(written(CHROMA)[:MATRIX_END] + saved(np.frombuffer(text, np.uint8)))
    with pytest.raises(DataError, match="longer than 1 MiB"):
        written(Features(np.ones((1, 2)), 10.0, "x" * (1 << 20)))


@pytest.mark.parametrize(
    ("value", "match"), [(np.nan, "row 1, frame 2 is NaN"), (np.inf, "is infinite"), (1e300, "is infinite")]
)
def test_numbers_that_are_not_finite(value, match):
    data = np.zeros((2, 4))
    data[1, 2] = value
    with pytest.raises(DataError, match=rf"^x\.npy: .*{match}"):
        read(saved(data), 10.0)


@pytest.mark.parametrize("shape", [(0,), (12, 0), (0, 5)])
def test_empty_matrix(shape):
    with pytest.raises(DataError, match=r"^x\.npy: an empty matrix"):
        read(saved(np.zeros(shape)), 10.0)


def test_description_must_be_finite():
    with pytest.raises(DataError, match="not finite"):
        written(Features(np.ones((1, 2)), 10.0, start=float("nan")))


def test_numpy_numbers_in_the_provenance():
    features = Features(np.ones((1, 2)), 10.0, provenance={"rate": np.float32(2), "bands": np.arange(2)})
    assert read(written(features)).provenance == {"rate": 2.0, "bands": [0, 1]}


def test_csv_and_back(tmp_path):
    table, matrix = tmp_path / "chroma.csv", tmp_path / "chroma.npy"
    formats.write(CHROMA, str(table))
    first = ["time," + ",".join(CHROMA.axis), "0.250000,0,3,6,9,12,15,18,21,24,27,30,33"]
    assert table.read_text().splitlines()[:2] == first
    formats.write(feature_tables.features_of(formats.read(str(table))), str(matrix))
    again = formats.read(str(matrix))
    np.testing.assert_array_equal(again.data, CHROMA.data)
    assert (again.feature_rate, again.start, again.axis) == (10.0, 0.25, CHROMA.axis)


def test_all_pairs_of_files_are_written_with_their_names(tmp_path):
    values = np.array([[1, 0.5], [0.25, 1]], np.float32)
    pairs = pair_matrix(values, ["a, b.wav", "c.wav"])
    table, matrix = tmp_path / "pairs.csv", tmp_path / "pairs.npy"
    formats.write(pairs, str(table))
    assert table.read_text() == 'file,"a, b.wav",c.wav\n"a, b.wav",1,0.5\nc.wav,0.25,1\n'
    formats.write(pairs, str(matrix))
    again = formats.read(str(matrix))
    assert (again.kind, again.axis, again.dims) == ("similarity", ("a, b.wav", "c.wav"), ("file", "file"))
    np.testing.assert_array_equal(np.load(matrix), values)


@pytest.mark.parametrize("rate", [10.0, 43.06640625, 86.1328125, 22050 / 441, 1e3 / 3, 100.0])
def test_rate_is_found_again_from_printed_times(tmp_path, rate):
    path = tmp_path / "novelty.csv"
    curve = np.linspace(0, 1, 5000, dtype=np.float32)
    formats.write(Features(curve, rate, "novelty"), str(path))
    again = feature_tables.features_of(formats.read(str(path)))
    assert again.kind == "novelty"
    assert again.feature_rate == pytest.approx(rate, rel=1e-7)
    np.testing.assert_array_equal(again.data, curve[None])


@pytest.mark.parametrize(
    ("columns", "rate", "match"),
    [
        ({"time": [0.0, 0.5, 0.7], "strength": [1.0, 1.0, 1.0]}, None, "not regular"),
        ({"time": [0.0, 0.5, 1.0], "strength": [1.0, 1.0, 1.0]}, 10.0, "not 10 a second"),
        ({"time": [0.0], "strength": [1.0]}, None, "--input-feature-rate"),
        ({"time": [0.0, 1.0]}, None, "no column beside time"),
        ({"time": [0.0, 1.0], "label": ["a", "b"]}, None, "column label is not all numbers"),
    ],
)
def test_tables_that_are_no_frames(columns, rate, match):
    with pytest.raises(DataError, match=match):
        feature_tables.features_of(Events(columns), rate)


def test_one_frame_with_a_given_rate():
    features = feature_tables.features_of(Events({"time": [2.0], "a": [1.0], "b": [3.0]}), 10.0)
    assert (features.start, features.feature_rate, features.axis) == (2.0, 10.0, ("a", "b"))


def test_complex_matrix_is_no_table(tmp_path):
    with pytest.raises(UsageProblem, match="write NPY"):
        formats.write(Features(np.ones((2, 2), np.complex64), 10.0), str(tmp_path / "x.csv"))


def test_excerpt_keeps_its_times():
    part = excerpt(read(written(Features(np.arange(100), 10.0, start=1.0))), 2.0, 1.0)
    np.testing.assert_allclose(part.times, 2.0 + np.arange(10) / 10)
    np.testing.assert_array_equal(part.data[0], np.arange(10, 20))


def test_excerpt_without_frames_or_times():
    with pytest.raises(DataError, match="no frame between 20 and 21 s"):
        excerpt(CHROMA, 20.0, 1.0)
    with pytest.raises(UsageProblem, match="no frames per second"):
        excerpt(Features(np.ones((2, 2)), None), 1.0, None)
