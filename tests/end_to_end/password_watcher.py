"""Looks for the text of /root/marker on every command line of the guest, and writes those that carry it to /root/seen.

The server that asks for it is left out.
"""

import base64
import time
from pathlib import Path

MARKER = Path("/root/marker").read_bytes().strip()
ENCODED = base64.b64encode(b"user:" + MARKER + b"@x")
while True:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if (MARKER in words or ENCODED in words) and b"server.py" not in words:
            with Path("/root/seen").open("ab") as seen:
                seen.write(words + b"\n")
    time.sleep(0.05)
