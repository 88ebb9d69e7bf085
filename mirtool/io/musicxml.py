"""MusicXML (also compressed): read into a `Score` by partitura, as it is to be played."""

import contextlib
import io
import logging
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm
from typing import Any, BinaryIO
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, FormatError, MissingPart
from mirtool.io.options import ReadOptions
from mirtool.tempo_map import TempoMap
from mirtool.types import Score

VELOCITY = 80
GRACE_QUARTERS = 1 / 8  # a grace note lasts a 32nd and ends where its main note begins
MIN_TICKS, MAX_TICKS = 480, 32767
# Quarter notes in the beat unit of a metronome mark.
UNITS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125}
MAX_XML = 1 << 28  # bytes that a compressed file may unpack to


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Score:
    """Read a MusicXML file.

    Repeats, endings and jumps (da capo, dal segno, coda, fine) are unfolded as they are played; after a jump, repeats
    are not taken again. Tied notes are one note, grace notes sound just before their main note, pitches are those
    that sound on transposing instruments. The tempo follows sound elements and metronome marks; without any it is 120
    quarter notes a minute. Unpitched percussion is left out.

    Parameters
    ----------
    stream : binary file, seekable
    name : str
        For messages.
    options : ReadOptions
        None of them matters here.

    Returns
    -------
    Score
        A track for each part; velocities are all 80.

    Raises
    ------
    MissingPart
        partitura is not installed.
    FormatError
        Not MusicXML, or damaged.
    DataError
        No notes.
    """
    root = _prepared(_tree(stream, name), name)
    parts = _parse(ElementTree.tostring(root), name)
    if not any(len(part.notes) for part in parts):
        raise DataError(f"{name}: no notes")
    return _score(parts, [_setup(root, part.identifier) for part in parts])


@dataclass(frozen=True)
class _Part:
    """What partitura found in a part, in quarter notes from its beginning.

    `notes` has rows of onset, duration, pitch, grace (0 or 1) and place among the grace notes; `jumps` are the
    stretches (start, end) in the order in which they are played.
    """

    identifier: str
    notes: NDArray[np.float64]
    jumps: list[tuple[float, float]]
    tempi: list[tuple[float, int]]
    times: list[tuple[float, bytes]]
    keys: list[tuple[float, bytes]]
    divisions: int


def _tree(stream: BinaryIO, name: str) -> ElementTree.Element:
    stream.seek(0)
    try:
        if zipfile.is_zipfile(stream):
            data = _unpacked(stream, name)
        else:
            stream.seek(0)
            data = stream.read()
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, zipfile.BadZipFile, KeyError, ValueError) as problem:
        raise FormatError(f"damaged MusicXML ({problem})", name) from problem


def _unpacked(stream: BinaryIO, name: str) -> bytes:
    """Return the root file of a compressed MusicXML file."""
    with zipfile.ZipFile(stream) as archive:
        container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
        entry = container.find(".//{*}rootfile")
        path = "" if entry is None else entry.get("full-path", "")
        if archive.getinfo(path).file_size > MAX_XML:
            raise FormatError(f"unpacks to more than {MAX_XML >> 20} MB", name)
        return archive.read(path)


def _prepared(root: ElementTree.Element, name: str) -> ElementTree.Element:
    """Write down in the tree what partitura does not see: timewise order, octaves of transpositions, metronomes."""
    if root.tag == "score-timewise":
        root = _partwise(root)
    if root.tag != "score-partwise":
        raise FormatError(f"not MusicXML (root element {root.tag})", name)
    for transpose in root.iter("transpose"):
        octaves, chromatic = transpose.find("octave-change"), transpose.find("chromatic")
        if octaves is not None and chromatic is not None:
            chromatic.text = str(round(float(chromatic.text or 0)) + 12 * round(float(octaves.text or 0)))
        if transpose.find("diatonic") is None:
            ElementTree.SubElement(transpose, "diatonic").text = "0"
    for direction in root.iter("direction"):
        mark, sound = direction.find("direction-type/metronome"), direction.find("sound")
        if mark is not None and (sound is None or "tempo" not in sound.attrib):
            quarters = _metronome(mark)
            if quarters:
                ElementTree.SubElement(direction, "sound", tempo=f"{quarters:.6f}")
    return root


