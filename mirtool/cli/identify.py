"""Recognise recordings.

An index (--index FILE) holds landmarks of tracks: pairs of peaks of their spectrograms. A few seconds of a track are
recognised from it in spite of noise, codecs and equalisation, and at another speed. Other recordings of a piece are not
(`mirtool versions`), and of what is not in the index nothing is told.

The index is one file, which is never invalid: what was interrupted is done by the same call again, several may read it
while one writes it, and a damaged file is refused.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import collected, many
from mirtool.cli.job import Job, readable
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.retrieval.parameters import FingerprintParameters, MonitorParameters, RecognitionParameters

if TYPE_CHECKING:
    from mirtool.retrieval.recognition.library import Library
    from mirtool.retrieval.recognition.monitoring import Appearance
    from mirtool.retrieval.recognition.recognition import Recognition
    from mirtool.types import Table

Index = Annotated[str | None, Option("The file of the index.", metavar="FILE", files=True)]


@command(collected("X", "recordings, or folders of recordings", "audio"), writes="table")
def add(job: Job, parameters: FingerprintParameters, index: Index = None) -> None:
    """Add recordings to an index.

    Columns: file,duration,change

    The index is made if there is none. Folders are searched; --jobs works on several files at once. A file that has not
    changed since it was added, by size and time of change, is left alone; another takes the place of what was known by
    its name: change says `added`, `updated` or `unchanged`. What cannot be read is named, and the rest goes on. The
    parameters are those of the first call; later ones need not repeat them.

    For example:
        mirtool identify add --index library.mirdb music/ --jobs 2
        mirtool identify add --index library.mirdb new/*.flac -o added.csv

    Paper: Wang (2003), An industrial-strength audio search algorithm.
    """
    from mirtool.cli.batch import failure_of
    from mirtool.cli.ingest import ingest

    rows, failed = ingest(job, _named(job, index), parameters)
    if rows:
        job.write(_table(("file", "duration", "change"), rows))
    if failed:
        raise failure_of(failed, len(rows) + len(failed))


@command(
    many("CLIP", "a recording of what is to be recognised, of a few seconds or more", "audio"),
    writes="table",
    plots=True,
)
def query(job: Job, recognition: RecognitionParameters, index: Index = None) -> None:
    """Tell which track a clip is from, and where in it.

    Columns: file,start,score,confidence,speed

    start is where in the track the clip begins; score how much of the clip was recognised and confidence how sure it is
    that it was not by chance, both 0 to 1; speed how much faster than the track it goes. There is no row where nothing
    is known with enough confidence, and several where clip or index hold a sound twice. --plot draws the landmarks that
    agree, and how often each place in the track was voted for.

    For example:
        mirtool identify query --index library.mirdb clip.wav
        mirtool identify query --index library.mirdb clips/ --jobs 2 -o found.csv

    Paper: Wang (2003), An industrial-strength audio search algorithm; Müller, FMP, section 7.1.
    """
    from mirtool import store
    from mirtool.retrieval.recognition.library import KIND, Library
    from mirtool.retrieval.recognition.recognition import recognise

    with store.reading(_named(job, index), KIND) as opened:
        library = Library(opened)
        source, _ = job.read_from_zero()
        found = recognise(source, library, recognition)
        rows = [(library.name(hit), hit.start, hit.score, hit.confidence, hit.speed) for hit in found.hits]
        job.write(_table(("file", "start", "score", "confidence", "speed"), rows))
        job.plot(lambda: _query_figure(found, library))


def _query_figure(found: "Recognition", library: "Library") -> Any:
    import numpy as np

    from mirtool.plots.identify import query_figure
    from mirtool.retrieval.recognition.peaks import FRAME
    from mirtool.retrieval.recognition.recognition import votes

    peaks = np.column_stack((found.peaks.times * FRAME, found.peaks.frequencies))
    if not found.hits:
        return query_figure(peaks, np.zeros(len(peaks), bool), np.zeros(0), found.duration, "Not recognised")
    told, hit = votes(found, library), found.hits[0]
    return query_figure(peaks, told.agreeing, told.places, found.duration, library.name(hit), hit.start)


@command(
    many("MIX", "a long recording, such as a mix or a broadcast", "audio"),
    writes="table",
    plots=True,
    live=True,
    delays=False,
)
def monitor(job: Job, recognition: RecognitionParameters, parameters: MonitorParameters, index: Index = None) -> None:
    """Find all tracks in a long recording.

    Columns: file,start,score,confidence,speed,query_start,query_end

    From query_start to query_end MIX plays the track from start on; query_start and query_end are the first and the
    last moment that was recognised. What is not in the index leaves a gap. --plot draws the time line.

    With --live sound comes from a pipe or a file that need not end, as WAV or --raw; a row is written when its track
    has not been heard for a window.

    For example:
        mirtool identify monitor --index library.mirdb mix.flac -o tracks.csv --plot tracks.png
        mirtool identify monitor --index library.mirdb radio.mp3 --start 600 --window 5 --step 2.5
        arecord -f S16_LE -r 22050 | mirtool identify monitor --index library.mirdb - --live

    Paper: Wang (2003), An industrial-strength audio search algorithm.
    """
    from mirtool import store
    from mirtool.retrieval.recognition.library import KIND, Library
    from mirtool.retrieval.recognition.monitoring import monitor as find

    names = ("file", "start", "score", "confidence", "speed", "query_start", "query_end")
    with store.reading(_named(job, index), KIND) as opened:
        library = Library(opened)
        source, start = job.read_from_zero()
        found = (
            [_appearance(one, start) for one in told] for told in find(source, library, recognition, parameters) if told
        )
        if job.is_live:
            with job.rows(*names) as write:
                for rows in found:
                    write(_table(names, rows))
            return
        rows = sorted((row for rows in found for row in rows), key=lambda row: (row[5], row[0]))
    table = _table(names, rows)
    job.write(table)

    def figure() -> Any:
        from mirtool.plots.identify import monitor_figure

        length = source.frames / source.sample_rate if source.frames is not None else 0.0
        return monitor_figure(table, (start, max(start + length, *table["query_end"], start)), job.inputs[0])

    job.plot(figure)


def _appearance(one: "Appearance", start: float) -> tuple[str, float, float, float, float, float, float]:
    hit = one.hit
    return one.file, hit.start, hit.score, hit.confidence, hit.speed, start + one.begin, start + one.end


@command(None, writes="table")
def list_(job: Job, index: Index = None) -> None:
    """List the tracks of an index.

    Columns: file,duration,landmarks

    For example:
        mirtool identify list --index library.mirdb
        mirtool identify list --index library.mirdb --format json -o tracks.json
    """
    from mirtool import store
    from mirtool.retrieval.recognition import library

    with store.reading(_named(job, index), library.KIND) as opened:
        rows = sorted(library.tracks_of(opened))
    job.write(_table(("file", "duration", "landmarks"), rows))


@command(collected("NAME", "a track as `list` calls it, or the folder that tracks lie in"), writes="table")
def remove(job: Job, index: Index = None) -> None:
    """Remove tracks from an index.

    Columns: file

    Nothing is removed if one of the names is not in the index. The file grows smaller later, when much was removed, or
    with `mirtool identify merge`.

    For example:
        mirtool identify remove --index library.mirdb music/old.wav
        mirtool identify remove --index library.mirdb music/demos/ -o removed.csv
    """
    from mirtool.retrieval.recognition import library

    removed = library.remove(_named(job, index), job.inputs)
    job.write(_table(("file",), [(name,) for name in removed]))


@command(collected("INDEX", "an index"), writes="table")
def merge(job: Job, index: Index = None) -> None:
    """Bring the tracks of several indexes into one.

    Columns: index,tracks,landmarks,segments,bytes

    --index is made if there is none; if there is, it keeps its tracks, too. Of tracks with one name the last counts.
    All is written anew in one piece, which is also how an index gets as small and as fast as it can be.

    For example:
        mirtool identify merge --index all.mirdb jazz.mirdb rock.mirdb
        mirtool identify merge --index library.mirdb library.mirdb
    """
    from contextlib import ExitStack

    from mirtool import store
    from mirtool.retrieval.recognition import library

    path = _named(job, index)
    with ExitStack() as stack:
        others = [stack.enter_context(store.reading(name, library.KIND)) for name in job.inputs]
        library.merge(path, others)
    job.write(_summary(path))


@command(None, writes="table")
def verify(job: Job, index: Index = None) -> None:
    """Check that an index is whole.

    Columns: index,tracks,landmarks,segments,bytes

    Reads all of the file and compares its checksums. The exit code is 65 if anything is wrong.

    For example:
        mirtool identify verify --index library.mirdb
        mirtool identify verify --index library.mirdb && cp library.mirdb backup/
    """
    from mirtool import store
    from mirtool.retrieval.recognition import library

    path = _named(job, index)
    with store.reading(path, library.KIND) as opened, job.progress(opened.size, "identify verify") as advance:
        opened.verify(advance)
    job.write(_summary(path))


def _named(job: Job, index: str | None) -> str:
    """Return the file of the index, which is no output."""
    import os

    if not index:
        raise UsageProblem("which index? --index FILE")
    for target in job.plan.targets:
        if target != "-" and os.path.realpath(target) == os.path.realpath(index):
            raise UsageProblem(f"{target}: is the index; nothing is written over it")
    return index


def _summary(path: str) -> "Table":
    from mirtool import store
    from mirtool.retrieval.recognition import library

    with store.reading(path, library.KIND) as opened:
        tracks = [*library.tracks_of(opened)]
        live = sum(segment.live > 0 for segment in opened.segments)
        row = (path, len(tracks), sum(landmarks for _, _, landmarks in tracks), live, opened.size)
    return _table(("index", "tracks", "landmarks", "segments", "bytes"), [row])


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> "Table":
    """Make a table of rows; the name of a file may be any bytes."""
    import numpy as np

    from mirtool.types import Table

    columns = {}
    for place, name in enumerate(names):
        values = [row[place] for row in rows]
        if all(isinstance(value, str) for value in values):
            columns[name] = np.array([readable(value) for value in values], dtype=object)
        else:
            columns[name] = np.array(values, dtype=np.float64)
    return Table(columns)
