"""Progress on a terminal, and nowhere else."""

import io
import sys

import pytest

from mirtool.cli import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def open_terminal(monkeypatch):
    """Make stderr a terminal; within the test, because pytest sets stderr between fixture and test."""

    def open_terminal():
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        monkeypatch.setenv("TERM", "xterm")
        return terminal

    return open_terminal


def test_long_work_shows_a_bar(open_terminal, monkeypatch):
    terminal = open_terminal()
    monkeypatch.setattr(progress, "PATIENCE", -1)
    with progress.bar("take.wav", 4, quiet=False) as advance:
        for _ in range(4):
            advance(1)
    assert "take.wav" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_short_work_and_quiet_show_nothing(open_terminal, monkeypatch):
    terminal = open_terminal()
    with progress.bar("take.wav", 4, quiet=False) as advance:
        advance(1)
    monkeypatch.setattr(progress, "PATIENCE", -1)
    with progress.bar("take.wav", 4, quiet=True) as advance:
        advance(1)
    assert terminal.getvalue() == ""


def test_no_terminal_no_bar(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", -1)
    with progress.bar("take.wav", 4, quiet=False) as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")
