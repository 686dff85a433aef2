"""One call of the API, whoever makes it: the caller, the parameters, and where a task goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rocmox_lab.pve import values
from rocmox_lab.pve.access.rights import Rights
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.schema import Method

ROOT = "root@pam"
Handler = Callable[["Call"], Any]
ROUTES: dict[str, Handler] = {}


@dataclasses.dataclass(kw_only=True)
class Call:
    """Parameters are text as PVE holds them; `attributes` go beside `data` in the answer (total, changes)."""

    node: Node
    method: Method
    user: str
    parameters: Mapping[str, Any]
    rights: Rights
    spawn: Callable[[str, str, dict[str, Any]], str]
    """(task type, task id, arguments of the worker) → UPID."""
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    command_line: bool = False

    @property
    def is_root(self) -> bool:
        """Exactly `root@pam`, no token of his."""
        return self.user == ROOT

    def text(self, name: str, default: str | None = None) -> str | None:
        """A parameter, or the default."""
        value = self.parameters.get(name, default)
        return None if value is None else str(value)

    def need(self, name: str) -> str:
        """A parameter the table requires."""
        return str(self.parameters[name])

    def number(self, name: str, default: int = 0) -> int:
        """An integer parameter."""
        value = self.parameters.get(name)
        return default if value in {None, ""} else int(str(value))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean parameter."""
        value = self.parameters.get(name)
        return default if value is None else values.is_true(str(value))

    @property
    def vmid(self) -> int:
        """The `vmid` of the path or the body."""
        return int(self.need("vmid"))


def route(name: str) -> Callable[[Handler], Handler]:
    """Register a handler: `@route("GET /nodes/{node}/lxc")`."""

    def register(handler: Handler) -> Handler:
        ROUTES[name] = handler
        return handler

    return register
