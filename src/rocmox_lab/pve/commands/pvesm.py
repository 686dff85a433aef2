"""`pvesm status|list|alloc|free|path|add|remove|set`: storages on the command line."""

from __future__ import annotations

import sys
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.commands import getopt
from rocmox_lab.pve.commands.shell import FAILED, Shell, check_count, refused

USAGE = """USAGE: pvesm <COMMAND> [ARGS] [OPTIONS]

       pvesm add <type> <storage> [OPTIONS]
       pvesm remove <storage>
       pvesm set <storage> [OPTIONS]

       pvesm alloc <storage> <vmid> <filename> <size> [OPTIONS]
       pvesm free <volume> [OPTIONS]
       pvesm list <storage> [OPTIONS]

       pvesm path <volume>
       pvesm status  [OPTIONS]

       pvesm help [<extra-args>] [OPTIONS]
"""
ARGUMENTS = {"add": 2, "remove": 1, "set": 1, "alloc": 4, "free": 1, "list": 1, "path": 1, "status": 0}
_KIB = 1024


def main(argv: list[str]) -> int:
    """Run one command; its exit code."""
    if not argv or argv[0] not in ARGUMENTS:
        complaint = f"unknown command 'pvesm {argv[0]}'" if argv else "no command specified"
        sys.stderr.write(f"ERROR: {complaint}\n{USAGE}")
        return FAILED
    command, *words = argv
    shell = Shell("pvesm")
    shell.require_root()
    try:
        parsed = getopt.parse(words, lambda name: _known(shell, name))
        check_count(len(parsed.arguments), ARGUMENTS[command])
        return _run(shell, command, parsed)
    except getopt.UnknownOptionError as error:
        sys.stderr.write(f"{error.line}\n400 unable to parse option\n{USAGE}")
        return FAILED
    except AnswerError as error:
        return refused(error, USAGE)


def _known(shell: Shell, name: str) -> Any:
    method = shell.node.schema.method("POST", "/storage")
    found = method.property_of(name) if method else None
    return found or ({"type": "string"} if name in {"vmid", "enabled", "target", "storage", "delete"} else None)


def _run(shell: Shell, command: str, parsed: getopt.Words) -> int:
    node, words, options = f"/nodes/{shell.node.name}", parsed.arguments, parsed.options
    if command == "status":
        _status(shell.call("GET", f"{node}/storage", options))
    elif command == "list":
        _list(shell.call("GET", f"{node}/storage/{words[0]}/content", options))
    elif command == "path":
        storage = words[0].partition(":")[0]
        print(shell.call("GET", f"{node}/storage/{storage}/content/{words[0]}", {})["path"])
    elif command == "alloc":
        parameters = {"vmid": words[1], "filename": words[2], "size": words[3], **options}
        volume = shell.call("POST", f"{node}/storage/{words[0]}/content", parameters)
        print(f"successfully created '{volume}'")
    elif command == "free":
        storage = words[0].partition(":")[0]
        shell.call("DELETE", f"{node}/storage/{storage}/content/{words[0]}", {})
    elif command == "add":
        shell.call("POST", "/storage", {"type": words[0], "storage": words[1], **options})
    elif command == "set":
        shell.call("PUT", f"/storage/{words[0]}", options)
    else:
        shell.call("DELETE", f"/storage/{words[0]}", {})
    return FAILED if shell.task_failed() else 0


def _status(entries: list[dict[str, Any]]) -> None:
    width = max([4, *(len(entry["storage"]) for entry in entries)]) if entries else 4
    print(f"{'Name':<{width}} {'':>7}Type {'Status':>10} {'Total':>15} {'Used':>15} {'Available':>15} {'%':>8}")
    for entry in entries:
        share = 100 * entry["used"] / entry["total"] if entry["total"] else 0
        state = "active" if entry["active"] else "disabled"
        sizes = " ".join(f"{entry[key] // _KIB:>15}" for key in ("total", "used", "avail"))
        print(f"{entry['storage']:<{width}} {entry['type']:>10} {state:>10} {sizes} {share:>7.2f}%")


def _list(entries: list[dict[str, Any]]) -> None:
    width = max([5, *(len(entry["volid"]) for entry in entries)])
    print(f"{'Volid':<{width}} {'Format':<7} {'Type':<9} {'Size':>10} {'VMID'}")
    for entry in entries:
        vmid = str(entry.get("vmid", ""))
        print(
            f"{entry['volid']:<{width}} {entry['format']:<7} {entry['content']:<9} {entry['size']:>10} {vmid}".rstrip()
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
