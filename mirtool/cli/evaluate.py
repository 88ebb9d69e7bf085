"""Compare estimates with references.

REF and EST are two files, or two folders whose files belong together if they have the same path without extension; a
job table (--files-from PAIRS.tsv with the columns ref and est) names pairs freely. The result has a row an item, and
three at the end: `mean`, `low` and `high`, the mean over the items and its bootstrap interval (of a single path or
list of onsets: its scores, and their intervals over its points); counts are summed up there. A cell is empty where a
score is not known. What has no estimate counts as wrong throughout, is named, and makes the exit code 1.
"""

from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, Inputs, fixed
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.evaluation.parameters import (
    BeatMatching,
    Bootstrap,
    OnsetMatching,
    RetrievalMatching,
    SeparationMatching,
    TempoMatching,
)

if TYPE_CHECKING:
    from mirtool.cli.reference_pairs import Evaluated


def _pair(help: str, *reads: str) -> Inputs:
    reference = Argument("REF", f"reference: {help}, or a folder of such", reads)
    return fixed(reference, Argument("EST", "estimate, of the same kind", reads), together=True)


@command(_pair("a warping path", "path"), writes="table", plots=True)
def sync(job: Job, parameters: Bootstrap) -> None:
    """Tell how far a warping path leads from reference pairs of moments.

    Columns: item,points,mean_ms,median_ms,p95_ms,over_25ms,over_50ms,over_100ms,outside

    The path carries each reference time_a over to B, beyond its ends with the tempo ratio found there; the error is
    the distance from the reference time_b: its mean, median and 95th percentile (ms), and the shares of errors above
    25, 50 and 100 ms (0 to 1). Of K versions, errors are counted from the first to each other. outside: how many
    reference points lie beyond the ends of the path in A. --plot draws the errors over time, or a box an item.

    For example:
        mirtool sync a.wav b.wav | mirtool evaluate sync points.csv -
        mirtool evaluate sync references/ paths/ -o scores.csv --plot scores.png

    Paper: Müller, Fundamentals of Music Processing, section 3.3; intervals: Efron and Tibshirani (1993), ch. 13.
    """
    from mirtool.cli.reference_pairs import report_pairs
    from mirtool.evaluation import sync as task

    def figure(result: "Evaluated") -> Any:
        from mirtool.plots.evaluation import deviation_figure

        errors = {item: task.errors_over_time(*pair) for item, *pair in result.complete}
        return deviation_figure(errors, task.THRESHOLDS_MS)

    report_pairs(job, task.task(), parameters, figure)


@command(_pair("onsets, or notes", "events", "notes", "score"), writes="table", plots=True)
def onsets(job: Job, matching: OnsetMatching, parameters: Bootstrap) -> None:
    """Tell how many onsets were found, and how exactly.

    Columns: item,onsets,estimated,hits,f,precision,recall,f25,bias_ms

    An onset is hit if an estimate lies within 50 ms (--window); each counts once. f25: F at 25 ms. bias_ms: by how much
    the estimates are late, as the median over the hits. --plot draws the errors over time with what was missed, or the
    scores of several items.

    For example:
        mirtool onsets take.wav | mirtool evaluate onsets take.onsets.csv -
        mirtool evaluate onsets references/ found/ -o scores.csv --plot scores.png

    Paper: Raffel et al. (2014), mir_eval: a transparent implementation of common MIR metrics.
    """
    from mirtool.cli.reference_pairs import report_pairs
    from mirtool.evaluation import events
    from mirtool.evaluation import onsets as task

    def figure(result: "Evaluated") -> Any:
        return _detection_figure(result, matching.window, 0.0, ("f", "precision", "recall"))

    report_pairs(job, task.task(matching), parameters, figure, events.onsets_of)


