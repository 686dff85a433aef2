"""The lab's API in this process as a way in: every answer and error is Proxmox VE's, and no process is started."""

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocmox.proxmox import Node, Parameters
from rocmox.proxmox.failures import from_text, not_permitted
from rocmox_lab.pve.answers import AnswerError
from tests.unit.rocmox_lab.pve.pretended_node import Client, make_node


class LabApi:
    """Implements `rocmox.proxmox.Api` for one account; `changes` are its calls that are no reading."""

    def __init__(self, client: Client, account_name: str = "root@pam") -> None:
        self.client = client
        self.account_name = account_name
        self.changes: list[str] = []
        self.calls = 0

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call("GET", path, parameters)

    def post(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call("POST", path, parameters)

    def put(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call("PUT", path, parameters)

    def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call("DELETE", path, parameters)

    def config_files(self) -> dict[str, str]:
        """Every configuration file of the node."""
        folder = self.client.node.path("/etc/pve/lxc")
        return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.conf")}

    def _call(self, verb: str, path: str, parameters: Parameters | None) -> Any:
        self.calls += 1
        if verb != "GET":
            self.changes.append(f"{verb} {path}")
        sent = {key: str(value) for key, value in (parameters or {}).items()}
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return self.client.api.call(verb, path, sent, user=self.account_name).data
        except AnswerError as error:
            if error.status == 403:
                raise not_permitted(path, self.account_name, f"{error}".strip()) from error
            raise from_text(path, f"{error}".strip()) from error


@contextlib.contextmanager
def lab(version: str = "8.4") -> Iterator[tuple[Node, LabApi]]:
    """A fresh node with two cards, a bridge and a template, for one example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        pve = make_node(Path(folder), version)
        for name in ("card0", "card1", "renderD128", "renderD129"):
            pve.path(f"/dev/dri/{name}").touch()
        pve.write("/etc/network/interfaces", "auto vmbr0\niface vmbr0 inet manual\n\tbridge-ports none\n")
        api = LabApi(Client(pve))
        yield Node(api=api, name="pve1"), api
