"""Runs the zipapp that comes on standard input in base64, with the words of the command line; leaves nothing behind."""

import base64
import runpy
import sys
import tempfile

with tempfile.NamedTemporaryFile(suffix=".pyz") as zipapp:
    zipapp.write(base64.b64decode(sys.stdin.read()))
    zipapp.flush()
    sys.argv[0] = "rocmox"
    runpy.run_path(zipapp.name, run_name="__main__")
