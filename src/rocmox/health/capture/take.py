"""Runs the checks on a machine that remembers what they read, and keeps that, masked."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.kernel_log.boot_log import read_previous_boot, read_this_boot
from rocmox.gpu.details import read_details
from rocmox.gpu.inventory import read_inventory
from rocmox.health.capture.mask import Mask
from rocmox.health.capture.names import host_names, user_names
from rocmox.health.context import Context
from rocmox.health.kernel_log.prefilter import LITERALS
from rocmox.health.result import Result
from rocmox.health.run import run_checks
from rocmox.machine.base import Machine
from rocmox.machine.capture_index import CaptureIndex, RecordedCommand
from rocmox.machine.recording import RecordingMachine

_LOG_FILE = re.compile(r"^(?:/dev/kmsg$|/sys/fs/pstore/|/var/lib/systemd/pstore/)")
# Of a guest's configuration the devices matter; notes, networks and disks are its owner's.
_GUEST_FILE = re.compile(r"^/etc/pve/lxc/\d+\.conf$")
_GUEST_SETTING = re.compile(rb"(?:dev\d+|lxc\.[\w.]+|hostname|unprivileged|arch|ostype|features):|\[")
_LOG_COMMANDS = frozenset({"journalctl", "dmesg"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Capture:
    """`files` by path; `results` are the checks' on the machine itself, to compare with those on the capture."""

    files: dict[str, bytes]
    index: CaptureIndex
    results: tuple[Result, ...]


def take_capture(machine: Machine, *, unique_ids: bool = False) -> Capture:
    """Everything the checks of level 1 and the kernel log's rules read; nothing else is opened."""
    recorder = RecordingMachine(machine)
    results = run_checks(Context(machine=recorder))
    for read in (read_this_boot, read_previous_boot, _read_cards):
        try:
            read(recorder)
        except CannotLookError:
            continue
    mask = Mask(hosts=host_names(machine), users=user_names(machine), unique_ids=unique_ids)
    return Capture(files=_files(recorder, mask), index=_index(recorder, mask), results=tuple(results))


def _read_cards(machine: Machine) -> None:
    """What `rocmox gpus` reads beyond the checks."""
    read_details(machine, read_inventory(machine).gpus)


def _files(recorder: RecordingMachine, mask: Mask) -> dict[str, bytes]:
    files = {}
    for path in sorted(recorder.files):
        content = recorder.files[path]
        if _LOG_FILE.match(path):
            content = _related(content)
        elif _GUEST_FILE.match(path):
            content = b"".join(line for line in content.splitlines(keepends=True) if _GUEST_SETTING.match(line))
        files[mask.text(path)] = mask.content(path, content)
    return files


def _index(recorder: RecordingMachine, mask: Mask) -> CaptureIndex:
    return CaptureIndex(
        constructed=recorder.constructed,
        replays=recorder.replays,
        listings={
            mask.text(path): [mask.text(name) for name in recorder.listings[path]] for path in sorted(recorder.listings)
        },
        links={mask.text(path): mask.text(recorder.links[path]) for path in sorted(recorder.links)},
        existing={mask.text(path): recorder.existing[path] for path in sorted(recorder.existing)},
        errors={mask.text(path): recorder.errors[path] for path in sorted(recorder.errors)},
        commands={tuple(map(mask.text, argv)): _command(recorder, argv, mask) for argv in sorted(recorder.commands)},
    )


def _command(recorder: RecordingMachine, argv: tuple[str, ...], mask: Mask) -> RecordedCommand:
    answer = recorder.commands[argv]
    is_log = argv[0] in _LOG_COMMANDS
    stdout = _related(answer.stdout.encode(errors="replace")).decode() if is_log else answer.stdout
    return RecordedCommand(
        exit_status=answer.exit_status,
        stdout=mask.text(stdout),
        stderr=mask.text(answer.stderr),
        reason=mask.text(answer.reason),
    )


def _related(log: bytes) -> bytes:
    """The lines of a kernel log that the rules look at, each with the one that may go on with it."""
    kept: list[bytes] = []
    goes_on = False
    for line in log.splitlines(keepends=True):
        is_related = any(literal in line for literal in LITERALS)
        if is_related or (goes_on and b"kernel:" not in line and not line.lstrip(b"<0123456789>, ").startswith(b"[")):
            kept.append(line)
        goes_on = is_related
    left_out = log.count(b"\n") - sum(line.endswith(b"\n") for line in kept)
    return b"".join((b"# %d lines that do not concern a card are left out\n" % left_out, *kept))
