"""The table of contents: sections and their commands."""