@command(_pair("strokes of drums", "events", "notes", "score"), writes="table", plots=True)
def drums(job: Job, matching: OnsetMatching, parameters: Bootstrap) -> None:
    """Tell how many strokes of drums were found, drum by drum.

    Columns: item,strokes,estimated,hits,f,precision,recall,mean_f,kick,snare,hihat,tom,cymbal,rim

    A stroke is hit if an estimate of the same drum lies within 50 ms (--window); each counts once. f, precision and
    recall are those of all strokes together; then the F of each drum that the reference has, and their mean. Crash and
    ride count as one: cymbal. Labels may be ours or the usual abbreviations (KD, SD, HH …), or keys of the General MIDI
    drum set on channel 10. --plot draws the errors over time with what was missed, or the scores of several items.

    For example:
        mirtool transcribe loop.wav --drums | mirtool evaluate drums loop.drums.csv -
        mirtool evaluate drums references/ found/ -o scores.csv --plot scores.png

    Paper: Wu et al. (2018), A review of automatic drum transcription.
    """
    from mirtool.cli.reference_pairs import report_pairs
    from mirtool.evaluation import drums as task
    from mirtool.percussion import strokes_of

    def figure(result: "Evaluated") -> Any:
        return _detection_figure(result, matching.window, 0.0, ("f", "mean_f", *task.DRUMS))

    report_pairs(job, task.task(matching), parameters, figure, strokes_of)


@command(_pair("beats", "events", "score"), writes="table", plots=True)
def beats(job: Job, matching: BeatMatching, parameters: Bootstrap) -> None:
    """Tell how well beats and downbeats were tracked.

    Columns: item,beats,estimated,f,cemgil,goto,p_score,cmlc,cmlt,amlc,amlt,information_gain,bias_ms,downbeat_f

    F counts beats within 70 ms; CML and AML ask for the right period, too, at the annotated or any metrical level, over
    the longest stretch (c) or in total (t). What comes before 5 s does not count (--trim). downbeat_f compares beats
    numbered 1, where both tables have a column beat. --plot draws the errors over time, or the scores of several items.

    For example:
        mirtool beats take.wav | mirtool evaluate beats take.beats -
        mirtool evaluate beats references/ found/ --trim 0 -o scores.csv --plot scores.png

    Paper: Davies, Degara, Plumbley (2009), Evaluation methods for musical audio beat tracking algorithms.
    """
    from mirtool.cli.reference_pairs import report_pairs
    from mirtool.evaluation import beats as task

    def figure(result: "Evaluated") -> Any:
        return _detection_figure(result, matching.window, matching.trim, ("f", "cmlt", "amlt", "downbeat_f"))

    report_pairs(job, task.task(matching), parameters, figure, _beats_of)


@command(_pair("tempi (bpm), or beats", "events", "table", "score"), writes="table", plots=True)
def tempo(job: Job, matching: TempoMatching, parameters: Bootstrap) -> None:
    """Tell whether the tempo is right.

    Columns: item,reference_bpm,estimate_bpm,acc1,acc2,top2,p_score

    acc1: the first tempo is within 4 % of the reference (--tolerance); acc2: or of its half, third, double or triple;
    top2: one of the first two is. The tempo of beats is that of their median interval, of a tempo curve its median.
    p_score is MIREX's (within 8 %), where the reference names two tempi. --plot draws the ratios of the tempi.

    For example:
        mirtool tempo take.wav | mirtool evaluate tempo take.beats.csv -
        mirtool evaluate tempo references/ found/ -o scores.csv

    Paper: Gouyon et al. (2006), An experimental comparison of audio tempo induction algorithms.
    """
    from mirtool.cli.reference_pairs import report_pairs
    from mirtool.evaluation import tempo as task

    def figure(result: "Evaluated") -> Any:
        from mirtool.plots.detection import ratios_figure

        return ratios_figure(result.scores)

    report_pairs(job, task.task(matching), parameters, figure, _beats_of)


