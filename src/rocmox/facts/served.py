"""What a machine serves: the descriptors that the roles of the engines write, one small JSON file for each served unit.

`/etc/rocmox/served/*.json`, root's, readable by everyone, without secrets (of a key it names the file). The role that
writes a systemd unit writes its descriptor, and nothing else says what is served: neither names of units nor ports.
Units of rocmox 0.1 have no descriptor; `read_undescribed` finds them by what their roles wrote into them.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

FOLDER = "/etc/rocmox/served"
SCHEMA_VERSION = 1
_LAST_PORT = 65535
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on

_UNITS = "/etc/systemd/system"
# What only a role of rocmox 0.1 wrote into a unit, the playbook that adds the descriptor, and whether it computes.
_MARKS = (
    ("Environment=ROCMOX_CONFIGURATION=", "playbooks/serve_models.yml", True),
    ("/current/bin/open-webui serve ", "playbooks/open_webui.yml", False),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchSettings:
    """How a model is served, as far as a bench takes it over; an empty text stands for the engine's own default."""

    programs: str = ""
    split_mode: str = ""
    gpu_layers: str = ""
    ubatch: str = ""
    threads: str = ""
    flash_attention: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Served:
    """One unit that answers HTTP. `computes` is whether it opens cards; `user` and `groups` are its process's.

    `health_path` answers 200 when it is ready and 503 while it loads. `api_path` (empty where there is none) is the
    OpenAI API, `guarded_path` a page that needs the key. `model_file` and `backend` are empty for what serves no model.
    """

    engine: str
    name: str
    unit: str
    host: str
    port: int
    health_path: str = "/health"
    api_path: str = ""
    guarded_path: str = ""
    api_key_file: str = ""
    computes: bool = False
    user: str | None = None
    groups: tuple[str, ...] = ()
    model_file: str = ""
    backend: str = ""
    bench: BenchSettings = BenchSettings()

    @property
    def base_url(self) -> str:
        """Where it answers, as seen from the machine it runs on."""
        host = ANY_ADDRESS.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def health_url(self) -> str:
        """Its health page as seen from the machine it runs on."""
        return f"{self.base_url}{self.health_path}"

    @property
    def unit_name(self) -> str:
        """The unit as a person types it: without `.service`."""
        return self.unit.removesuffix(".service")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Undescribed:
    """A unit that a role of rocmox 0.1 installed: what it serves is not known until its playbook ran again."""

    unit: str
    playbook: str
    computes: bool

    @property
    def summary(self) -> str:
        """What is not known, and why."""
        return f"{self.unit} has no descriptor in {FOLDER}, so what it serves is not known"

    @property
    def remedy(self) -> str:
        """What to do now."""
        return f"Run {self.playbook}: it writes the descriptor and restarts nothing that did not change."


def to_json(served: Served) -> str:
    """The descriptor's text; the same object gives the same bytes."""
    document = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(served)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def parse_descriptor(text: str, *, where: str) -> Served:
    """A descriptor of this schema; CannotLookError that says what is wrong with any other text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CannotLookError(f"{where}: {error}") from error
    version = document.pop("schema_version", None) if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise CannotLookError(
            f"{where}: schema version {version!r}, and this rocmox reads {SCHEMA_VERSION}",
            remedy="Run the playbook that serves it with this rocmox, or update rocmox here.",
        )
    try:
        return _from_document(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CannotLookError(f"{where}: {error}", remedy="Run the playbook that serves it again.") from error


def _from_document(document: dict[str, Any]) -> Served:
    bench = BenchSettings(**{key: str(value) for key, value in document.pop("bench", {}).items()})
    served = Served(**{**document, "groups": tuple(map(str, document.get("groups", ())))}, bench=bench)
    texts = (served.engine, served.name, served.unit, served.host)
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError("engine, name, unit and host are texts")
    if isinstance(served.port, bool) or not isinstance(served.port, int) or not 0 < served.port <= _LAST_PORT:
        raise ValueError(f"port {served.port!r} is not a port")
    optional = (served.health_path, served.api_path, served.guarded_path, served.api_key_file, served.model_file)
    if not all(isinstance(text, str) for text in (*optional, served.backend)):
        raise ValueError("paths and backend are texts")
    if not (served.user is None or isinstance(served.user, str)) or not isinstance(served.computes, bool):
        raise ValueError("user is a text or null, computes a boolean")
    return served


def read_served(machine: Machine) -> list[Served]:
    """Everything the machine serves, by the names of the files; CannotLookError when one cannot be understood."""
    if not machine.exists(FOLDER):
        return []
    names = sorted(name for name in list_names(machine, FOLDER) if name.endswith(".json"))
    return [parse_descriptor(read_text(machine, f"{FOLDER}/{name}"), where=f"{FOLDER}/{name}") for name in names]


def read_undescribed(machine: Machine, served: list[Served]) -> list[Undescribed]:
    """Units of rocmox 0.1 that no descriptor speaks of; a unit that cannot be read is not one of them."""
    if not machine.exists(_UNITS):
        return []
    known = {one.unit for one in served}
    found = []
    for name in sorted(list_names(machine, _UNITS)):
        if not name.endswith(".service") or name.endswith("@.service") or name in known:
            continue
        try:
            text = read_text(machine, f"{_UNITS}/{name}")
        except CannotLookError:
            continue
        found += [
            Undescribed(unit=name, playbook=playbook, computes=computes)
            for mark, playbook, computes in _MARKS
            if mark in text
        ]
    return found
