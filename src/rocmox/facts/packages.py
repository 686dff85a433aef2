"""Packages of a Debian machine: `dpkg-query`, `dpkg --audit`, `apt-cache policy`, `apt-cache show`, `apt-mark`."""

from __future__ import annotations

import dataclasses
import re

from rocmox.machine.base import Machine

_PARAGRAPH = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.+-]+)(?::\w+)?:\n(?P<body>(?:[ \t].*\n?)*)", re.MULTILINE)
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (?P<version>\S+) (?P<priority>-?\d+)$", re.MULTILINE)
_ENGLISH = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """One package of `apt-cache policy`: what is installed, what apt would take, and every version it knows."""

    name: str
    installed: str | None
    candidate: str | None
    versions: tuple[str, ...]


def parse_policy(text: str) -> dict[str, Policy]:
    """Name → policy; packages that apt does not know are missing."""
    found = {}
    for match in _PARAGRAPH.finditer(text):
        fields = dict(re.findall(r"^  (Installed|Candidate): (.+)$", match["body"], re.MULTILINE))
        if "Candidate" in fields or "Installed" in fields:
            found[match["name"]] = Policy(
                name=match["name"],
                installed=_version(fields.get("Installed")),
                candidate=_version(fields.get("Candidate")),
                versions=tuple(version["version"] for version in _VERSION.finditer(match["body"])),
            )
    return found


def _version(word: str | None) -> str | None:
    return None if word is None or word.strip() == "(none)" else word.strip()


def parse_depends(show: str) -> tuple[tuple[str, ...], ...]:
    """`Depends` of the first paragraph of `apt-cache show`: groups of alternatives, names without versions."""
    match = re.search(r"^Depends: (.+(?:\n[ \t].+)*)$", show.split("\n\n", 1)[0], re.MULTILINE)
    groups = match[1].replace("\n", " ").split(",") if match else []
    return tuple(tuple(re.split(r"[ (:]", word.strip())[0] for word in group.split("|")) for group in groups)


def parse_names(text: str) -> tuple[str, ...]:
    """One package per line, as `apt-mark showhold` prints them; architectures are cut off."""
    return tuple(line.strip().partition(":")[0] for line in text.splitlines() if line.strip())


def read_installed(machine: Machine, patterns: list[str]) -> dict[str, str]:
    """Name → version of the installed packages among these names or patterns."""
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n", *patterns]
    lines = (line.split() for line in machine.run(query, environment=_ENGLISH).stdout.splitlines())
    return {words[1]: words[2] for words in lines if len(words) == 3 and words[0] == "installed"}  # noqa: PLR2004


def read_broken(machine: Machine) -> tuple[str, ...]:
    """Packages that dpkg has begun and not ended with, as `name (state)`; removed ones with settings are none."""
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${db:Status-Eflag} ${Package}\n"]
    lines = (line.split() for line in machine.run(query, environment=_ENGLISH).stdout.splitlines())
    fine = {"installed", "config-files", "not-installed", "triggers-pending", "triggers-awaited"}
    return tuple(
        f"{words[2]} ({words[0]})"
        for words in lines
        if len(words) == 3 and (words[0] not in fine or words[1] != "ok")  # noqa: PLR2004
    )


def read_holds(machine: Machine) -> tuple[str, ...]:
    """Held packages."""
    return parse_names(machine.run(["apt-mark", "showhold"], environment=_ENGLISH).stdout)
