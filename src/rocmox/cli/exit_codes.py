"""The one table of exit codes."""

from __future__ import annotations

PASS = 0
WARNING = 1
FAIL = 2
UNKNOWN = 3
USAGE = 64
INTERNAL = 70
