"""The commands of `pct` that are not in the API: exec, enter, push, pull, list, status, unlock and others."""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rocmox_lab.pve import values
from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.commands import getopt, pct_disks
from rocmox_lab.pve.commands.pct_usage import usage_line
from rocmox_lab.pve.commands.shell import FAILED, Shell, refused, unknown_option
from rocmox_lab.pve.guests import state
from rocmox_lab.pve.guests.service import Guests, as_answer
from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeFailedError

Options = Mapping[str, Any]
Function = Callable[["Guests", Sequence[str], Options], int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """A function, its positional arguments (the VMID among them) and its options."""

    function: Function
    arguments: tuple[str, ...] = ("vmid",)
    options: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    more: bool = False
    """Whether further arguments may follow."""


def run(shell: Shell, name: str, command: Command, words: Sequence[str]) -> int:
    """Parse and run one of them."""
    usage = usage_line(name)
    try:
        parsed = getopt.parse(words, command.options.get)
        _check_count(parsed.arguments, command)
        return command.function(Guests(shell.node), parsed.arguments, parsed.options)
    except getopt.UnknownOptionError as error:
        return unknown_option(error, usage)
    except RuntimeFailedError as error:
        return refused(as_answer(error), usage)
    except AnswerError as error:
        return refused(error, usage)


def _check_count(arguments: Sequence[str], command: Command) -> None:
    if len(arguments) < len(command.arguments):
        message = "not enough arguments\n"
        raise AnswerError(message, status=400)
    if len(arguments) > len(command.arguments) and not command.more:
        message = "too many arguments\n"
        raise AnswerError(message, status=400)
    if command.arguments[:1] == ("vmid",):
        problem = values.check(arguments[0], {"type": "integer", "format": "pve-vmid"})
        if problem:
            raise BadParameterError({"vmid": problem})


def _need_running(guests: Guests, vmid: int, message: str) -> None:
    if not guests.running(vmid):
        raise AnswerError(message)


def _list(guests: Guests, _arguments: Sequence[str], _options: Options) -> int:
    vmids = guests.files.vmids()
    if vmids:
        print(f"{'VMID':<10} {'Status':<10} {'Lock':<12} {'Name':<20}")
    running = guests.node.runtime.running() if vmids else set()
    for vmid in vmids:
        found = guests.files.load(vmid).values
        status = "running" if vmid in running else "stopped"
        print(f"{vmid:<10} {status:<10} {found.get('lock', ''):<12} {found.get('hostname', f'CT{vmid}'):<20}")
    return 0


def _status(guests: Guests, arguments: Sequence[str], options: Options) -> int:
    vmid, config = pct_disks.load(guests, arguments[0])
    if not values.is_true(options.get("verbose")):
        print(f"status: {'running' if guests.running(vmid) else 'stopped'}")
        return 0
    found = state.current(guests, vmid, config)
    for key in sorted(set(found) - {"cpu", "pid"}):
        print(f"{key}: {found[key]}")
    return 0


def _exec(guests: Guests, arguments: Sequence[str], options: Options) -> int:
    vmid, _ = pct_disks.load(guests, arguments[0])
    _need_running(guests, vmid, f"container '{vmid}' not running!\n")
    if not arguments[1:]:
        message = "missing command\n"
        raise AnswerError(message, status=400)
    sys.stdout.flush()
    keep = values.is_true(str(options.get("keep-env", "1")))
    return guests.node.runtime.execute(vmid, list(arguments[1:]), keep_environment=keep)


def _enter(guests: Guests, arguments: Sequence[str], options: Options) -> int:
    vmid, _ = pct_disks.load(guests, arguments[0])
    _need_running(guests, vmid, f"container '{vmid}' not running!\n")
    keep = values.is_true(str(options.get("keep-env", "1")))
    shell = ["/bin/sh", "-c", 'exec "$(getent passwd root | cut -d: -f7)" -l']
    return guests.node.runtime.execute(vmid, shell, keep_environment=keep)


def _push(guests: Guests, arguments: Sequence[str], options: Options) -> int:
    vmid, config = pct_disks.load(guests, arguments[0])
    _need_running(guests, vmid, "can only push files to a running CT\n")
    source = str(guests.node.path(arguments[1]) if not os.path.exists(arguments[1]) else arguments[1])  # noqa: PTH110
    if not os.access(source, os.R_OK):
        sys.stderr.write(f"failed to open {arguments[1]} for reading\n")
        return 0
    spec = guests.spec(vmid, config)
    uid = _id(guests, spec, str(options.get("user", "0")), "/etc/passwd")
    gid = _id(guests, spec, str(options.get("group", "0")), "/etc/group")
    mode = int(str(options.get("perms", "0644")), 8)
    try:
        guests.node.runtime.push(spec, source, arguments[2], uid=uid, gid=gid, mode=mode)
    except RuntimeFailedError as error:
        sys.stderr.write(f"{error}\n")
    return 0


def _id(guests: Guests, spec: GuestSpec, text: str, table: str) -> int:
    """A number, or a name looked up in the guest's own table."""
    if text.isdigit():
        return int(text)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "table"
        guests.node.runtime.pull(spec, table, str(copy))
        rows = [line.split(":") for line in copy.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        if row[0] == text:
            return int(row[2])
    message = f"'{text}' does not exist inside the container\n"
    raise AnswerError(message)


def _pull(guests: Guests, arguments: Sequence[str], options: Options) -> int:
    vmid, config = pct_disks.load(guests, arguments[0])
    _need_running(guests, vmid, "can only pull files from a running CT\n")
    try:
        guests.node.runtime.pull(guests.spec(vmid, config), arguments[1], arguments[2])
    except RuntimeFailedError as error:
        sys.stderr.write(f"{error}\n")
        return 0
    if "perms" in options:
        os.chmod(arguments[2], int(str(options["perms"]), 8))  # noqa: PTH101
    return 0


def _cpusets(guests: Guests, _arguments: Sequence[str], _options: Options) -> int:
    lines = [f"{vmid}:  0" for vmid in sorted(guests.node.runtime.running())]
    width = max((len(line) for line in lines), default=0)
    for line in ["-" * width, *lines, "-" * width] if lines else []:
        print(line)
    return 0


def _unlock(guests: Guests, arguments: Sequence[str], _options: Options) -> int:
    vmid, config = pct_disks.load(guests, arguments[0])
    if "lock" not in config.values:
        message = "no lock found trying to remove any lock\n"
        raise AnswerError(message)
    with guests.locked(vmid):
        del config.values["lock"]
        guests.files.save(vmid, config)
    return 0


def _unsupported(_guests: Guests, _arguments: Sequence[str], _options: Options) -> int:
    sys.stderr.write("not available in the lab\n")
    return FAILED


_KEEP = {"keep-env": {"type": "boolean"}}
_OWNER = {"user": {"type": "string"}, "group": {"type": "string"}, "perms": {"type": "string"}}
COMMANDS: dict[str, Command] = {
    "list": Command(function=_list, arguments=()),
    "status": Command(function=_status, options={"verbose": {"type": "boolean"}}),
    "exec": Command(function=_exec, options=_KEEP, more=True),
    "enter": Command(function=_enter, options=_KEEP),
    "console": Command(function=_enter, options={"escape": {"type": "string"}}),
    "push": Command(function=_push, arguments=("vmid", "file", "destination"), options=_OWNER),
    "pull": Command(function=_pull, arguments=("vmid", "path", "destination"), options=_OWNER),
    "df": Command(function=pct_disks.df),
    "mount": Command(function=pct_disks.mount),
    "unmount": Command(function=pct_disks.unmount),
    "fsck": Command(function=pct_disks.fsck, options={"force": {"type": "boolean"}, "device": {"type": "string"}}),
    "cpusets": Command(function=_cpusets, arguments=()),
    "unlock": Command(function=_unlock),
    "fstrim": Command(function=pct_disks.fstrim),
    "rescan": Command(
        function=pct_disks.rescan, arguments=(), options={"vmid": {"type": "integer"}, "dryrun": {"type": "boolean"}}
    ),
    "delsnapshot": Command(function=_unsupported, arguments=("vmid", "snapname")),
    "rollback": Command(function=_unsupported, arguments=("vmid", "snapname")),
    "move-volume": Command(function=_unsupported, more=True),
    "remote-migrate": Command(function=_unsupported, more=True),
}
