"""Beats as a MIDI tempo map, and back: a sequencer that opens the map has its grid on the beats of the recording.

A beat is a quarter note. Time signatures put bar lines on the downbeats; the tempo changes at every beat, to the
microsecond. Before the first beat stands a lead-in from 0 s, with whole bars where its tempo stays near that of the
music, else with one short bar, so that the first downbeat, too, begins a bar.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.tempo_map import DEFAULT_TEMPO, MAX_TEMPO, TempoMap
from mirtool.types import Events, Notes, Score

BEAT_TICKS = 192  # hours of beats stay below the ten million ticks at which some readers take a file for damaged
AT_ZERO = 5e-4  # seconds: a first beat so near to 0 comes at tick 0
FASTEST = 0.1  # seconds a quarter note: 600 a minute, the fastest lead-in that sequencers can be trusted with
NEAR = 1.5  # the tempo of a lead-in of whole bars lies within this factor of the music's
PAUSE = 4.0  # an interval that is so many times as long as both beside it holds several beats
LONGEST_BAR = 255  # beats: what a time signature holds
MANY = 64 * BEAT_TICKS  # ticks in one interval over which a tempo of whole microseconds is not exact enough
USUAL_BAR = 4  # beats, where no bar is counted through
MOST_BEATS = 10_000_000  # that are read: more are damage
# Markers: what comes before is the lead-in.
FIRST_BEAT, FIRST_OF_NO_BAR = b"\xff\x06first beat", b"\xff\x06first beat (bars not known)"
LAST_BEAT = b"\xff\x01last beat"  # a text: readers that look at events only know where the beats end
END_OF_TRACK = b"\xff\x2f"

Signature = tuple[int, int, int]  # tick, numerator, denominator


def score_of_beats(events: Events) -> Score:
    """Make a tempo map in which the events are quarter notes.

    Parameters
    ----------
    events : Events
        With a column `beat`: position in the bar, 1 for a downbeat, 0 (or NaN) for unknown; what lies between beats
        (1.5) is left out. Where downbeats are known, time signatures put the bar lines there. Between two downbeats
        whose beats are not counted through, bars are as long as the one before, and the last of them as short as need
        be.

    Returns
    -------
    Score
        Without notes. Every event lies within 0.6 ms of its time, however many there are. A pause between two events
        (four times as long as the intervals beside it, or longer than the slowest tempo of MIDI, 16.8 s) holds several
        quarter notes.

    Raises
    ------
    DataError
        Times that do not increase, or are negative.
    """
    position = np.nan_to_num(events["beat"], nan=0.0)
    whole = position % 1 == 0
    times, position = events["time"][whole].copy(), position[whole]
    if len(times) and 0 < times[0] <= AT_ZERO:
        times[0] = 0.0
    if not np.isfinite(times).all() or (len(times) and times[0] < 0) or (np.diff(times) <= 0).any():
        raise DataError("beats need increasing times from 0 on")
    if not len(times):
        return _empty_score(TempoMap(BEAT_TICKS), (), 0)
    counts = _quarters(np.diff(times))
    places = np.concatenate(([0], np.cumsum(counts)))
    usual = float(np.median(np.diff(times) / counts)) if len(counts) else DEFAULT_TEMPO / 1e6
    metre, bars = _bars(places, position)
    before = bars[0][0] if bars else 0
    lead = _lead(float(times[0]), usual, before, metre)
    ticks = np.concatenate(([lead], counts * BEAT_TICKS))
    grid = bars or ([(0, USUAL_BAR)] if lead % BEAT_TICKS else [])  # the grid begins on a beat, whatever the bars
    signatures = _signatures(lead, before, metre, grid) if grid else ()
    messages = [(tick, _signature(beats, unit)) for tick, beats, unit in signatures]
    messages += [(lead, FIRST_BEAT if bars else FIRST_OF_NO_BAR), (int(ticks.sum()), LAST_BEAT)]
    changes = _changes(ticks.tolist(), np.rint(times * 1e6).astype(np.int64).tolist())
    return _empty_score(TempoMap(BEAT_TICKS, tuple(changes)), messages, int(ticks.sum()))


def _quarters(gaps: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many quarter notes the intervals between beats (s) hold."""
    beside = np.stack((np.concatenate((gaps[:1], gaps[:-1])), np.concatenate((gaps[1:], gaps[-1:]))))
    if len(gaps) > 1:  # an end has one neighbour
        beside[0, 0], beside[1, -1] = gaps[1], gaps[-2]
    pause = gaps > PAUSE * beside.max(axis=0, initial=0)
    filled = np.where(pause, np.rint(gaps / beside.mean(axis=0)), 1)
    return np.maximum(filled, np.ceil(gaps * 1e6 / MAX_TEMPO)).astype(np.int64)