def _partwise(root: ElementTree.Element) -> ElementTree.Element:
    """Turn measures of parts into parts of measures."""
    result = ElementTree.Element("score-partwise", root.attrib)
    parts: dict[str, ElementTree.Element] = {}
    for child in root:
        if child.tag != "measure":
            result.append(child)
            continue
        for part in child.findall("part"):
            identifier = part.get("id", "")
            if identifier not in parts:
                parts[identifier] = ElementTree.SubElement(result, "part", id=identifier)
            ElementTree.SubElement(parts[identifier], "measure", child.attrib).extend(part)
    return result


def _metronome(mark: ElementTree.Element) -> float | None:
    """Return the quarter notes a minute of a metronome mark."""
    unit = UNITS.get(mark.findtext("beat-unit", "").strip())
    try:
        rate = float(mark.findtext("per-minute", ""))
    except ValueError:
        return None
    dots = len(mark.findall("beat-unit-dot"))
    return unit * (2 - 0.5**dots) * rate if unit and rate > 0 else None


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep partitura, which prints and warns much, from being heard."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)


def _parse(data: bytes, name: str) -> list[_Part]:
    with _silence():
        try:
            import partitura
        except ImportError as problem:
            message = f"{name}: MusicXML needs partitura, which is not installed: pip install 'mirtool[score]'"
            raise MissingPart(message) from problem
        try:
            score = partitura.load_musicxml(io.BytesIO(data), force_note_ids="keep")
            return [_part(part) for part in score.parts]
        except Exception as problem:  # it raises whatever its parser trips over
            raise FormatError(f"cannot be read as MusicXML ({type(problem).__name__}: {problem})", name) from problem


def _part(part: Any) -> _Part:
    from partitura import score
    from partitura.utils.music import note_array_from_part

    def place(time: Any) -> float:
        return float(part.quarter_map(time.t)) - origin

    origin = float(part.quarter_map(part.first_point.t))
    notes = np.zeros((0, 5))
    if part.notes_tied:
        found = note_array_from_part(part, include_grace_notes=True)
        columns = ("onset_quarter", "duration_quarter", "pitch", "is_grace", "local_grace_order")
        notes = np.stack([found[column].astype(np.float64) for column in columns], axis=1)
        notes[:, 0] -= origin
    transpositions = part.iter_all(score.Transposition)
    path = score.get_paths(part, no_repeats=False, all_repeats=True, ignore_leap_info=False)[0]
    segments = [path.segments[segment] for segment in path.path]
    return _Part(
        identifier=str(part.id),
        notes=_sounding(notes, [(place(change.start), change.chromatic) for change in transpositions]),
        jumps=[(place(segment.start), place(segment.end)) for segment in segments],
        tempi=[(place(tempo.start), int(tempo.microseconds_per_quarter)) for tempo in part.iter_all(score.Tempo)],
        times=[(place(time.start), _time(time.beats, time.beat_type)) for time in part.iter_all(score.TimeSignature)],
        keys=[(place(key.start), _key(key.fifths, key.mode)) for key in part.iter_all(score.KeySignature)],
        divisions=lcm(*(int(value) for value in np.asarray(part.quarter_durations())[:, 1])),
    )


def _sounding(notes: NDArray[np.float64], changes: list[tuple[float, int]]) -> NDArray[np.float64]:
    """Return the notes at the pitches that sound, given where which transposition (semitones) begins."""
    if changes:
        changes = sorted([(-1.0, 0), *changes], key=lambda change: change[0])
        index = np.searchsorted([change[0] for change in changes], notes[:, 0] + 1e-9, side="right") - 1
        notes[:, 2] += np.array([change[1] for change in changes])[index]
    return notes


def _time(beats: Any, unit: Any) -> bytes:
    return bytes((0xFF, 0x58, int(beats) & 0xFF, int(unit).bit_length() - 1, 24, 8))


def _key(fifths: Any, mode: str | None) -> bytes:
    return bytes((0xFF, 0x59, int(fifths) & 0xFF, int(mode == "minor")))


def _setup(root: ElementTree.Element, identifier: str) -> tuple[str, int]:
    """Return the name and the MIDI program (from 0) of a part."""
    entry = root.find(f"part-list/score-part[@id='{identifier}']")
    if entry is None:
        return identifier, 0
    program = entry.findtext("midi-instrument/midi-program", "1")
    return entry.findtext("part-name", identifier) or identifier, max(int(program) - 1, 0) & 0x7F


