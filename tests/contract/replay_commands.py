"""Recorded `pct` and `pvesh` runs against the lab's commands, in order, on one fresh set-up."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from tests.contract import compare, hooks, scope
from tests.contract.verdict import Verdict
from tests.contract.world import NotReplayedError, World

# Lines of a worker's log that depend on template, file system and machine.
_NOISE = re.compile(
    r"^(Creating SSH|done: SHA256|Total bytes|Creating filesystem|Filesystem (UUID|at)|Superblock|\t|extracting|"
    r"Detected|resize2fs|old_desc|Failed to update|Number of|Total |Literal|Matched|File list|sent |total size|--\d{4}|"
    r"\s*$)"
)
_RELEASE = re.compile(r"(?<=running kernel: )[^)]+")  # the machine's own
_NUMBERS = re.compile(r"\b\d+(\.\d+)?[KMGT%]?B?\b")
# Commands whose numbers belong to the machine.
_MEASURES = {"df", "status", "pvesm", "pveam", "pveversion", "fsck"}


class Replay:
    """One file's run."""

    def __init__(self, world: World, file: str, pve: str, upids: dict[str, str]) -> None:
        self._world = world
        self._file = file
        self._pve = pve
        self._upids = upids

    def run(self, record: dict[str, Any]) -> Verdict:
        """One recorded command line."""
        argv = [self._mapped(word) for word in record["argv"]]
        call = " ".join(record["argv"])
        out = scope.command_reason(self._pve, argv)
        hooks.before(self._world, record["case"])
        if argv[0] not in scope.COMMANDS:
            self._world.by_hand(argv)
            return Verdict(file=self._file, case=record["case"], call=call, out=out)
        try:
            done = self._world.run(argv, "hello\nworld\n")
        except (OSError, subprocess.SubprocessError) as error:
            raise NotReplayedError(f"the command did not end: {error}") from error
        if out is not None:
            return Verdict(file=self._file, case=record["case"], call=call, out=out)
        lines, words = self._compare(record, done)
        return Verdict(file=self._file, case=record["case"], call=call, lines=tuple(lines), words=tuple(words))

    def _mapped(self, word: str) -> str:
        for old, new in self._upids.items():
            word = word.replace(old, new)
        return word

    def _compare(self, record: dict[str, Any], done: subprocess.CompletedProcess[str]) -> tuple[list[str], list[str]]:
        lines, words = [], []
        if done.returncode != record["exit"]:
            lines.append(f"exit {record['exit']} expected, {done.returncode} found: {done.stderr.strip()[-300:]}")
        recorded_errors, found_errors = compare.normal(record["stderr"]), compare.normal(done.stderr)
        if bool(recorded_errors) != bool(found_errors):
            lines.append(f"stderr {recorded_errors[:200]!r} expected, {found_errors[-200:]!r} found")
        elif recorded_errors != found_errors:
            words.append(f"stderr {recorded_errors[:120]!r} recorded, {found_errors[:120]!r} found")
        lines += self._compare_output(record, done.stdout)
        return lines, words

    def _compare_output(self, record: dict[str, Any], found: str) -> list[str]:
        recorded = record["stdout"]
        expected_json, found_json = last_json(recorded), last_json(found)
        if expected_json is not None:
            if found_json is None:
                return [f"JSON expected, {found[-200:]!r} found"]
            if isinstance(expected_json, str) and isinstance(found_json, str) and expected_json.startswith("UPID:"):
                self._upids[expected_json] = found_json
            return compare.differences(expected_json, found_json)
        argv = record["argv"]
        measured = argv[0] in _MEASURES or argv[1:2] in [[name] for name in _MEASURES]
        if argv[:2] == ["pct", "exec"]:
            return [] if bool(recorded) == bool(found) else [f"output {recorded!r} expected, {found!r} found"]
        if measured:
            expected, present = words_of(recorded), words_of(found)
            return [] if expected == present else [f"words {expected} expected, {present} found"]
        expected, present = significant(recorded), significant(found)
        return [] if expected == present else [f"output {expected} expected, {present} found"]


def last_json(text: str) -> Any:
    """The JSON value at the end of an output; None when there is none."""
    for start in (text.strip(), text.strip().rpartition("\n")[2]):
        try:
            value = json.loads(start)
        except ValueError:
            continue
        if not isinstance(value, int | float):
            return value
    return None


def significant(text: str) -> list[str]:
    """Lines that the set-up decides, sorted."""
    return sorted(compare.normal(line) for line in text.splitlines() if not _NOISE.match(line))


def words_of(text: str) -> set[str]:
    """Words without numbers: what a table is about."""
    return {
        word
        for word in _NUMBERS.sub("", _RELEASE.sub("", text)).replace("…", "").split()
        if any(letter.isalpha() for letter in word)
    }
