"""Edit single notes of a recording whose score is known.

Each note gets its share of the spectrogram of the mixture from the score-informed model (Ewert and Müller, ICASSP
2012; Driedger, Grohganz, Prätzlich, Ewert, Müller, Score-informed audio decomposition and applications, ACM MM 2013).
Notes that are treated alike are taken out of the mixture together, treated, and put back:
edited = mixture − Σ notes + Σ treated notes. What no edit touches stays as it was, bit for bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, reblocked
from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.constraints import Constraints, ScorePart
from mirtool.decomposition.scores.note_edits import Plan, Treatment
from mirtool.decomposition.scores.note_selection import table_of
from mirtool.decomposition.scores.separation import of_groups
from mirtool.signal.pitch_shift import shift_pitch
from mirtool.signal.spool import Spool
from mirtool.types import AudioSource, Notes, Stems

Samples = NDArray[np.float32]

_FLOOR = 0.01  # what lies 40 dB below the mixture or more is not told from noise: no note takes it away
_DUST = 1e-12  # of masks that are nowhere exactly zero


def edited(source: AudioSource, parts: Sequence[ScorePart], plan: Plan, parameters: ScoreParameters) -> "Edited":
    """Edit notes of a recording.

    Parameters
    ----------
    source : AudioSource
        Read twice at a time: for its notes, and for what stays as it is.
    parts : sequence of ScorePart
        Aligned with the sound.
    plan : Plan
        What is done to the notes of `table_of(parts)`.
    parameters : ScoreParameters

    Returns
    -------
    Edited

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        While it is read: samples that are not finite.
    """
    constraints = Constraints(parts, parameters)
    found, place = layers(constraints, plan, parameters)
    names = [str(number) for number in range(len(found))]
    return Edited(source, of_groups(source, constraints, place, names, parameters, floor=_FLOOR), found)


@dataclass(frozen=True, eq=False)
class Layer:
    """Notes that are taken out of the mixture together.

    Parameters
    ----------
    treatment : Treatment
    spans : ndarray, shape (L, 3)
        Of notes that change their pitch, of which no two sound at once: onset, and beginning and end of all that
        belongs to each (s).
    """

    treatment: Treatment
    spans: NDArray[np.float64]

    @property
    def is_displaced(self) -> bool:
        """Whether notes lie elsewhere afterwards, in time or frequency."""
        return bool(self.treatment.shift or self.treatment.move)


def layers(
    constraints: Constraints, plan: Plan, parameters: ScoreParameters
) -> tuple[tuple[Layer, ...], NDArray[np.int64]]:
    """Return what is taken out together, and the layer of each note of the constraints.

    A layer a treatment; where the pitch changes, as many as notes sound at once, so that each is changed by itself.
    """
    group = plan.group[constraints.order]
    nothing = np.zeros((0, 3))
    found = [Layer(treatment, nothing) for treatment in plan.treatments]
    place = group.copy()
    for number, treatment in enumerate(plan.treatments):
        if not treatment.shift:
            continue
        notes = np.flatnonzero(group == number)
        onset, blur = constraints.onset[notes], parameters.score_window / 2
        begin, end = onset - parameters.early - blur, constraints.offset[notes] + parameters.late + blur
        spans = np.stack((onset, begin, end), axis=1)
        lane = _lanes(spans[:, 1], spans[:, 2])
        found[number] = Layer(treatment, spans[lane == 0])
        for other in range(1, int(lane.max()) + 1):
            place[notes[lane == other]] = len(found)
            found.append(Layer(treatment, spans[lane == other]))
    return tuple(found), place


def _lanes(begins: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return numbers for intervals, whose beginnings rise, such as those of one number do not touch each other."""
    free: list[float] = []  # from when on
    lanes = np.empty(len(begins), dtype=np.int64)
    for number, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        lane = next((lane for lane, until in enumerate(free) if until <= begin), len(free))
        free[lane : lane + 1] = [end]
        lanes[number] = lane
    return lanes


