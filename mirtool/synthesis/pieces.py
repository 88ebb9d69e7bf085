"""Music for the demo and for tests, as notes: which pitch, when, how long."""

from mirtool.pitch import STEPS
from mirtool.tempo_map import TempoMap
from mirtool.types import Score

TICKS_PER_BEAT = 480
_SIXTEENTH = TICKS_PER_BEAT // 4
_BAR = 16 * _SIXTEENTH

# Bach, Das Wohltemperierte Clavier I, Praeludium 1 in C major, BWV 846 (1722). Bars 1 to 32: the five notes of each bar
# from below, which are broken in the same way throughout.
_BROKEN_CHORDS = """
    C4 E4 G4 C5 E5 | C4 D4 A4 D5 F5 | B3 D4 G4 D5 F5 | C4 E4 G4 C5 E5 | C4 E4 A4 E5 A5 | C4 D4 F#4 A4 D5
    B3 D4 G4 D5 G5 | B3 C4 E4 G4 C5 | A3 C4 E4 G4 C5 | D3 A3 D4 F#4 C5 | G3 B3 D4 G4 B4 | G3 Bb3 E4 G4 C#5
    F3 A3 D4 A4 D5 | F3 Ab3 D4 F4 B4 | E3 G3 C4 G4 C5 | E3 F3 A3 C4 F4 | D3 F3 A3 C4 F4 | G2 D3 G3 B3 F4
    C3 E3 G3 C4 E4 | C3 G3 Bb3 C4 E4 | F2 F3 A3 C4 E4 | F#2 C3 A3 C4 Eb4 | Ab2 F3 B3 C4 D4 | G2 F3 G3 B3 D4
    G2 E3 G3 C4 E4 | G2 D3 G3 C4 F4 | G2 D3 G3 B3 F4 | G2 Eb3 A3 C4 F#4 | G2 E3 G3 C4 G4 | G2 D3 G3 C4 F4
    G2 D3 G3 B3 F4 | C2 C3 G3 Bb3 E4
"""
# Bars 33 and 34: two held notes, then fourteen sixteenths.
_CLOSING_BARS = (
    ("C2 C3", "F3 A3 C4 F4 C4 A3 C4 A3 F3 A3 F3 D3 F3 D3"),
    ("C2 B2", "G4 B4 D5 F5 D5 B4 D5 B4 G4 B4 D4 F4 E4 D4"),
)
_LAST_CHORD = "C2 C3 E4 G4 C5"


def prelude(bpm: float = 80.0) -> Score:
    """Return Bach's Prelude in C major, BWV 846, with all its 35 bars.

    Parameters
    ----------
    bpm : float
        Quarter notes a minute.

    Returns
    -------
    Score
        Two tracks (right and left hand), 4/4, velocity 80.
    """
    rows: list[tuple[int, int, int, int]] = []  # onset, offset, pitch, track
    chords = [chord.split() for line in _BROKEN_CHORDS.strip().splitlines() for chord in line.split("|")]
    for bar, chord in enumerate(chords):
        for half in (0, 8):
            begin, end = bar * _BAR + half * _SIXTEENTH, bar * _BAR + (half + 8) * _SIXTEENTH
            rows.append((begin, end, _pitch(chord[0]), 1))
            rows.append((begin + _SIXTEENTH, end, _pitch(chord[1]), 1))
            rows += _sixteenths(begin + 2 * _SIXTEENTH, [*chord[2:], *chord[2:]])
    for bar, (held, moving) in enumerate(_CLOSING_BARS, len(chords)):
        for place, name in enumerate(held.split()):
            rows.append((bar * _BAR + place * _SIXTEENTH, (bar + 1) * _BAR, _pitch(name), 1))
        rows += _sixteenths(bar * _BAR + 2 * _SIXTEENTH, moving.split())
    last = len(chords) + len(_CLOSING_BARS)
    for place, name in enumerate(_LAST_CHORD.split()):
        rows.append((last * _BAR, (last + 1) * _BAR, _pitch(name), int(place < 2)))
    return _score(rows, bpm, (last + 1) * _BAR)


def _sixteenths(begin: int, names: list[str]) -> list[tuple[int, int, int, int]]:
    """Return sixteenth notes of the right hand, one after the other."""
    ticks = [begin + place * _SIXTEENTH for place in range(len(names))]
    return [(tick, tick + _SIXTEENTH, _pitch(name), 0) for tick, name in zip(ticks, names, strict=True)]


def _pitch(name: str) -> int:
    """Return the MIDI number of a name such as F#4 (60 = C4)."""
    return STEPS[name[0]] + name.count("#") - name.count("b") + 12 * (int(name[-1]) + 1)


def _score(rows: list[tuple[int, int, int, int]], bpm: float, end: int) -> Score:
    meter = (0, b"\xff\x58\x04\x02\x18\x08")  # 4/4
    last = (end, b"\xff\x2f")
    played = [(onset, offset, pitch, 80, track, 0, 0) for onset, offset, pitch, track in rows]
    return Score.from_rows(played, TempoMap(TICKS_PER_BEAT, [(0, round(60e6 / bpm))]), ((meter, last), (last,)))
