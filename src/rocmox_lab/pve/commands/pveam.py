"""`pveam available|download|list|remove|update`: container templates on the command line."""

from __future__ import annotations

import sys
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.commands import getopt
from rocmox_lab.pve.commands.shell import FAILED, Shell, check_count, refused

USAGE = """USAGE: pveam <COMMAND> [ARGS] [OPTIONS]

       pveam available  [OPTIONS]
       pveam download <storage> <template>
       pveam list <storage>
       pveam remove <template_path>
       pveam update 

       pveam help [<extra-args>] [OPTIONS]
"""  # noqa: W291 - as PVE prints it
ARGUMENTS = {"available": 0, "download": 2, "list": 1, "remove": 1, "update": 0}


def main(argv: list[str]) -> int:
    """Run one command; its exit code."""
    if not argv or argv[0] not in ARGUMENTS:
        complaint = f"unknown command 'pveam {argv[0]}'" if argv else "no command specified"
        sys.stderr.write(f"ERROR: {complaint}\n{USAGE}")
        return FAILED
    command, *words = argv
    shell = Shell("pveam")
    shell.require_root()
    try:
        parsed = getopt.parse(words, {"section": {"type": "string"}}.get)
        check_count(len(parsed.arguments), ARGUMENTS[command])
        return _run(shell, command, parsed)
    except getopt.UnknownOptionError as error:
        sys.stderr.write(f"{error.line}\n400 unable to parse option\n{USAGE}")
        return FAILED
    except AnswerError as error:
        return refused(error, USAGE)


def _run(shell: Shell, command: str, parsed: getopt.Words) -> int:
    base = f"/nodes/{shell.node.name}"
    if command == "available":
        entries = shell.call("GET", f"{base}/aplinfo", {})
        wanted = parsed.options.get("section")
        for entry in sorted(entries, key=lambda found: (found["section"], found["template"])):
            if wanted in {None, entry["section"]}:
                print(f"{entry['section']:<15} {entry['template']}")
    elif command == "list":
        _list(shell.call("GET", f"{base}/storage/{parsed.arguments[0]}/content", {"content": "vztmpl"}))
    elif command == "download":
        storage, template = parsed.arguments
        shell.call("POST", f"{base}/aplinfo", {"storage": storage, "template": template})
        return FAILED if shell.task_failed() else 0
    elif command == "remove":
        volume = parsed.arguments[0]
        shell.call("DELETE", f"{base}/storage/{volume.partition(':')[0]}/content/{volume}", {})
    elif command == "update":
        print("update successful")
    return 0


def _list(entries: list[dict[str, Any]]) -> None:
    print(f"{'NAME':<60} {'SIZE':<6}")
    for entry in entries:
        print(f"{entry['volid']:<60} {entry['size'] / (1 << 20):.2f}MB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
