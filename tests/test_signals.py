import signal
import subprocess
import sys

import pytest

SCRIPT = """
import signal, sys, time
from mirtool.cli import signals

class Callback:
    def __del__(self):  # what is raised here goes no further, as in a callback of a library
        signal.raise_signal(int(sys.argv[1]))

signals.install()
callback = Callback()
try:
    del callback
    time.sleep(10)
finally:
    print("clean")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_callback_is_not_lost(number):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(int(number))],
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert done.stdout == "clean\n"
    assert "ignored" not in done.stderr
    assert done.returncode == (128 + number if number == signal.SIGTERM else -number)
