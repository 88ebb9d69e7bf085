"""Compute features: matrices over time, of sound or of notes.

A matrix is written as NPY: a row a feature, a column a frame; frame n is centred at start + n / feature_rate seconds. A
small array behind it tells what the rows are, the rate and the parameters (see README). MIDI, scores and tables of
notes give the same features as sound does, without its partials, noise and doubts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.features.parameters import (
    NOVELTY_STAGES,
    CensParameters,
    ChromaParameters,
    DlncoParameters,
    NoveltyParameters,
    SalienceParameters,
    SpectrogramParameters,
    SyncFeatureParameters,
)
from mirtool.rhythm.parameters import PulseParameters, TempogramParameters

if TYPE_CHECKING:
    from mirtool.types import Features

_Parameters = TypeVar("_Parameters")
_INPUT = many("X", "audio, MIDI, MusicXML or notes", "audio", "score", "notes")
_NOVELTY = many("X", "audio, a novelty curve, MIDI, MusicXML or notes", "audio", "features", "score", "notes")


def _compute(job: Job, compute: "Callable[[Any, _Parameters], Features]", parameters: _Parameters) -> None:
    """Compute, write and draw features; those of an excerpt get the times of the whole."""
    from dataclasses import replace

    source, start = job.read_from_zero()
    features = compute(source, parameters)
    features = replace(features, start=features.start + start)
    job.write(features)
    job.plot(features)


@command(_INPUT, writes="features", plots=True)
def spectrogram(job: Job, parameters: SpectrogramParameters) -> None:
    """Compute the spectrogram over frequency, or over pitch.

    Magnitudes; a sine at full scale has 1. Over pitch (--scale pitch) the energies of the bins around each key are
    added up, which notes have, too.

    For example:
        mirtool features spectrogram take.wav -o take.npy --plot take.png
        mirtool features spectrogram take.wav --scale pitch --compression 1e5 | mirtool plot - -o take.png

    Paper: Müller, Fundamentals of Music Processing, sections 2.5 and 3.1.1.
    """
    from mirtool.features.spectrogram import spectrogram as compute

    _compute(job, compute, parameters)


@command(_INPUT, writes="features", plots=True)
def chroma(job: Job, parameters: ChromaParameters) -> None:
    """Compute chroma: the energy of the twelve pitch classes.

    Energies over pitch are compressed, added up over octaves and normalised; a frame below the threshold becomes the
    flat vector.

    For example:
        mirtool features chroma take.wav -o take.npy --plot take.png
        mirtool features chroma score.mid --feature-rate 10 | mirtool plot - -o score.png

    Paper: Müller, Fundamentals of Music Processing, section 3.1.
    """
    from mirtool.features.chroma import chroma as compute

    _compute(job, compute, parameters)


@command(_INPUT, writes="features", plots=True)
def cens(job: Job, parameters: CensParameters) -> None:
    """Compute CENS: chroma made robust against dynamics, articulation and tempo.

    The shares of the pitch classes are quantised to 0 … 4, smoothed and thinned out; the rate of the output is the
    feature rate divided by the downsampling, 1 Hz by default.

    For example:
        mirtool features cens take.wav -o take.npy --plot take.png
        mirtool features cens corpus/ -o cens/ --jobs 2

    Paper: Müller, Kurth, Clausen (2005), Audio matching via chroma-based statistical features.
    """
    from mirtool.features.cens import cens as compute

    _compute(job, compute, parameters)


@command(_INPUT, writes="features", plots=True)
def dlnco(job: Job, parameters: DlncoParameters) -> None:
    """Compute DLNCO: where notes of each pitch class begin.

    Onsets of the pitches are added up over octaves, divided by the largest norm nearby, and decay over a few frames.
    With chroma they make alignments exact.

    For example:
        mirtool features dlnco take.wav -o take.npy --plot take.png
        mirtool features dlnco score.mid | mirtool plot - -o score.png

    Paper: Ewert, Müller, Grosche (2009), High resolution audio synchronization using chroma onset features.
    """
    from mirtool.features.dlnco import dlnco as compute

    _compute(job, compute, parameters)


@command(
    many("X", "audio, a stage of novelty, MIDI, MusicXML or notes", "audio", "features", "score", "notes"),
    writes="features",
    plots=True,
)
def novelty(
    job: Job,
    parameters: NoveltyParameters,
    stage: Annotated[
        str, Option("Write this stage; a later one goes on from its file.", choices=NOVELTY_STAGES)
    ] = "novelty",
) -> None:
    """Compute a novelty curve: how much begins at each moment.

    The rise of energy or of the spectrum, breaks of the phase, or both; a local average is subtracted, and the curve is
    divided by what is usual nearby. superflux and complexflux measure the rise against the level of the sound, let
    vibrato pass, and lay it to where in each frame the new sound is. Of notes, the velocities that begin in a frame.

    With --method spectral --stage gives the steps of the book: the spectrogram, its compression, the difference from
    frame to frame (what rises), its accumulation over frequency, and the novelty.

    For example:
        mirtool features novelty take.wav -o take.npy --plot take.png
        mirtool features novelty take.wav --method spectral --stage difference | mirtool plot - -o take.png

    Paper: Böck, Widmer (2013), Maximum filter vibrato suppression for onset detection; Müller, Fundamentals of Music
    Processing, section 6.1.
    """
    from mirtool.features.stages import novelty_stage

    _compute(job, lambda source, parameters: novelty_stage(source, parameters, stage), parameters)


@command(_NOVELTY, writes="features", plots=True)
def tempogram(job: Job, parameters: TempogramParameters) -> None:
    """Compute a tempogram: how strongly each tempo is there at each moment.

    Sections of the novelty are compared with sinusoids (fourier), which shows a tempo and its multiples, or with
    themselves moved in time (autocorrelation), which shows a tempo and its fractions; cyclic ones add up tempi that are
    octaves apart, over as many whole octaves as there are from the lowest tempo. Other novelties come through a pipe.

    For example:
        mirtool features tempogram take.wav -o take.npy --plot take.png
        mirtool features novelty take.wav --method complex | mirtool features tempogram - --method cyclic -o take.npy

    Paper: Grosche, Müller, Kurth (2010), Cyclic tempogram: a mid-level tempo representation for music signals.
    """
    from mirtool.rhythm.tempogram import tempogram as compute

    _compute(job, compute, parameters)


@command(_NOVELTY, writes="features", plots=True)
def plp(job: Job, parameters: PulseParameters) -> None:
    """Compute the predominant local pulse: where one would tap.

    The sinusoids that fit the novelty best are added up over time; the maxima of the curve are the beats of the tempo
    that prevails around them, and their height tells how steady it is (0 to 1).

    For example:
        mirtool features plp take.wav -o take.npy --plot take.png
        mirtool features novelty take.wav | mirtool features plp - --tempo-low 60 --tempo-high 180 -o take.npy

    Paper: Grosche, Müller (2011), Extracting predominant local pulse information from music recordings.
    """
    from mirtool.rhythm.plp import plp as compute

    _compute(job, compute, parameters)


@command(_INPUT, writes="features", plots=True)
def sync(job: Job, parameters: SyncFeatureParameters) -> None:
    """Compute what `sync` compares.

    Energies and onsets over pitch, 170 rows. A file of them spares `sync` most of its work.

    For example:
        mirtool features sync take.wav -o take.npy
        mirtool features sync a.flac | mirtool sync - b.npy > path.csv

    Paper: Ewert, Müller, Grosche (2009), High resolution audio synchronization using chroma onset features.
    """
    from mirtool.features.sync import sync_features

    _compute(job, sync_features, parameters)


@command(many("X", "audio", "audio"), writes="features", plots=True)
def salience(job: Job, parameters: SalienceParameters) -> None:
    """Compute salience: how much of the sound could be the harmonics of each pitch.

    For the voice that leads: registers are brought to one level, tones that stand still are turned down, and a pitch
    gets what is at its harmonics, less what is between them.

    For example:
        mirtool features salience song.wav -o song.npy --plot song.png
        mirtool features salience song.wav --f0-range 150,800 | mirtool plot - -o song.png

    Paper: Salamon, Gómez (2012), Melody extraction from polyphonic music signals using pitch contour characteristics.
    """
    from mirtool.features.salience import salience as compute

    _compute(job, compute, parameters)
