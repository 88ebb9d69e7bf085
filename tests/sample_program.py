"""The commands of sample_commands.py as a program of their own."""

import sample_commands

from mirtool.cli import main
from mirtool.cli.command import Entry, entry_of

commands = entry_of(sample_commands).commands
main.load = lambda name: Entry(name, "", {name: commands[name]})
if __name__ == "__main__":
    main.run.__defaults__ = (main.load,)
    main.main()
