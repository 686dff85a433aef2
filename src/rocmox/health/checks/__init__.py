"""One check per file: `LEVEL` and `run(context)`; the file's name is the check's name. Nothing here prints."""
