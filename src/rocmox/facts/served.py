"""Services that rocmox's roles install, read from their systemd units: where they listen and as whom they run."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shlex

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

_FOLDER = "/etc/systemd/system"
_UNIT = re.compile(r"(?P<name>llama-server@[\w.:\\-]+|open-webui)\.service")
_LAST_PORT = 65535
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServedUnit:
    """A unit that answers HTTP: `user` and `groups` are those of its process beyond the user's own."""

    name: str
    host: str
    port: int
    user: str | None
    groups: tuple[str, ...]

    @property
    def health_url(self) -> str:
        """Its health page as seen from the machine it runs on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/health"

    @property
    def computes(self) -> bool:
        """Whether it opens GPUs."""
        return self.name.startswith("llama-server@")


def parse_settings(text: str) -> dict[str, str]:
    """`Key=value` lines of a unit, continued lines joined, the last of several wins (systemd.syntax)."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = (line.strip() for line in joined.splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith(("#", ";")))
    return {key.strip(): value.strip() for key, _, value in pairs}


def parse_unit(name: str, text: str) -> ServedUnit:
    """A unit whose command line says `--host` and `--port`; CannotLookError when it does not."""
    settings = parse_settings(text)
    try:
        words = shlex.split(settings.get("ExecStart", ""))
    except ValueError as error:
        raise CannotLookError(f"{name}: ExecStart: {error}") from error
    options = dict(itertools.pairwise(words))
    port = options.get("--port", "")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) <= _LAST_PORT):
        raise CannotLookError(f"{name}: its command line names no --port")
    host = options.get("--host", "127.0.0.1")
    return ServedUnit(
        name=name,
        host=_ANY_ADDRESS.get(host, host),
        port=int(port),
        user=settings.get("User") or None,
        groups=tuple(settings.get("SupplementaryGroups", "").split()),
    )


def read_units(machine: Machine) -> list[ServedUnit]:
    """Every such unit of the machine by name; those that cannot be understood are left out."""
    if not machine.exists(_FOLDER):
        return []
    units = []
    for file in list_names(machine, _FOLDER):
        match = _UNIT.fullmatch(file)
        if match is None or match["name"].endswith("@"):
            continue
        try:
            units.append(parse_unit(match["name"], read_text(machine, f"{_FOLDER}/{file}")))
        except CannotLookError:
            continue
    return units
