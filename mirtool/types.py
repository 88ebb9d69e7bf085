"""The containers that travel between io, chapters and plots: frozen, with read-only arrays.

Tables share one shape: named columns of equal length. A subclass says which columns a table of its kind must have; it
may have more (`strength`, `confidence`, `label` …), which are kept and written in their order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError
from mirtool.tempo_map import TempoMap, fitted

FloatArray = NDArray[np.floating[Any]]


def _frozen(array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
    """Return a read-only view (or copy, where the dtype changes) of an array."""
    view = np.asarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


@runtime_checkable
class AudioSource(Protocol):
    """Sound that can be read in blocks.

    Attributes
    ----------
    sample_rate : int
        Samples a second (Hz).
    channels : int
    frames : int or None
        Length in samples a channel; None when it is not known before the end.
    """

    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int | None: ...

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        """Yield blocks (n × channels, float32, n ≤ size), each sharing `overlap` samples with the one before.

        Every call starts at the beginning; a live source allows one call.
        """
        ...


class AudioSink(Protocol):
    """Where sound is written to, block by block."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...

    def write(self, block: NDArray[np.float32]) -> None:
        """Append samples (n × channels, float32)."""
        ...


@dataclass(frozen=True, eq=False)
class Audio:
    """A whole recording in memory; itself an `AudioSource`.

    Parameters
    ----------
    samples : ndarray, shape (frames, channels), float32
    sample_rate : int
        Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim == 1:
            samples = samples[:, None]
        object.__setattr__(self, "samples", _frozen(samples))

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        for begin in range(0, max(self.frames - overlap, 1), size - overlap):
            yield self.samples[begin : begin + size]


@runtime_checkable
class Stems(Protocol):
    """The parts of a separation, of one length and side by side in time.

    Attributes
    ----------
    names : tuple of str
        Of the parts, which become names of files.
    sample_rate, channels : int
        Of every part.
    frames : int or None
        Length in samples a channel; None when it is not known before the end.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int | None: ...

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Yield, for one stretch of time after the other, a block (n × channels, float32) of each part.

        Every call starts at the beginning. The block of a part that will not be written may be empty (0 × channels).
        """
        ...


@dataclass(frozen=True)
class StemStream:
    """Parts that are computed as they are written; see `Stems`.

    Parameters
    ----------
    names : tuple of str
    sample_rate, channels : int
    frames : int or None
    make : callable
        Starts a computation from the beginning; what it returns yields a tuple with a block a part.
    """

    names: tuple[str, ...]
    sample_rate: int
    channels: int
    frames: int | None
    make: Callable[[], Iterator[tuple[NDArray[np.float32], ...]]]

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        return self.make()


@dataclass(frozen=True, eq=False)
class Features:
    """A matrix over time (or a matrix of templates), with what is needed to read it without its maker.

    Parameters
    ----------
    data : ndarray, shape (K, N), float32 or complex64
        Frame n is centred at `start + n / feature_rate` seconds. A curve is 1 × N. Templates may have three dimensions.
    feature_rate : float or None
        Frames per second (Hz); None for a matrix without time.
    kind : str
        Such as ``chroma``, ``dlnco``, ``novelty``.
    dims : tuple of str
        Names of the dimensions, such as ``("chroma", "time")``.
    axis : tuple of str or of float
        Names or numbers of the rows.
    start : float
        Time of frame 0 (s).
    unit : str
        Of the values; empty for none.
    provenance : mapping
        Tool, version and resolved parameters; never paths, dates or hosts.
    """

    data: NDArray[Any]
    feature_rate: float | None
    kind: str = ""
    dims: tuple[str, ...] = ("feature", "time")
    axis: tuple[str, ...] | tuple[float, ...] = ()
    start: float = 0.0
    unit: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = np.asarray(self.data)
        data = np.atleast_2d(data).astype(np.complex64 if np.iscomplexobj(data) else np.float32, copy=False)
        object.__setattr__(self, "data", _frozen(data))

    @property
    def frames(self) -> int:
        """Number of frames N."""
        return int(self.data.shape[-1])

    @property
    def times(self) -> NDArray[np.float64]:
        """Centres of the frames (s), shape (N,)."""
        if self.feature_rate is None:
            raise DataError(f"a {self.kind or 'matrix'} without a time axis")
        return self.start + np.arange(self.frames) / self.feature_rate


@dataclass(frozen=True, eq=False)
class Factorization:
    """A matrix as a sum of components, V ≈ WH: what each is (its template), and when it sounds (its activation).

    Parameters
    ----------
    templates : ndarray, shape (K, R) or (K, R, T), float32
        W: one column a component, or T of them, one after the other in time (NMFD).
    activations : ndarray, shape (R, N), float32
        H: frame n is centred at `start + n / feature_rate` seconds.
    feature_rate : float or None
        Frames per second (Hz); None for a matrix without time.
    start : float
        Time of frame 0 (s).
    axis : tuple of str or of float
        Names or numbers of the rows of W.
    dim : str
        What those rows are.
    labels : tuple of str
        Names of the components; by default 1 … R.

    Raises
    ------
    DataError
        The shapes do not go together.
    """

    templates: NDArray[np.float32]
    activations: NDArray[np.float32]
    feature_rate: float | None
    start: float = 0.0
    axis: tuple[str, ...] | tuple[float, ...] = ()
    dim: str = "frequency"
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        W, H = np.asarray(self.templates, np.float32), np.asarray(self.activations, np.float32)
        if W.ndim not in (2, 3) or H.ndim != 2 or W.shape[1] != H.shape[0]:
            raise DataError(f"templates {W.shape} and activations {H.shape} do not go together")
        for name, given, wanted in (("rows", self.axis, W.shape[0]), ("components", self.labels, W.shape[1])):
            if len(given) not in (0, wanted):
                raise DataError(f"{len(given)} names for {wanted} {name}")
        object.__setattr__(self, "templates", _frozen(W))
        object.__setattr__(self, "activations", _frozen(H))
        if not self.labels:
            object.__setattr__(self, "labels", tuple(str(r + 1) for r in range(W.shape[1])))

    @property
    def rank(self) -> int:
        """Number of components R."""
        return int(self.templates.shape[1])

    @property
    def frames(self) -> int:
        """Number of frames N."""
        return int(self.activations.shape[1])

    @property
    def times(self) -> NDArray[np.float64]:
        """Centres of the frames (s), shape (N,)."""
        return self.activation_features().times

    def product(self, first: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Return the frames from `first` to before `stop` of WH, shape (K, stop - first).

        With T columns a template, frame n is Σ_t W(:, :, t) H(:, n - t).
        """
        W, H = self.templates, self.activations
        stop = self.frames if stop is None else min(stop, self.frames)
        if W.ndim == 2:
            return W @ H[:, first:stop]
        result = np.zeros((W.shape[0], max(stop - first, 0)), np.float32)
        for t in range(W.shape[2]):
            moved = H[:, max(first - t, 0) : max(stop - t, 0)]
            result[:, result.shape[1] - moved.shape[1] :] += W[:, :, t] @ moved
        return result

    def template_features(self) -> Features:
        """Return W as features: K × R without time, or K × R × T at the rate of the frames."""
        plain = self.templates.ndim == 2
        dims = (self.dim, "component") if plain else (self.dim, "component", "time")
        return Features(self.templates, None if plain else self.feature_rate, "templates", dims, self.axis)

    def activation_features(self) -> Features:
        """Return H as features: R × N, with the names of the components as its rows."""
        dims = ("component", "time")
        return Features(self.activations, self.feature_rate, "activations", dims, self.labels, self.start)


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length; numbers are float64, names are str objects."""

    columns: Mapping[str, NDArray[Any]]
    REQUIRED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        columns = {}
        for name, values in self.columns.items():
            array = np.asarray(values)
            columns[name] = _frozen(array, np.float64 if array.dtype.kind in "biuf" else object)
        missing = [name for name in self.REQUIRED if name not in columns]
        if missing:
            raise DataError(f"no column {', '.join(missing)} (there are: {', '.join(columns) or 'none'})")
        if len({len(column) for column in columns.values()}) > 1:
            raise DataError("columns of different length")
        object.__setattr__(self, "columns", columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def replace(self, **columns: ArrayLike) -> Self:
        """Return a copy with some columns replaced or appended."""
        return type(self)({**self.columns, **{name: np.asarray(values) for name, values in columns.items()}})

    def without(self, *names: str) -> Self:
        """Return a copy without some columns."""
        return type(self)({name: values for name, values in self.columns.items() if name not in names})


class Events(Table):
    """Points in time: `time` (s) and what is known of each (`strength`, `beat`, `label`, `confidence` …)."""

    REQUIRED = ("time",)


class Segments(Table):
    """Stretches of time: `start`, `end` (s), `label`."""

    REQUIRED = ("start", "end", "label")


class Notes(Table):
    """Notes: `onset`, `offset` (s), `pitch` (MIDI number, 60 = C4), `velocity` (0 to 127)."""

    REQUIRED = ("onset", "offset", "pitch", "velocity")


@dataclass(frozen=True, eq=False)
class Score:
    """Notes with their place in musical time, and all else that a MIDI file holds.

    Parameters
    ----------
    notes : Notes
        In seconds, ordered by onset and pitch; with columns `track` (from 0), `channel` (0 to 15) and `program`
        (0 to 127) where they are known.
    ticks : ndarray, shape (len(notes), 2), int64
        Onset and offset of the notes in ticks.
    tempo_map : TempoMap
        Ticks to seconds and back.
    messages : tuple of tuples of (int, bytes)
        Of each track: tick and bytes of every message that is neither a note nor a tempo, as in a MIDI file
        (``F0 …`` and ``FF type data``, without the length). The end of the track is one of them.
    """

    notes: Notes
    ticks: NDArray[np.int64]
    tempo_map: TempoMap
    messages: tuple[tuple[tuple[int, bytes], ...], ...] = ()

    def __post_init__(self) -> None:
        ticks = np.asarray(self.ticks, dtype=np.int64).reshape(-1, 2)
        if len(ticks) != len(self.notes):
            raise DataError(f"{len(self.notes)} notes with {len(ticks)} places in musical time")
        object.__setattr__(self, "ticks", _frozen(ticks))

    @classmethod
    def from_rows(
        cls, rows: ArrayLike, tempo_map: TempoMap, messages: tuple[tuple[tuple[int, bytes], ...], ...] = ()
    ) -> Self:
        """Make a score of notes that are given in ticks, in any order.

        Parameters
        ----------
        rows : array_like, shape (N, 7), whole numbers
            Onset and offset (ticks), pitch, velocity, track, channel, program.
        tempo_map : TempoMap
        messages : tuple of tuples of (int, bytes)
        """
        table = np.asarray(rows, dtype=np.int64).reshape(-1, 7)
        table = table[np.lexsort((table[:, 5], table[:, 4], table[:, 2], table[:, 0]))]
        times = tempo_map.seconds(table[:, :2])
        names = ("pitch", "velocity", "track", "channel", "program")
        notes = Notes({"onset": times[:, 0], "offset": times[:, 1], **dict(zip(names, table[:, 2:].T, strict=True))})
        return cls(notes, table[:, :2], tempo_map, messages)

    @property
    def ticks_per_beat(self) -> int:
        """Ticks in a quarter note."""
        return self.tempo_map.ticks_per_beat

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Return the times (s) of ticks."""
        return self.tempo_map.seconds(ticks)

    def ticks_at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the ticks, not rounded, at times (s)."""
        return self.tempo_map.ticks_at(seconds)

    def beats(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the quarter notes from the beginning at times (s)."""
        return self.tempo_map.ticks_at(seconds) / self.ticks_per_beat

    @property
    def time_signatures(self) -> list[tuple[int, int, int]]:
        """Tick, numerator and denominator of each time signature, in order of time."""
        found = [
            (tick, data[2], 1 << data[3])
            for track in self.messages
            for tick, data in track
            if data[:2] == b"\xff\x58" and len(data) >= 4 and data[2] and data[3] < 16
        ]
        return sorted(found, key=lambda signature: signature[0])

    def moved(self, ticks: ArrayLike, tempo_map: TempoMap | None = None) -> Self:
        """Return a copy with other places of the notes (len(notes) × 2), and perhaps another tempo map.

        The columns `onset` and `offset` follow.
        """
        places = np.asarray(ticks, dtype=np.int64).reshape(-1, 2)
        tempo_map = tempo_map or self.tempo_map
        times = tempo_map.seconds(places)
        notes = self.notes.replace(onset=times[:, 0], offset=times[:, 1])
        return replace(self, notes=notes, ticks=places, tempo_map=tempo_map)

    def retimed(self, mapping: Callable[[NDArray[np.float64]], ArrayLike]) -> Self:
        """Move all events to other times and leave their places in musical time: only the tempo map changes.

        Parameters
        ----------
        mapping : callable
            From times (s), ascending, shape (N,), to times that nowhere decrease. Times below 0 become 0.

        Returns
        -------
        Score
            Each event lies within 1 ms of its time. Ticks move by whole bars if time passes before an event at tick 0,
            and where a gap is longer than a tempo of MIDI can hold; see `mirtool.tempo_map.fitted`.

        Raises
        ------
        DataError
            The mapping turns back or is not finite.
        """
        others = [tick for track in self.messages for tick, _ in track if tick]  # set-up at tick 0 stays there
        old = np.unique(np.concatenate((self.ticks.ravel(), np.array(others, dtype=np.int64))))
        if not len(old):
            return self
        times = np.asarray(mapping(self.seconds(old)), dtype=np.float64)
        if times.shape != old.shape or not np.isfinite(times).all():
            raise DataError("the new times of a score are not finite")
        if len(turns := np.flatnonzero(np.diff(times) < -1e-9)):
            raise DataError(f"the new times of a score turn back at {float(self.seconds(old[turns[0]])):.3f} s")
        times = np.maximum(np.maximum.accumulate(times), 0.0)
        signatures = self.time_signatures
        beats = 4 * signatures[0][1] / signatures[0][2] if signatures else 4
        tempo_map, new = fitted(old, times, self.ticks_per_beat, max(round(beats * self.ticks_per_beat), 1))

        def place(tick: int) -> int:
            return int(new[np.searchsorted(old, tick)]) if tick else 0

        messages = tuple(tuple((place(tick), data) for tick, data in track) for track in self.messages)
        return replace(self.moved(new[np.searchsorted(old, self.ticks)], tempo_map), messages=messages)

    def sustained(self) -> Self:
        """Return a copy whose notes sound as long as the sustain pedal (controller 64) holds them.

        A note that ends while the pedal of its channel is down ends when the pedal is lifted, or when its pitch is
        struck again, or with the last event of all.
        """
        pedal: dict[int, list[tuple[int, bool]]] = {}
        for track in self.messages:
            for tick, data in track:
                if data[0] & 0xF0 == 0xB0 and data[1] == 64:
                    pedal.setdefault(data[0] & 0x0F, []).append((tick, data[2] >= 64))
        ticks = self.ticks.copy()
        channels = self.notes["channel"] if "channel" in self.notes else np.zeros(len(ticks))
        end = max([int(ticks.max(initial=0)), *(tick for track in self.messages for tick, _ in track)])
        for channel, changes in pedal.items():
            changes.sort(key=lambda change: change[0])
            times = np.array([tick for tick, _ in changes])
            down = np.array([value for _, value in changes])
            # When the pedal is up after each change: there, or at the first change after it that lifts it.
            lifted = np.where(down, end, times)
            lifted = np.minimum.accumulate(lifted[::-1])[::-1]
            mine = np.flatnonzero(channels == channel)
            state = np.searchsorted(times, ticks[mine, 1], side="right") - 1
            held = (state >= 0) & down[state]
            ticks[mine[held], 1] = np.maximum(lifted[state[held]], ticks[mine[held], 1])
            self._cut_at_next_strike(ticks, mine)
        return self.moved(ticks)

    def _cut_at_next_strike(self, ticks: NDArray[np.int64], chosen: NDArray[np.int64]) -> None:
        """End notes (in place) where their pitch is struck again, unless they overlapped before."""
        for pitch in np.unique(self.notes["pitch"][chosen]):
            same = chosen[self.notes["pitch"][chosen] == pitch]
            same = same[np.argsort(ticks[same, 0], kind="stable")]
            strike = np.append(ticks[same[1:], 0], np.iinfo(np.int64).max)
            ticks[same, 1] = np.maximum(np.minimum(ticks[same, 1], strike), self.ticks[same, 1])


