"""The command line: one file per command, read as a table of contents."""
