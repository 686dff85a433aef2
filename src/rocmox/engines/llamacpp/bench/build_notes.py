"""Which llama.cpp lies in a folder: what its programs say, and the `build.json` that role llama_cpp writes there."""

from __future__ import annotations

import json
import re
from typing import Any

from rocmox.bench.surroundings import EngineBuild
from rocmox.errors import CannotLookError, CommandError
from rocmox.machine import Machine

TITLE = "llama.cpp"
_VERSION = re.compile(r"version: (?:\S+ )?\(?(?:build )?(\d+)\D+?([0-9a-f]{7,40})")


def read_build(machine: Machine, programs: str) -> EngineBuild:
    """What is known of the programs in a folder."""
    build, commit = _read_version(machine, programs)
    return named_build(build, commit, programs=programs, options=_read_options(machine, programs))


def named_build(build: int | None, commit: str | None, *, programs: str, options: tuple[str, ...] = ()) -> EngineBuild:
    """A build by its number, as llama.cpp's tags write it."""
    version = None if build is None else f"b{build}"
    return EngineBuild(name=TITLE, version=version, commit=commit, programs=programs, options=options)


def parse_llama_version(text: str) -> tuple[int | None, str | None]:
    """Build and commit from `version: 6170 (4227c9be)` and from `version: 0.5.0-dev (build 11434, commit 0c1e570)`."""
    found = _VERSION.search(text)
    return (int(found[1]), found[2]) if found else (None, None)


def _read_version(machine: Machine, programs: str) -> tuple[int | None, str | None]:
    try:
        done = machine.run([f"{programs}/llama-server", "--version"])
    except CommandError:
        return None, None
    return parse_llama_version(done.stdout + done.stderr)


def _read_options(machine: Machine, programs: str) -> tuple[str, ...]:
    notes = read_notes(machine, programs)
    patch = notes.get("mmvq")
    return (*map(str, notes.get("options") or ()), *([str(patch)] if patch else ()))


def read_notes(machine: Machine, programs: str) -> dict[str, Any]:
    """Empty where there is no such file, or another one of its name."""
    path = f"{programs.rstrip('/').removesuffix('/bin')}/build.json"
    try:
        notes = json.loads(machine.read_bytes(path))
    except (OSError, ValueError, CannotLookError):
        return {}
    return notes if isinstance(notes, dict) else {}
