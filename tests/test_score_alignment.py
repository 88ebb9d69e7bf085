import numpy as np
import pytest
from performances import compiled
from trios import RATE, SCORES, notes, scores, stems

from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.alignment import agreement, aligned, fit
from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.decomposition.scores.drums import with_drums
from mirtool.errors import DataError, ParameterError
from mirtool.percussion import CHANNEL
from mirtool.types import Audio, Features, Notes


def sound(*players):
    return Audio(sum(stems(*players).values()), RATE)


def warped(parts, mapping):
    changed = [{name: mapping(part.notes[name]) for name in ("onset", "offset")} for part in parts]
    return [ScorePart(part.name, part.notes.replace(**times)) for part, times in zip(parts, changed, strict=True)]


def test_agreement_is_the_strength_at_notes_over_that_elsewhere():
    data = np.ones((170, 100), np.float32)
    data[85 + 60 - 24, 50] = 10
    two = notes([(0.52, 0.2, 60), (0.8, 0.2, 62)])
    found = agreement(Features(data, 100.0, "sync"), two, two["onset"])
    assert found == pytest.approx(5.5 / 1.045)
    assert agreement(Features(data, 100.0, "sync"), two, two["onset"] + 100) == 0


@compiled
def test_scores_in_another_tempo_are_moved_all_together():
    given = scores("organ", "piano")
    slower = warped(given, lambda times: 0.3 + 1.15 * times + 0.1 * np.sin(times))
    for part, true in zip(aligned(sound("organ", "piano"), slower, ScoreParameters()), given, strict=True):
        assert np.median(np.abs(part.notes["onset"] - true.notes["onset"])) < 0.02
        assert (part.notes["offset"] > part.notes["onset"]).all()


@compiled
def test_aligned_scores_stay_as_they_are():
    given = scores("organ", "piano", late=0.01)
    assert all(
        new is old for new, old in zip(aligned(sound("organ", "piano"), given, ScoreParameters()), given, strict=True)
    )
    moved = aligned(sound("organ", "piano"), given, ScoreParameters(align="always"))
    assert all(new is not old for new, old in zip(moved, given, strict=True))


@compiled
def test_of_a_whole_score_only_the_beginning_may_be_recorded():
    whole, given = sound("organ", "piano"), scores("organ", "piano")
    beginning = Audio(whole.samples[: 2 * RATE], RATE)
    assert aligned(beginning, given, ScoreParameters())[0] is given[0]
    score = SCORES["piano"]
    heard = Notes({name: values[score["onset"] < 2] for name, values in score.columns.items()})
    assert fit(beginning, score).agreement_before == fit(beginning, heard).agreement_before > 1
    later = score.replace(onset=score["onset"] + 10, offset=score["offset"] + 10)
    assert fit(beginning, later).agreement_before == 0


@compiled
def test_of_long_sound_the_beginning_decides(monkeypatch):
    monkeypatch.setattr("mirtool.decomposition.scores.alignment._HEARD", 3.0)
    given = scores("organ", "piano")
    assert aligned(sound("organ", "piano"), given, ScoreParameters())[0] is given[0]
    late = warped(given, lambda times: times + 0.4)
    found = aligned(sound("organ", "piano"), late, ScoreParameters())
    assert np.median(np.abs(found[0].notes["onset"] - given[0].notes["onset"])) < 0.02


def test_nothing_is_moved_where_it_is_not_asked_for_or_cannot_be():
    late = warped(scores("organ"), lambda times: 2 * times)
    assert aligned(sound("organ"), late, ScoreParameters(align="never"))[0] is late[0]
    drums = scores("drums")
    assert aligned(sound("drums"), drums, ScoreParameters(align="always"))[0] is drums[0]
    with pytest.raises(ParameterError, match="auto, always, never"):
        aligned(sound("organ"), late, ScoreParameters(align="perhaps"))


@compiled
@pytest.mark.parametrize("length", [1, 3000])
def test_short_sound(length):
    parts = scores("organ", "piano")
    silent = Audio(np.zeros(length, np.float32), RATE)
    assert len(aligned(silent, parts, ScoreParameters())) == 2
    assert len(with_drums(silent, parts)) == 2


def test_what_must_be_aligned_and_cannot_be_is_refused():
    with pytest.raises(DataError, match="no notes and no sound"):
        aligned(Audio(np.full(1, 0.1, np.float32), RATE), scores("organ"), ScoreParameters(align="always"))


def test_drums_are_heard():
    parts = scores("organ", "piano", "drums")
    parts[2] = ScorePart("drums", parts[2].notes.without("channel"))
    found = with_drums(sound("organ", "piano", "drums"), parts)
    assert [part is old for part, old in zip(found, parts, strict=True)] == [True, True, False]
    assert (found[2].notes["channel"] == CHANNEL).all()
    few = [ScorePart("drums", notes([(0.3, 0.1, 36), (0.8, 0.1, 38)]))]
    assert with_drums(sound("drums"), few)[0] is few[0]


def test_several_parts_are_not_all_drums(monkeypatch):
    monkeypatch.setattr("mirtool.decomposition.scores.drums._PITCHED", 1.1)  # whatever it sounds like
    heard, parts = sound("organ", "piano"), scores("organ", "piano")
    assert with_drums(heard, parts[:1])[0] is not parts[0]
    assert all(new is old for new, old in zip(with_drums(heard, parts), parts, strict=True))