def _bars(places: NDArray[np.int64], beat: NDArray[np.float64]) -> tuple[int, list[tuple[int, int]]]:
    """Return the metre at the beginning, and the bars from the first downbeat on: place and length (quarter notes)."""
    downs = np.flatnonzero(beat == 1)
    if not len(downs):
        return 1, []
    spans = [(int(places[a]), int(places[b]), _counted(places[a : b + 1], beat[a:b])) for a, b in pairwise(downs)]
    highest = min(int(beat[downs[-1] :].max()), LONGEST_BAR)  # of the last bar, whose end is not known
    known = [end - begin for begin, end, counted in spans if counted]
    metre = min(known[0] if known else max(USUAL_BAR, int(beat.max())), LONGEST_BAR)
    bars: list[tuple[int, int]] = []
    length = metre
    for begin, end, counted in spans:
        length = min(end - begin, LONGEST_BAR) if counted else length
        bars += ((place, min(length, end - place)) for place in range(begin, end, length))
    return metre, [*bars, (int(places[downs[-1]]), max(length, highest))]


def _counted(places: NDArray[np.int64], beat: NDArray[np.float64]) -> bool:
    """Tell whether the beats of a bar are counted through, and none holds several quarter notes."""
    return bool(np.array_equal(beat, places[:-1] - places[0] + 1)) and int(places[-1] - places[0]) == len(beat)


