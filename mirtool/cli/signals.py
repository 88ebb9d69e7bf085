"""How the program ends from outside: a closed pipe, Ctrl-C, SIGTERM."""

import os
import signal
import sys
import threading
import time
from typing import NoReturn

PATIENCE = 2.0  # seconds to clean up in
_LATER = 0.02  # seconds after which the callback has returned


def install() -> None:
    """Set up this process.

    SIGPIPE takes its default action, so that `mirtool … | head` ends without a word. SIGINT and SIGTERM become
    exceptions, so that temporary files are removed. Python raises them when the main thread comes back to it, which a
    compiled loop may not do for long; so a thread ends the process if it is still there after `PATIENCE`.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(read,), daemon=True).start()
    sys.unraisablehook = raise_again


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def raise_again(lost: "sys.UnraisableHookArgs") -> None:
    """Send a signal again whose exception a callback of a library cannot pass on, as when a decoder reads."""
    number = signal.SIGINT if isinstance(lost.exc_value, KeyboardInterrupt) else signal.SIGTERM
    if isinstance(lost.exc_value, KeyboardInterrupt | SystemExit):
        threading.Timer(_LATER, os.kill, (os.getpid(), number)).start()
    else:
        sys.__unraisablehook__(lost)


def _watch(read: int) -> None:
    number = os.read(read, 1)[0]  # the number of the signal, written when it arrives
    time.sleep(PATIENCE)
    if sys.stderr is not None and number == signal.SIGINT:
        os.write(2, b"mirtool: interrupted\n")
    os._exit(128 + number)
