"""Run mirtool, as `mirtool` or `python -m mirtool`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as in `mirtool … &` of a script
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while imports run; `signals.install` takes it back

from mirtool.cli.main import main

if __name__ == "__main__":
    main()