def _lead(first: float, usual: float, before: int, metre: int) -> int:
    """Return the ticks from 0 s to the first beat.

    Parameters
    ----------
    first : float
        Time of the first beat (s).
    usual : float
        Time between beats (s).
    before : int
        Quarter notes from the first beat to the first downbeat.
    metre : int
        Quarter notes in a bar.
    """
    if first == 0:
        return 0
    if first < FASTEST:
        note = BEAT_TICKS
        while note > BEAT_TICKS // 32 and first * BEAT_TICKS / note < FASTEST:
            note //= 2
        return note
    wanted = first / usual
    whole = [count for k in (0, 1) if (count := (int((wanted + before) // metre) + k) * metre - before) > 0]
    best = min(whole, key=lambda count: abs(np.log(count / wanted)))
    slowest = ceil(first * 1e6 / MAX_TEMPO)
    if first / best < FASTEST or best < slowest or not 1 / NEAR <= best / wanted <= NEAR:
        best = min(max(round(wanted), slowest), int(first / FASTEST))
    return best * BEAT_TICKS


def _signatures(lead: int, before: int, metre: int, bars: Sequence[tuple[int, int]]) -> Iterator[Signature]:
    """Yield the time signatures that put bar lines on the bars, where they change."""
    lines: list[Signature] = []
    if short := lead % BEAT_TICKS:
        lines.append((0, 1, 4 * BEAT_TICKS // short))
    pickup = (lead // BEAT_TICKS + before) % metre
    if pickup:
        lines.append((short, pickup, 4))
    if lead // BEAT_TICKS + before > pickup:
        lines.append((short + pickup * BEAT_TICKS, metre, 4))
    lines += [(lead + place * BEAT_TICKS, length, 4) for place, length in bars]
    last = None
    for line in lines:
        if line[1:] != last:
            yield line
        last = line[1:]


def _signature(beats: int, unit: int) -> bytes:
    return bytes((0xFF, 0x58, beats, unit.bit_length() - 1, 24, 8))


def _changes(ticks: list[int], times: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the tempo changes that take intervals (ticks) to given times (whole microseconds).

    Each is computed from where those before it have really led, so that rounding never accumulates. `now` is in
    microseconds times `BEAT_TICKS`: a whole number.
    """
    place, now, last = 0, 0, 0
    for count, end in zip(ticks, times, strict=True):
        if not count:
            continue
        span = end * BEAT_TICKS - now
        tempo = min(max(round(span / count), 1), MAX_TEMPO)
        if count > MANY and span > count:  # rounding adds up: some ticks at the next slower tempo make it exact
            tempo, slower = divmod(span, count)
            if slower:
                yield place, tempo + 1
            place, now, last, count = place + slower, now + (tempo + 1) * slower, 0, count - slower
        if tempo != last:
            yield place, tempo
        place, now, last = place + count, now + tempo * count, tempo


def _empty_score(tempo_map: TempoMap, messages: Sequence[tuple[int, bytes]], end: int) -> Score:
    notes = Notes({name: np.zeros(0) for name in Notes.REQUIRED})
    return Score(notes, np.zeros((0, 2), np.int64), tempo_map, ((*messages, (end, END_OF_TRACK)),))


def is_beat_map(score: Score) -> bool:
    """Tell whether a score is a tempo map that `score_of_beats` made."""
    markers = (FIRST_BEAT, FIRST_OF_NO_BAR)
    return not len(score.notes) and any(data in markers for track in score.messages for _, data in track)


def beats_of_score(score: Score) -> Events:
    """Return the beats of a score, from its time signatures and its tempo map.

    Parameters
    ----------
    score : Score
        Of a tempo map of `score_of_beats`, the lead-in is left out.

    Returns
    -------
    Events
        `time` (s) and `beat`, position in the bar: 0 before the first time signature. A beat is what the time signature
        counts, three of it in compound metres (6/8 has two beats), and a quarter note without one. A short bar at the
        beginning is an upbeat. The last beat lies at or before the end of the score.
    """
    messages = [message for track in score.messages for message in track]
    end = max([*(tick for tick, _ in messages), int(score.ticks.max(initial=0))])
    first = max((tick for tick, data in messages if data in (FIRST_BEAT, FIRST_OF_NO_BAR)), default=0)
    signatures = score.time_signatures
    stops = [*(tick for tick, _, _ in signatures), end + 1]
    parts = [_counted_off(0, stops[0], score.ticks_per_beat, 0)]
    bars = [_bar(numerator, denominator, score.ticks_per_beat) for _, numerator, denominator in signatures]
    upbeat = stops[0] == 0
    for k, (begin, stop) in enumerate(pairwise(stops)):
        unit, beats = bars[k]
        following = bars[k + 1] if k + 1 < len(bars) else bars[k]
        upbeat = upbeat and stop - begin == unit * beats < following[0] * following[1]
        parts.append(_counted_off(begin, stop, unit, beats, max(following[1] - beats, 0) if upbeat else 0))
    table = np.concatenate(parts)
    table = table[table[:, 0] >= first]
    if any(data == FIRST_OF_NO_BAR for _, data in messages):
        table[:, 1] = 0
    return Events({"time": score.seconds(table[:, 0]), "beat": table[:, 1]})


def _bar(numerator: int, denominator: int, ticks_per_beat: int) -> tuple[float, int]:
    """Return the length of a beat (ticks) and how many a bar has."""
    unit = 4 * ticks_per_beat / denominator
    compound = denominator >= 8 and numerator % 3 == 0 and numerator > 3
    return (3 * unit, numerator // 3) if compound else (unit, numerator)


def _counted_off(begin: int, stop: int, unit: float, beats: int, first: int = 0) -> NDArray[np.float64]:
    """Return tick and position in the bar (0 beats: not known) of the beats from `begin` to before `stop`."""
    count = max(ceil((stop - begin) / unit), 0)
    if count > MOST_BEATS:
        raise DataError(f"a score of more than {MOST_BEATS} beats")
    k = np.arange(count)
    position = first + k % beats + 1 if beats else 0 * k
    return np.stack((begin + k * unit, position), axis=1).astype(np.float64)