class WarpingPath(Table):
    """Which moments of K versions belong together: `time_a`, `time_b` (or `time_1` … `time_K`), in seconds.

    Strictly increasing in every version; `confidence` (0 to 1) may follow.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.versions) < 2:
            raise DataError("a path needs columns time_a,time_b or time_1,time_2,…")

    @property
    def versions(self) -> tuple[str, ...]:
        """Names of the time columns, in their order."""
        return tuple(name for name in self.columns if name.startswith("time_"))

    @property
    def times(self) -> NDArray[np.float64]:
        """The path P as a matrix L × K (s)."""
        return np.stack([self.columns[name] for name in self.versions], axis=1)

    @classmethod
    def from_times(cls, times: ArrayLike, confidence: ArrayLike | None = None) -> Self:
        """Make a path from a matrix L × K (s) and, perhaps, a confidence (L,)."""
        matrix = np.asarray(times, dtype=np.float64)
        names = ("a", "b") if matrix.shape[1] == 2 else [str(k + 1) for k in range(matrix.shape[1])]
        columns: dict[str, NDArray[Any]] = {f"time_{name}": matrix[:, k] for k, name in enumerate(names)}
        if confidence is not None:
            columns["confidence"] = np.asarray(confidence, dtype=np.float64)
        return cls(columns)
