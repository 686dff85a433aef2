"""`pvesh VERB PATH [OPTIONS]`: the API on the command line, as root@pam, tasks on the spot."""

from __future__ import annotations

import re
import sys

from rocmox_lab.pve.answers import AnswerError, UnauthenticatedError
from rocmox_lab.pve.commands import getopt, output
from rocmox_lab.pve.commands.shell import FAILED, Shell, refused, unknown_option, usage_of
from rocmox_lab.pve.schema import Schema

VERBS = {"get": "GET", "set": "PUT", "create": "POST", "delete": "DELETE"}
NO_HANDLER = 1
# What PVE has below a node beyond the lab's tables, as `pvesh ls` marks it.
NODE_CHILDREN = (
    "apt=Dr--- ceph=Dr--- certificates=Dr--- disks=Dr--- firewall=Dr--- migrateall=---c- netstat=-r--- qemu=Dr-c- "
    "replication=Dr--- rrd=-r--- sdn=Dr--- spiceshell=---c- suspendall=---c- termproxy=---c- vncshell=---c- "
    "vzdump=---c- wakeonlan=---c-"
)
USAGE = """USAGE: pvesh <COMMAND> [ARGS] [OPTIONS]

       pvesh create <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh delete <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh get <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh ls <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh set <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh usage <api_path> [OPTIONS]

       pvesh help [<extra-args>] [OPTIONS]
"""


def main(argv: list[str]) -> int:
    """Run one command; its exit code."""
    if not argv:
        sys.stderr.write(f"ERROR: no command specified\n{USAGE}")
        return FAILED
    command, *words = argv
    if command in {"help", "--help", "-h"}:
        print(USAGE, end="")
        return 0
    if command not in {*VERBS, "ls", "usage"}:
        sys.stderr.write(f"ERROR: unknown command 'pvesh {command}'\n{USAGE}")
        return FAILED
    shell = Shell("pvesh")
    shell.require_root()
    if not words or words[0].startswith("-"):
        sys.stderr.write(f"400 not enough arguments\npvesh {command} <api_path> [OPTIONS] [FORMAT_OPTIONS]\n")
        return FAILED
    path = re.sub(r"/+", "/", "/" + words[0].strip("/"))
    return _list(shell, path) if command == "ls" else _run_or_explain(shell, command, path, words[1:])


def _run_or_explain(shell: Shell, command: str, path: str, words: list[str]) -> int:
    return _usage(shell, path, words) if command == "usage" else _run(shell, command, path, words)


def _run(shell: Shell, command: str, path: str, words: list[str]) -> int:
    found = shell.node.schema.find(VERBS[command], path)
    if found is None:
        sys.stderr.write(f"No '{command}' handler defined for '{path}'\n")
        return NO_HANDLER
    method, in_path = found
    usage = f"pvesh {command} <api_path>{usage_of(method, list(in_path))} [OPTIONS] [FORMAT_OPTIONS]"
    try:
        parsed = getopt.parse(words, lambda name: method.property_of(name) or output.FORMAT_OPTIONS.get(name))
    except getopt.UnknownOptionError as error:
        return unknown_option(error, usage)
    own = {name: value for name, value in parsed.options.items() if method.property_of(name) is not None}
    form = str(parsed.options.get("output-format", "text"))
    try:
        data = shell.call(VERBS[command], path, own)
    except UnauthenticatedError as error:
        return refused(AnswerError(str(error), status=401), usage)
    except AnswerError as error:
        return refused(error, usage)
    if parsed.options.get("quiet") != "1":
        output.show(data, form)
    return 0


def _list(shell: Shell, path: str) -> int:
    """Children of a path with what can be done to them: D directory, r get, w set, c create, d delete."""
    schema = shell.node.schema
    template, _ = schema.match(path)
    if template is None:
        sys.stderr.write(f"no such resource '{path}'\n")
        return FAILED
    rows = {child.rsplit("/", 1)[1]: _capabilities(schema, child) for child in schema.children(template)}
    rows = {name: flags for name, flags in rows.items() if not name.startswith("{")}
    if template == "/nodes/{node}":
        rows = {**rows, **dict(entry.split("=") for entry in NODE_CHILDREN.split())}
        rows.pop("execute", None)
    for name in sorted(rows):
        print(f"{rows[name]}        {name}")
    return 0


def _capabilities(schema: Schema, template: str) -> str:
    verbs = schema.verbs(template)
    directory = "D" if schema.children(template) else "-"
    letters = (("GET", "r"), ("PUT", "w"), ("POST", "c"), ("DELETE", "d"))
    return directory + "".join(letter if verb in verbs else "-" for verb, letter in letters)


def _usage(shell: Shell, path: str, words: list[str]) -> int:
    """Names and types of a method's options; the words of PVE's manual are not reproduced."""
    options = {"command": {"type": "string"}, "verbose": {"type": "boolean"}, "returns": {"type": "boolean"}}
    parsed = getopt.parse(words, options.get)
    commands = [str(parsed.options["command"])] if "command" in parsed.options else list(VERBS)
    for command in commands:
        found = shell.node.schema.find(VERBS.get(command, command), path)
        if found is None:
            continue
        method, in_path = found
        print(f"USAGE: pvesh {command} {path}{usage_of(method, list(in_path))} [OPTIONS]")
        if parsed.options.get("verbose") == "1":
            for name, entry in sorted(method.properties.items()):
                if name not in in_path and entry.get("optional"):
                    print(f"\n  --{name:<8} <{entry.get('type', 'string')}>")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