class Edited:
    """An edited recording; itself an `AudioSource`, as long as the recording, computed while it is read.

    Where notes change their pitch or place, the sound lies in temporary files meanwhile: hours take little memory.

    Parameters
    ----------
    source : AudioSource
    stems : Stems
        The sound of each layer; the first one is what remains.
    layers : sequence of Layer
    """

    def __init__(self, source: AudioSource, stems: Stems, layers: Sequence[Layer]) -> None:
        self._source, self._stems, self._layers = source, stems, layers
        self.sample_rate, self.channels = source.sample_rate, source.channels

    @property
    def frames(self) -> int | None:
        """Length in samples; None when that of the source is not known."""
        return self._source.frames

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        """Yield blocks (n × channels, float32); see `AudioSource`."""
        return reblocked(self._chunks(), size, overlap, self.channels)

    def _chunks(self) -> Iterator[Samples]:
        displaced = [number for number, layer in enumerate(self._layers) if layer.is_displaced]
        if not displaced:
            yield from self._staying({})
            return
        with ExitStack() as stack:
            spools = {number: stack.enter_context(Spool(self.channels)) for number in displaced}
            total = stack.enter_context(Spool(self.channels))
            for block in self._staying(spools):
                total.write(block)
            for number, spool in spools.items():
                for begin, sound in treated(spool, self._layers[number], self.sample_rate):
                    total.add(begin, sound)
            yield from total.blocks(CHUNK)

    def _staying(self, displaced: Mapping[int, Spool]) -> Iterator[Samples]:
        """Yield the mixture with the gains of all layers, without those that are displaced, which go to spools."""
        everything = self._layers[0].treatment.gain
        pieces = _Pieces(self._source)
        for blocks in self._stems.blocks():
            total = np.float32(everything) * pieces.take(len(blocks[0]))
            for number, (block, layer) in enumerate(zip(blocks, self._layers, strict=True)):
                gain = 0.0 if number in displaced else layer.treatment.gain
                if not number or (gain == everything and number not in displaced):
                    continue
                sound = np.where(np.abs(block) < _DUST, 0, block)
                if number in displaced:
                    displaced[number].write(sound)
                total += np.float32(gain - everything) * sound
            yield total


def edited_notes(parts: Sequence[ScorePart], plan: Plan) -> tuple[Notes, NDArray[np.bool_]]:
    """Return the notes that are heard after an edit, a part a track, one after the other, and which of them are edited.

    Velocities follow the gain: the level is 40 log10(velocity / 127) dB, as General MIDI recommends.
    """
    table = table_of(parts)
    gain, shift, move = np.array([(t.gain, t.shift, t.move) for t in plan.treatments])[plan.group].T
    velocity = np.concatenate([part.notes["velocity"] for part in parts])
    kept = gain > 0
    columns = {
        "onset": table.onset + move,
        "offset": table.offset + move,
        "pitch": table.pitch + shift,
        "velocity": np.clip(velocity * np.sqrt(gain), 1, 127),
        "track": table.track,
        "channel": np.maximum(table.channel - 1, 0),
    }
    return Notes({name: values[kept] for name, values in columns.items()}), plan.edited[kept]


def treated(spool: Spool, layer: Layer, sample_rate: int) -> Iterator[tuple[int, Samples]]:
    """Yield the sounds of notes at another pitch or place, and the samples where they begin."""
    offset, gain = round(layer.treatment.move * sample_rate), np.float32(layer.treatment.gain)
    if not layer.treatment.shift:
        for number, block in enumerate(spool.blocks(CHUNK)):
            yield number * CHUNK + offset, gain * block
        return
    for onset, begin, end in np.rint(layer.spans * sample_rate).astype(np.int64).tolist():
        note = spool.read(begin, end - begin)
        yield begin + offset, gain * shift_pitch(note, sample_rate, layer.treatment.shift, onset - begin)


class _Pieces:
    """A sound in pieces of any length."""

    def __init__(self, source: AudioSource) -> None:
        self._blocks = source.blocks(CHUNK)
        self._held: Samples = np.zeros((0, source.channels), np.float32)

    def take(self, count: int) -> Samples:
        """Return the next samples."""
        while len(self._held) < count:
            self._held = np.concatenate((self._held, next(self._blocks)))
        piece, self._held = self._held[:count], self._held[count:]
        return piece
