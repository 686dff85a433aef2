"""`pct COMMAND VMID …`: containers on the command line; what is not in the API is in pct_local."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.commands import getopt
from rocmox_lab.pve.commands.pct_usage import USAGE, usage_line
from rocmox_lab.pve.commands.shell import FAILED, Shell, refused, unknown_option

_GUEST = "/nodes/{node}/lxc/{vmid}"
# command → verb, path, positional parameters
CALLS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "create": ("POST", "/nodes/{node}/lxc", ("vmid", "ostemplate")),
    "restore": ("POST", "/nodes/{node}/lxc", ("vmid", "ostemplate")),
    "destroy": ("DELETE", _GUEST, ("vmid",)),
    "set": ("PUT", f"{_GUEST}/config", ("vmid",)),
    "resize": ("PUT", f"{_GUEST}/resize", ("vmid", "disk", "size")),
    "clone": ("POST", f"{_GUEST}/clone", ("vmid", "newid")),
    "template": ("POST", f"{_GUEST}/template", ("vmid",)),
    "migrate": ("POST", f"{_GUEST}/migrate", ("vmid", "target")),
    "snapshot": ("POST", f"{_GUEST}/snapshot", ("vmid", "snapname")),
    "start": ("POST", f"{_GUEST}/status/start", ("vmid",)),
    "stop": ("POST", f"{_GUEST}/status/stop", ("vmid",)),
    "shutdown": ("POST", f"{_GUEST}/status/shutdown", ("vmid",)),
    "reboot": ("POST", f"{_GUEST}/status/reboot", ("vmid",)),
    "suspend": ("POST", f"{_GUEST}/status/suspend", ("vmid",)),
    "resume": ("POST", f"{_GUEST}/status/resume", ("vmid",)),
    "config": ("GET", f"{_GUEST}/config", ("vmid",)),
    "pending": ("GET", f"{_GUEST}/pending", ("vmid",)),
    "listsnapshot": ("GET", f"{_GUEST}/snapshot", ("vmid",)),
}


def main(argv: list[str]) -> int:
    """Run one command; its exit code."""
    if not argv:
        sys.stderr.write(f"ERROR: no command specified\n{USAGE}")
        return FAILED
    command, *words = argv
    if command in {"help", "--help", "-h"}:
        print(USAGE, end="")
        return 0
    shell = Shell("pct")
    shell.require_root()
    if command in CALLS:
        return _call(shell, command, words)
    from rocmox_lab.pve.commands import pct_local  # noqa: PLC0415 - only for the commands that are not in the API

    local = pct_local.COMMANDS.get(command)
    if local is None:
        sys.stderr.write(f"ERROR: unknown command 'pct {command}'\n{USAGE}")
        return FAILED
    return pct_local.run(shell, command, local, words)


def _call(shell: Shell, command: str, words: Sequence[str]) -> int:
    verb, template, positional = CALLS[command]
    method = shell.node.schema.method(verb, template)
    usage = usage_line(command)
    if method is None:
        sys.stderr.write(f"pct {command} is not available\n")
        return FAILED
    try:
        parsed = getopt.parse(words, method.property_of)
    except getopt.UnknownOptionError as error:
        return unknown_option(error, usage)
    if len(parsed.arguments) != len(positional):
        complaint = "not enough arguments" if len(parsed.arguments) < len(positional) else "too many arguments"
        sys.stderr.write(f"400 {complaint}\n{usage}\n")
        return FAILED
    parameters = {**parsed.options, **dict(zip(positional, parsed.arguments, strict=True))}
    path = template.format(node=shell.node.name, vmid=parameters.get("vmid", ""))
    if command == "restore":
        parameters["restore"] = "1"
    try:
        data = shell.call(verb, path, parameters)
    except AnswerError as error:
        return refused(error, usage)
    show = SHOWS.get(command)
    if show:
        show(data)
        return 0
    return FAILED if shell.task_failed() else 0


def _show_config(data: Mapping[str, Any]) -> None:
    for key in sorted(set(data) - {"digest", "lxc"}):
        print(f"{key}: {_on_one_line(key, data[key])}")
    for name, value in data.get("lxc", []):
        print(f"{name}: {value}")


def _on_one_line(key: str, value: Any) -> Any:
    from rocmox_lab.pve.guests.config import encode_text  # noqa: PLC0415 - loaded by the call already

    return encode_text(str(value)) if key == "description" else value


def _show_pending(data: Sequence[Mapping[str, Any]]) -> None:
    for entry in sorted(data, key=lambda found: str(found["key"])):
        key = str(entry["key"])
        if key == "digest":
            continue
        if "value" in entry:
            print(f"{'del' if entry.get('delete') else 'cur'} {key}: {_on_one_line(key, entry['value'])}")
        if "pending" in entry:
            print(f"new {key}: {_on_one_line(key, entry['pending'])}")


def _show_snapshots(data: Sequence[Mapping[str, Any]]) -> None:
    for entry in data:
        print(f"`-> {entry['name']:<52}{entry['description']}")


SHOWS: dict[str, Callable[[Any], None]] = {
    "config": _show_config,
    "pending": _show_pending,
    "listsnapshot": _show_snapshots,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