def _score(parts: list[_Part], setups: list[tuple[str, int]]) -> Score:
    # Repeats stand in every part, jumps often in one only: the part that is played longest knows all.
    jumps = max((part.jumps for part in parts), key=lambda jumps: sum(end - start for start, end in jumps))
    ticks_per_beat = _resolution([part.divisions for part in parts])

    def ticks(quarters: Any) -> Any:
        return np.rint(np.asarray(quarters) * ticks_per_beat).astype(np.int64)

    tempi = _played([change for part in parts for change in part.tempi], jumps)
    tempo_map = TempoMap(ticks_per_beat, [(int(ticks(place)), tempo) for place, tempo in tempi])
    rows, messages = [], []
    for number, (part, (title, program)) in enumerate(zip(parts, setups, strict=True)):
        channel = (number + (number >= 9)) % 16  # not the drums
        unfolded = _with_graces(np.concatenate([_stretch(part.notes, *jump, shift) for jump, shift in _shifts(jumps)]))
        fixed = np.broadcast_to([VELOCITY, number, channel, program], (len(unfolded), 4))
        rows.append(np.hstack((ticks(unfolded[:, :2]), ticks(unfolded[:, 2:]) // ticks_per_beat, fixed)))
        track = [(0, b"\xff\x03" + title.encode("utf-8")), (0, bytes((0xC0 | channel, program)))]
        track += [(int(ticks(place)), data) for place, data in _played(part.keys, jumps)]
        if number == 0:
            track += [(int(ticks(place)), data) for place, data in _played(part.times, jumps)]
        messages.append(tuple(sorted(track, key=lambda message: message[0])))
    return Score.from_rows(np.concatenate(rows), tempo_map, tuple(messages))


def _resolution(divisions: list[int]) -> int:
    """Return ticks a quarter note in which all durations are whole, if MIDI can count so finely."""
    common = lcm(*divisions)
    return common * -(-MIN_TICKS // common) if common <= MAX_TICKS - MIN_TICKS else MIN_TICKS * 63


def _shifts(jumps: list[tuple[float, float]]) -> Iterator[tuple[tuple[float, float], float]]:
    """Yield each stretch that is played with what is to be added to its times."""
    now = 0.0
    for start, end in jumps:
        yield (start, end), now - start
        now += end - start


def _stretch(notes: NDArray[np.float64], start: float, end: float, shift: float) -> NDArray[np.float64]:
    chosen = notes[(notes[:, 0] >= start - 1e-9) & (notes[:, 0] < end - 1e-9)].copy()
    chosen[:, 0] += shift
    return chosen


def _played(changes: list[tuple[float, Any]], jumps: list[tuple[float, float]]) -> list[tuple[float, Any]]:
    """Return changes where they are played: each stretch begins with the one in force, unless it is so already."""
    changes = sorted(changes, key=lambda change: change[0])
    found: list[tuple[float, Any]] = []
    for (start, end), shift in _shifts(jumps):
        before = [value for place, value in changes if place <= start + 1e-9]
        inside = [(place + shift, value) for place, value in changes if start + 1e-9 < place < end - 1e-9]
        for place, value in [(start + shift, before[-1]), *inside] if before else inside:
            if not found or found[-1][1] != value:
                found.append((place, value))
    return found


def _with_graces(notes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return onset, offset and pitch, with grace notes put one after the other in front of their main notes."""
    onsets, offsets = notes[:, 0].copy(), notes[:, 0] + notes[:, 1]
    graces = np.flatnonzero(notes[:, 3])
    for onset in np.unique(notes[graces, 0]):
        group = graces[notes[graces, 0] == onset]
        order = np.searchsorted(np.unique(notes[group, 4]), notes[group, 4])
        count = int(order.max()) + 1
        step = min(GRACE_QUARTERS, onset / count) or GRACE_QUARTERS  # at the very beginning there is no room in front
        begin = max(onset - count * step, 0.0)
        onsets[group] = begin + order * step
        offsets[group] = onsets[group] + step
    return np.stack((onsets, offsets, notes[:, 2]), axis=1)