@command(_pair("a separated source", "audio"), writes="table", plots=True)
def separation(
    job: Job,
    matching: SeparationMatching,
    parameters: Bootstrap,
    mixture: Annotated[
        str | None,
        Option(
            "The mixture, or a folder of mixtures called as the folders of their sources.", metavar="FILE", files=True
        ),
    ] = None,
) -> None:
    """Tell how near separated sources come to the true ones.

    Columns: item,sdr,si_sdr,si_sdr_gain,isr,sir,sar

    In dB; files that lie in one folder are the sources of one mixture. sdr: the reference over all error; si_sdr: the
    same for the estimate at its best level; si_sdr_gain: by how much that is more than of the mixture (--mixture, or
    the sum of all references). isr, sir and sar are those of BSS-eval for images, over the whole recording: the error
    that a filter of 512 samples explains, what leaks in from the other sources, and the rest. All channels count
    together. Values lie between -100 and 100; nothing is known of a reference that is silent.

    For example:
        mirtool separate take.wav -o parts/ && mirtool evaluate separation true/ parts/
        mirtool evaluate separation true/vocals.wav parts/vocals.wav --mixture take.wav --filter-length 0

    Paper: Le Roux et al. (2019), SDR – half-baked or well done?; Stöter, Liutkus, Ito (2018), The 2018 signal
    separation evaluation campaign.
    """
    from mirtool.cli.mixtures import report_mixtures

    report_mixtures(job, matching, parameters, mixture)


@command(
    fixed(
        Argument("REF", "what is relevant: a table query,file or file,group", ("table",)),
        Argument("EST", "answers: a table query,file,score, or a matrix of all pairs", ("table", "features")),
    ),
    writes="table",
    plots=True,
)
def retrieval(
    job: Job,
    matching: RetrievalMatching,
    parameters: Bootstrap,
    filter: Annotated[
        str | None, Option("Leave out what has the same value as the query in this column of REF.", metavar="COLUMN")
    ] = None,
    all: Annotated[bool, Option("Count every file of REF that has relevant ones as a query, asked or not.")] = False,
) -> None:
    """Tell how early a search finds what is relevant.

    Columns: item,queries,relevant,retrieved,ap,rr,top1,top5,top10,p1,p5,p10,rank

    An item is a query. REF names all pairs that belong together (query,file), or groups of files that should find each
    other (file,group; without a group: what no query should find). EST is what searches write: the rows of a query in
    the order of their score; of a file with several rows the best counts, the query itself never. Of groups, only files
    that are a query in EST count, unless --all.

    ap: average precision, whose mean is MAP; rr: 1 / rank of the first relevant file, whose mean is MRR; top5: whether
    one is among the first 5; p5: the share of relevant ones among the first 5; rank: of the first relevant one, empty
    where none was found. --filter artist leaves out files of the query's artist. --plot draws precision and recall of
    one query, or the scores of several.

    For example:
        mirtool versions --queries list.txt covers/ | mirtool evaluate retrieval groups.csv -
        mirtool evaluate retrieval groups.csv similar.npy --filter artist --plot scores.png

    Paper: Manning, Raghavan, Schütze (2008), Introduction to Information Retrieval, section 8.4; Downie et al. (2008),
    Audio cover song identification: MIREX 2006-2007 results and analyses.
    """
    from mirtool.cli.rankings import report_rankings

    report_rankings(job, matching, parameters, filter, all)


def _beats_of(container: Any) -> Any:
    """Return the beats of a score; tables stay."""
    from mirtool.io.beat_map import beats_of_score
    from mirtool.types import Score

    return beats_of_score(container) if isinstance(container, Score) else container


def _detection_figure(result: "Evaluated", window: float, trim: float, metrics: tuple[str, ...]) -> Any:
    """Draw the events of one item, or the scores of several."""
    from mirtool.evaluation.events import times_of
    from mirtool.evaluation.onsets import matched
    from mirtool.plots.detection import hits_figure, scores_figure

    if len(result.scores) > 1:
        return scores_figure(result.scores, metrics)
    _, reference, estimate = result.complete[0]
    truth, found = times_of(reference, "a reference", trim), times_of(estimate, "an estimate", trim)
    return hits_figure(truth, found, matched(truth, found, window), window)
