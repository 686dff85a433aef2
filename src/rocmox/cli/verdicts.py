"""Verdict → exit code, for every command that ends in a verdict."""

from __future__ import annotations

from rocmox.cli.exit_codes import FAIL, PASS, UNKNOWN, WARNING
from rocmox.health.result import Verdict

EXIT_CODES = {
    Verdict.PASS: PASS,
    Verdict.NOT_APPLICABLE: PASS,
    Verdict.WARN: WARNING,
    Verdict.FAIL: FAIL,
    Verdict.CRIT: FAIL,
    Verdict.UNKNOWN: UNKNOWN,
}
