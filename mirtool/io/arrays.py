"""Feature matrices: NPY with a trailer.

Two arrays stand one after the other in one NPY stream. First the plain matrix, frame after frame (Fortran order),
float32 or complex64, so that `numpy.load(path)` gives just that, also with `mmap_mode`. Then a uint8 array of UTF-8
JSON beginning ``{"mirtool":1``, which a second `numpy.load` on the open file gives: kind, dims, axis, feature_rate,
start, unit, provenance.
"""

import ast
import json
import math
import os
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedRandom
from typing import Any, BinaryIO, Literal, cast

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, FormatError
from mirtool.io import streams
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Features

MAGIC = b"\x93NUMPY"
HEADER_SIZE = 128  # of version 1.0 with room for any shape, so that it can be patched in place
TRAILER_LIMIT = 1 << 20
TRAILER_BEGIN = b'{"mirtool":1'
_HEADER_LIMIT = 10_000
_TYPE = re.compile(r"[<>|=][a-zA-Z]\d*")
_BLOCK = 1 << 22  # bytes converted and checked at a time


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    fortran_order: bool
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Features:
    """Read a feature matrix; a regular file is memory-mapped where its numbers need no conversion.

    Parameters
    ----------
    stream : BinaryIO
        Seekable, at its beginning.
    name : str
    options : ReadOptions
        `feature_rate` counts for a matrix without a trailer: one, two or three dimensions, any real or complex type,
        either order. A trailer knows better.

    Raises
    ------
    FormatError
        No NPY, pickled objects, fewer bytes than the header says, bytes after the trailer, a broken trailer, no trailer
        and no rate.
    DataError
        Empty, or a value that is not finite.
    """
    stream.seek(0, os.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    header = _read_header(stream, name)
    _check_matrix(header, name)
    begin = stream.tell()
    there = size - begin
    if header.nbytes > there:
        shape = " × ".join(map(str, header.shape))
        raise FormatError(f"truncated: {shape} numbers are {header.nbytes} bytes, but there are {there}", name)
    stream.seek(begin + header.nbytes)
    described = _read_trailer(stream, name, size) if header.nbytes < there else {}
    if not described and options.feature_rate is None:
        raise FormatError("does not say its frames per second: give --input-feature-rate", name)
    data = _check_finite(_load(stream, begin, header), name)
    fields = _fields(described, data.shape, name) if described else {"feature_rate": options.feature_rate}
    return Features(data, **fields)


def _read_header(stream: BinaryIO, name: str) -> _Header:
    """Read the header of one array; nothing in it is trusted, nor evaluated."""
    start = stream.read(8)
    if start[:6] != MAGIC or len(start) < 8:
        raise FormatError("not NPY" if start[:6] != MAGIC else "truncated in its header", name)
    if start[6] not in (1, 2, 3):
        raise FormatError(f"NPY of version {start[6]}.{start[7]}, which is not known", name)
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > _HEADER_LIMIT:
        raise FormatError(f"an NPY header of {length} bytes cannot be right", name)
    text = stream.read(length)
    if len(text) < length:
        raise FormatError("truncated in its header", name)
    try:
        header = ast.literal_eval(text.decode("latin-1").strip())
        shape, order, descr = header["shape"], header["fortran_order"], header["descr"]
        if not isinstance(descr, list) and not _TYPE.fullmatch(descr):
            raise ValueError(descr)
        dtype = np.dtype(descr)
    except (ValueError, SyntaxError, KeyError, TypeError, OverflowError, RecursionError, MemoryError):
        raise FormatError("the NPY header cannot be understood", name) from None
    if dtype.hasobject:
        raise FormatError("holds pickled Python objects, which are not read: they could run any code", name)
    good = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 1 << 63 for n in shape)
    if not good or type(order) is not bool:
        raise FormatError("the NPY header cannot be understood", name)
    return _Header(dtype, order, shape)


def _check_matrix(header: _Header, name: str) -> None:
    if header.dtype.kind not in "biufc":
        raise FormatError(f"holds no numbers (dtype {header.dtype})", name)
    if not 1 <= len(header.shape) <= 3:
        raise FormatError(f"has {len(header.shape)} dimensions; a curve has 1, a matrix 2, templates 3", name)
    if 0 in header.shape:
        raise DataError(f"{name}: an empty matrix ({' × '.join(map(str, header.shape))})")


