"""Run mirtool as `python -m mirtool`."""

from mirtool.cli.main import main

if __name__ == "__main__":
    main()
