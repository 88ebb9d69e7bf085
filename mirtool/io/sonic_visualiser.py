"""Annotation layers of Sonic Visualiser (.svl): time instants, time values, regions and notes.

Times are counted in samples. They are written on the grid of 44.1 kHz unless the writer is told the rate of the
recording, which Sonic Visualiser wants.
"""

from collections.abc import Mapping
from typing import Any, BinaryIO
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import columns
from mirtool.io.columns import Printed
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.pitch import frequency_pitch
from mirtool.types import Events, Notes, Segments, Table

DEFAULT_SAMPLE_RATE = 44100
_UNITS = {"f0_hz": "Hz", "bpm": "bpm", "value": ""}  # columns that are drawn as a curve, and their units


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a file with one layer.

    Returns
    -------
    Table
        Events of time instants (`label`, or `beat` where all labels are whole numbers) and of time values (`f0_hz`,
        `bpm` or `value`, by the unit; `label`), Segments of regions (`value`), Notes of notes. A column without content
        is left out.

    Raises
    ------
    FormatError
        No layer file, damaged, no layer or several, a kind of layer that is no table.
    """
    try:
        root = ElementTree.parse(stream).getroot()
    except ElementTree.ParseError as error:
        raise FormatError(f"damaged XML: {error.msg}", name, error.position[0]) from None
    except (LookupError, ValueError) as error:  # an encoding that is not known
        raise FormatError(f"damaged XML: {str(error)[:60]}", name) from None
    if root.tag != "sv":
        raise FormatError(f"not a layer of Sonic Visualiser: its root is <{root.tag}>", name)
    models = [model for model in root.iter("model") if model.get("type") == "sparse"]
    if len(models) != 1:
        raise FormatError(f"holds {len(models)} annotation layers, not one", name)
    datasets = {dataset.get("id"): dataset for dataset in root.iter("dataset")}
    points = datasets.get(models[0].get("dataset"), ElementTree.Element("dataset")).findall("point")
    try:
        return columns.container_of(_table(models[0].attrib, [point.attrib for point in points]))
    except columns.RowError as error:
        where = f"point {error.row + 1}: " if error.row >= 0 else ""
        raise FormatError(where + error.message, name) from None


def _table(model: Mapping[str, str], points: list[dict[str, str]]) -> dict[str, NDArray[Any]]:
    """Make columns of the points, according to the model."""
    rate = float(columns.numbers("sampleRate", [model.get("sampleRate", "")])[0])
    if not rate > 0:
        raise columns.RowError(-1, "no sample rate")
    begin = _numbers(points, "frame") / rate
    label = columns.texts([point.get("label", "") for point in points])
    labels = {"label": label} if any(label) else {}
    dimensions, unit = model.get("dimensions"), model.get("units", "")
    if dimensions == "1":
        return {"time": begin, **(columns.beats_or_labels(label) if labels else {})}
    value = _numbers(points, "value")
    if dimensions == "2" and model.get("subtype", "") == "":
        column = next(name for name, known in _UNITS.items() if known in (unit, ""))
        return {"time": begin, column: value, **labels}
    end = begin + _numbers(points, "duration") / rate
    if model.get("subtype") == "region":
        return {"start": begin, "end": end, "label": label} | ({"value": value} if value.any() else {})
    if dimensions == "3":
        if unit == "Hz":
            value = frequency_pitch(np.maximum(value, 1e-9))
        level = _numbers(points, "level", str(columns.MEDIUM_VELOCITY / 127))
        return {"onset": begin, "offset": end, "pitch": value, "velocity": np.rint(level * 127), **labels}
    raise columns.RowError(-1, "a layer of a kind that is no table")


def _numbers(points: list[dict[str, str]], attribute: str, default: str = "0") -> NDArray[np.float64]:
    return columns.numbers(attribute, [point.get(attribute, default) for point in points])


def write(container: Table, stream: BinaryIO, options: WriteOptions) -> None:
    """Write one layer.

    Events with `f0_hz`, `bpm` or `value` become time values, others instants labelled with `label` or `beat`; Segments
    become regions, Notes notes. Other columns have no place.

    Raises
    ------
    DataError
        A time is not finite.
    """
    rate = options.sample_rate or DEFAULT_SAMPLE_RATE
    points, attributes, layer = _layer(container, rate)
    frames = points["frame"].values
    span = f'start="{frames.min(initial=0):.0f}" end="{frames.max(initial=0):.0f}"'
    stream.write(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n<sv>\n  <data>\n'
        f'    <model id="1" name="" sampleRate="{rate}" {span} type="sparse" {attributes} '
        f'resolution="1" notifyOnAdd="true" dataset="0"/>\n'
        f'    <dataset id="0" {attributes.split()[0]}>\n'.encode()
    )
    keyed = [column._replace(conversion=_attribute(name, column)) for name, column in points.items()]
    keyed[0] = keyed[0]._replace(conversion="      <point " + keyed[0].conversion)
    keyed[-1] = keyed[-1]._replace(conversion=keyed[-1].conversion + "/>")
    for part in columns.lines(keyed, " ", _quoted):
        stream.write(part.encode())
    stream.write(
        f'    </dataset>\n  </data>\n  <display>\n    <layer id="2" type="{layer}" name="" model="1"/>\n'
        f"  </display>\n</sv>\n".encode()
    )


def _attribute(name: str, column: Printed) -> str:
    return f"{name}={column.conversion}" if column.is_text else f'{name}="{column.conversion}"'


def _quoted(cell: str) -> str:
    return quoteattr(cell, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _layer(container: Table, rate: int) -> tuple[dict[str, Printed], str, str]:
    """Return the attributes of the points, those of the model (dimensions first) and the type of the layer."""
    printed = columns.printable(container)
    label = _label(printed, len(container))
    if isinstance(container, Notes):
        points = _spans(container["onset"], container["offset"], rate, printed["pitch"])
        points["level"] = Printed("%.6g", container["velocity"] / 127)
        return points | label, f'dimensions="3" subtype="note" {_range(container["pitch"])} units=""', "notes"
    if isinstance(container, Segments):
        value = container.columns.get("value", np.zeros(len(container)))
        points = _spans(container["start"], container["end"], rate, Printed("%.6g", value))
        return points | label, f'dimensions="3" subtype="region" {_range(value)} units=""', "regions"
    assert isinstance(container, Events)
    frames = {"frame": _grid(container["time"], rate)}
    curve = next((name for name in _UNITS if name in container and not printed[name].is_text), None)
    if curve is None:
        return frames | label, 'dimensions="1"', "timeinstants"
    attributes = f'dimensions="2" {_range(container[curve])} units="{_UNITS[curve]}"'
    return frames | {"value": printed[curve]} | label, attributes, "timevalues"


def _label(printed: Mapping[str, Printed], rows: int) -> dict[str, Printed]:
    found = printed.get("label") or printed.get("beat")
    if found is None:
        return {"label": Printed("%s", columns.texts([""] * rows), is_text=True)}
    return {"label": found}


def _grid(times: NDArray[np.float64], rate: int) -> Printed:
    return Printed("%d", np.rint(times * rate))


def _spans(begin: NDArray[np.float64], end: NDArray[np.float64], rate: int, value: Printed) -> dict[str, Printed]:
    first, last = _grid(begin, rate), _grid(end, rate)
    return {"frame": first, "value": value, "duration": Printed("%d", last.values - first.values)}


def _range(values: NDArray[np.float64]) -> str:
    known = values[~np.isnan(values)] if len(values) else np.zeros(1)
    return f'minimum="{known.min(initial=np.inf):.6g}" maximum="{known.max(initial=-np.inf):.6g}"'
