"""JAMS, the JSON annotations of Humphrey et al., "JAMS: A JSON Annotated Music Specification …", ISMIR 2014.

==============  ============================================================
namespace       container
==============  ============================================================
beat            Events with `beat`
pitch_contour   Events with `f0_hz` (0: unvoiced)
tempo           Events with `bpm`
tag_open        Events with `label`
onset           other Events
chord           Segments whose labels are all chords in the syntax of Harte
segment_open    other Segments
note_midi       Notes
==============  ============================================================
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import columns
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Notes, Segments, Table

_CHORD = re.compile(r"N|X|[A-G][b#]*(:[^\s/]+)?(/[b#]*\d+)?")
_VERSION = "0.3.4"
_METADATA = {
    "curator": {"name": "", "email": ""},
    "annotator": {},
    "version": "",
    "corpus": "",
    "annotation_tools": "mirtool",
    "annotation_rules": "",
    "validation": "",
    "data_source": "program",
}


def write(container: Table, stream: BinaryIO, options: WriteOptions) -> None:
    """Write one annotation, in the namespace of the table above; confidence goes along, other columns have no place.

    The duration of the recording, which JAMS wants to know, is taken to be the last time in the table.

    Raises
    ------
    DataError
        A time is not finite.
    """
    namespace, begin, end, values = _observations(container)
    begin, end = np.round(begin, 6) + 0.0, np.round(end, 6) + 0.0
    columns.printable(container)  # refuses times that are not finite
    confidence = container.columns.get("confidence", np.full(len(container), np.nan))
    data = [
        {
            "time": start,
            "duration": round(stop - start, 6),
            "value": value,
            "confidence": None if sure != sure else sure,
        }
        for start, stop, value, sure in zip(begin.tolist(), end.tolist(), values, confidence.tolist(), strict=True)
    ]
    last = float(end.max(initial=0.0))
    document = {
        "annotations": [
            {
                "annotation_metadata": _METADATA,
                "namespace": namespace,
                "data": data,
                "sandbox": {},
                "time": 0,
                "duration": last,
            }
        ],
        "file_metadata": {
            "title": "",
            "artist": "",
            "release": "",
            "duration": last,
            "identifiers": {},
            "jams_version": _VERSION,
        },
        "sandbox": {},
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    stream.write((text + "\n").encode("utf-8", "backslashreplace"))


def _observations(container: Table) -> tuple[str, NDArray[np.float64], NDArray[np.float64], list[Any]]:
    """Return namespace, beginnings, ends and values."""
    if isinstance(container, Notes):
        return "note_midi", container["onset"], container["offset"], container["pitch"].tolist()
    if isinstance(container, Segments):
        labels = [str(label) for label in container["label"]]
        are_chords = all(map(_CHORD.fullmatch, labels)) and any(":" in label for label in labels)
        return "chord" if are_chords else "segment_open", container["start"], container["end"], labels
    time = container["time"]
    for column, namespace, value in _EVENTS:
        if column in container:
            return namespace, time, time, [value(cell) for cell in container[column].tolist()]
    return "onset", time, time, [None] * len(time)


def _contour(frequency: float) -> dict[str, Any]:
    return {"index": 0, "frequency": max(frequency, 0.0), "voiced": frequency > 0}


def _known(value: float) -> float | None:
    return None if value != value else value


_EVENTS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("beat", "beat", _known),
    ("f0_hz", "pitch_contour", _contour),
    ("bpm", "tempo", _known),
    ("label", "tag_open", str),
)


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read the one annotation of a known namespace (those above, and the other segment_ and chord_ ones).

    A column `confidence` follows where any is known.

    Raises
    ------
    FormatError
        Not JSON, not JAMS, damaged, no annotation that can be read, or several.
    """
    try:
        document = json.loads(stream.read().decode("utf-8-sig"))
        found = [annotation for annotation in document["annotations"] if _kind(annotation["namespace"])]
        names = [annotation["namespace"] for annotation in document["annotations"]]
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", name) from None
    except (KeyError, TypeError, AttributeError):
        raise FormatError("not JAMS: no annotations with a namespace", name) from None
    if len(found) != 1:
        raise FormatError(f"holds {len(found)} annotations to read, not one ({', '.join(map(str, names))})", name)
    try:
        kind = _kind(found[0]["namespace"])
        rows = list(_rows(found[0]["data"]))
        return columns.container_of(_columns(str(kind), rows) | _confidence(rows))
    except columns.RowError as error:
        raise FormatError(f"observation {error.row + 1}: {error.message}", name) from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise FormatError("damaged: an observation without time, duration or value", name) from None


def _kind(namespace: str) -> str | None:
    if namespace.startswith(("segment_", "chord")):
        return "label"
    names = {"pitch_contour": "f0_hz", "tempo": "bpm", "tag_open": "tag", "note_midi": "pitch"}
    return names.get(namespace, namespace if namespace in ("beat", "onset") else None)


def _rows(data: Any) -> Iterator[Mapping[str, Any]]:
    """Yield observations, which may stand in a list or column by column."""
    if isinstance(data, list):
        yield from data
        return
    for values in zip(*data.values(), strict=True):
        yield dict(zip(data, values, strict=True))


def _confidence(rows: list[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the column `confidence`, if any is known."""
    sure = [row.get("confidence") for row in rows]
    known = np.array([value if isinstance(value, float | int) else np.nan for value in sure], dtype=np.float64)
    return {"confidence": np.where(np.isinf(known), np.nan, known)} if np.isfinite(known).any() else {}


def _columns(kind: str, rows: list[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    begin = columns.numbers("time", [repr(row["time"]) for row in rows])
    end = begin + columns.numbers("duration", [repr(row["duration"]) for row in rows])
    values = [row["value"] for row in rows]
    if kind == "label":
        return {"start": begin, "end": end, "label": columns.texts([str(value) for value in values])}
    if kind == "tag":
        return {"time": begin, "label": columns.texts([str(value) for value in values])}
    if kind == "onset":
        return {"time": begin}
    if kind == "f0_hz":
        values = [value["frequency"] if value["voiced"] else 0.0 for value in values]
    numbers = columns.numbers(kind, ["" if value is None else repr(value) for value in values])
    return {"onset": begin, "offset": end, "pitch": numbers} if kind == "pitch" else {"time": begin, kind: numbers}
