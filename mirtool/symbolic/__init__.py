"""Search of notes: point sets on the piano roll."""