def _load(stream: BinaryIO, begin: int, header: _Header) -> NDArray[Any]:
    order: Literal["F", "C"] = "F" if header.fortran_order else "C"
    wanted: np.dtype[Any] = np.dtype(np.complex64 if header.dtype.kind == "c" else np.float32)
    if header.dtype == wanted and streams.is_mappable(stream):
        file = cast(BufferedRandom, stream)  # in the eyes of the type checker; it is only read
        return np.memmap(file, wanted, "r", begin, header.shape, order)
    stream.seek(begin)
    flat: NDArray[Any] = np.empty(math.prod(header.shape), wanted)
    step = max(1, _BLOCK // header.dtype.itemsize)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, which is found and reported
        for first in range(0, len(flat), step):
            part = flat[first : first + step]
            part[:] = np.frombuffer(stream.read(len(part) * header.dtype.itemsize), header.dtype)
    return flat.reshape(header.shape, order=order)


def _check_finite(data: NDArray[Any], name: str) -> NDArray[Any]:
    data = np.atleast_2d(data)
    for first, block in _blocks(data):
        finite = np.isfinite(block)
        if not finite.all():
            *row, frame = (int(k) for k in np.argwhere(~finite)[0])
            value = "NaN" if np.isnan(block[(*row, frame)]) else "infinite"
            raise DataError(f"{name}: row {', '.join(map(str, row))}, frame {first + frame} is {value}")
    return data


def _blocks(data: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield parts of some frames each, with the number of their first frame."""
    step = max(1, _BLOCK // max(1, data[..., :1].nbytes))
    for first in range(0, data.shape[-1], step):
        yield first, data[..., first : first + step]


def _read_trailer(stream: BinaryIO, name: str, size: int) -> dict[str, Any]:
    try:
        header = _read_header(stream, name)
    except FormatError:
        raise FormatError("bytes after the matrix that are no description of it", name) from None
    if header.dtype != np.uint8 or len(header.shape) != 1 or header.nbytes > TRAILER_LIMIT:
        raise FormatError("an array after the matrix that is no description of it", name)
    text = stream.read(header.nbytes)
    if len(text) < header.nbytes:
        raise FormatError("truncated in its description", name)
    if stream.tell() != size:
        raise FormatError(f"{size - stream.tell()} bytes after the description", name)
    if not text.startswith(TRAILER_BEGIN[:-1]):
        raise FormatError("an array after the matrix that is no description of it", name)
    try:
        described = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise FormatError("the description after the matrix is damaged", name) from None
    if not isinstance(described, dict) or described.get("mirtool") != 1:
        raise FormatError("described by a newer mirtool than this one", name)
    return described


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _fields(described: Mapping[str, Any], shape: tuple[int, ...], name: str) -> dict[str, Any]:
    """Check the description and return what `Features` takes; keys that are not known are left out."""
    rate = described.get("feature_rate")
    start = described.get("start", 0.0)
    dims = described.get("dims", ["feature", "time"])
    axis = described.get("axis", [])
    provenance = described.get("provenance", {})
    kind, unit = described.get("kind", ""), described.get("unit", "")
    checks = {
        "feature_rate": rate is None or (_is_number(rate) and rate > 0),
        "start": _is_number(start),
        "dims": _are(dims, str) and len(dims) == len(shape),
        "axis": (_are(axis, str) or (isinstance(axis, list) and all(map(_is_number, axis))))
        and len(axis) in (0, shape[0]),
        "provenance": isinstance(provenance, dict),
        "kind": isinstance(kind, str),
        "unit": isinstance(unit, str),
    }
    for key, good in checks.items():
        if not good:
            raise FormatError(f"the description after the matrix is damaged ({key})", name)
    return {
        "feature_rate": None if rate is None else float(rate),
        "kind": kind,
        "dims": tuple(dims),
        "axis": tuple(axis),
        "start": float(start),
        "unit": unit,
        "provenance": provenance,
    }


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and -sys.float_info.max <= cast(float, value) <= sys.float_info.max


def _are(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def write(container: Features, stream: BinaryIO, options: WriteOptions) -> None:
    """Write a matrix with its description.

    Parameters
    ----------
    container : Features
    stream : BinaryIO
        Need not be seekable.
    options : WriteOptions

    Raises
    ------
    DataError
        The description is longer than 1 MiB, or holds a number that is not finite.
    """
    data = container.data.astype(container.data.dtype.newbyteorder("<"), copy=False)
    stream.write(_header(data.dtype.str, True, data.shape))
    for _, block in _blocks(data):
        stream.write(block.tobytes(order="F"))
    _write_trailer(container, stream)


def _write_trailer(features: Features, stream: BinaryIO) -> None:
    trailer = _description(features)
    stream.write(_header("|u1", False, (len(trailer),)))
    stream.write(trailer)


def write_together(described: Mapping[str, Features], frames: Iterable[Sequence[NDArray[np.float32]]]) -> None:
    """Write matrices as they are computed, all of them whole or none.

    Parameters
    ----------
    described : mapping
        By target (path): a matrix K × 0 with what is known of it.
    frames : iterable of sequences of ndarray, shape (m, K), float32
        For one stretch of time after the other, the frames of each matrix.

    Raises
    ------
    OutputProblem, WriteFailure
        See `mirtool.io.streams.atomic_together`.
    DataError
        As `write` raises it.
    """
    with streams.atomic_together(list(described)) as opened:
        count = 0
        for stream, features in zip(opened, described.values(), strict=True):
            stream.write(_header("<f4", True, features.data.shape))
        for piece in frames:
            for target, stream, data in zip(described, opened, piece, strict=True):
                with streams.failures(target):
                    stream.write(data.astype("<f4", copy=False).tobytes())
            count += len(piece[0])
        for (target, features), stream in zip(described.items(), opened, strict=True):
            with streams.failures(target):
                _write_trailer(features, stream)
                stream.seek(0)
                stream.write(_header("<f4", True, (features.data.shape[0], count)))
                stream.seek(0, os.SEEK_END)


def _header(descr: str, fortran_order: bool, shape: tuple[int, ...]) -> bytes:
    fields = f"{{'descr': {descr!r}, 'fortran_order': {fortran_order}, 'shape': {shape!r}, }}".encode()
    length = HEADER_SIZE - 10
    return MAGIC + bytes((1, 0)) + struct.pack("<H", length) + fields.ljust(length - 1) + b"\n"


def _description(features: Features) -> bytes:
    described = {
        "mirtool": 1,
        "kind": features.kind,
        "dims": list(features.dims),
        "axis": list(features.axis),
        "feature_rate": features.feature_rate,
        "start": features.start,
        "unit": features.unit,
        "provenance": features.provenance,
    }
    try:
        text = json.dumps(
            described, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
        ).encode()
    except ValueError:
        raise DataError("a number that describes the matrix (rate, start, axis) is not finite") from None
    if len(text) > TRAILER_LIMIT:
        raise DataError(f"the description of the matrix is longer than 1 MiB ({len(text)} bytes)")
    return text


def _plain(value: Any) -> Any:
    """Turn a numpy number, an array or a mapping into what JSON knows."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
