"""One call from method, path and parameters to an answer: the code behind the HTTP server, `pvesh` and `pct`.

The order is PVE's (PVE::HTTPServer, rest_handler): find the method, check the caller's rights, find the node, check the
parameters, run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rocmox_lab.pve.access import store
from rocmox_lab.pve.access.checks import check_method
from rocmox_lab.pve.access.rights import Rights
from rocmox_lab.pve.answers import AnswerError, BadParameterError, NotImplementedByPveError
from rocmox_lab.pve.call import ROUTES, Call
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError
from rocmox_lab.pve.schema import Method
from rocmox_lab.pve.worker import Spawner

LOCALHOST = "localhost"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What a successful call gives: `data`, and what stands beside it."""

    data: Any
    attributes: Mapping[str, Any]
    method: Method


class Api:
    """The API of one node; tasks go to the spawner."""

    def __init__(self, node: Node, spawner: Spawner, *, command_line: bool = False) -> None:
        from rocmox_lab.pve import endpoints, jobs  # noqa: F401, PLC0415 - register handlers and workers; commands without a call start quicker

        self.node = node
        self.spawner = spawner
        self._command_line = command_line

    def call(self, verb: str, path: str, parameters: Mapping[str, Any], *, user: str | None) -> Answer:
        """Run one call; AnswerError for everything but success. `user` None is a caller without ticket."""
        found = self.node.schema.find(verb, path)
        if found is None:
            raise NotImplementedByPveError(verb, "/" + path.strip("/"))
        method, in_path = found
        merged = _merge(parameters, in_path)
        rights = Rights(store.read(self.node), self.node.version)
        check_method(rights, method, user, merged)
        self._check_node(method, in_path)
        self._check_parameters(method, merged)
        handler = ROUTES.get(f"{verb} {method.path}")
        if handler is None:
            raise NotImplementedByPveError(verb, "/" + path.strip("/"))
        caller = user or ""
        call = Call(
            node=self.node,
            method=method,
            user=caller,
            parameters=merged,
            rights=rights,
            spawn=lambda kind, name, arguments: self.spawner.start(caller, kind, name, arguments),
            command_line=self._command_line,
        )
        try:
            data = handler(call)
        except RuntimeFailedError as error:
            raise AnswerError(f"{error}\n") from error
        return Answer(data=data, attributes=call.attributes, method=method)

    def _check_node(self, method: Method, in_path: Mapping[str, str]) -> None:
        name = in_path.get("node")
        if method.on_node and name not in {None, self.node.name, LOCALHOST}:
            message = (
                f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known\n"
            )
            raise AnswerError(message)

    def _check_parameters(self, method: Method, parameters: Mapping[str, Any]) -> None:
        from rocmox_lab.pve.validate import check_parameters  # noqa: PLC0415 - jsonschema loads when it is needed

        check_parameters(method, parameters)


def _merge(parameters: Mapping[str, Any], in_path: Mapping[str, str]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key, value in parameters.items():
        if key in in_path and str(value) != in_path[key]:
            raise BadParameterError({key: "duplicate parameter (already defined in URI) with conflicting values"})
        merged[key] = value
    return {**merged, **in_path}
