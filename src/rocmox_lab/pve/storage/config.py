"""/etc/pve/storage.cfg in PVE's section format; directories are the storages the lab can use."""

from __future__ import annotations

import dataclasses
import hashlib
import re

from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.node import Node

PATH = "/etc/pve/storage.cfg"
DEFAULT = (
    "dir: local\n\tpath /var/lib/vz\n\tcontent images,rootdir,vztmpl,backup,iso,snippets\n\tprune-backups keep-all=1\n"
)
_HEADER = re.compile(r"^(?P<type>[a-z]+):\s*(?P<id>\S+)\s*$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Storage:
    """One storage; `options` are its lines, `disable` included."""

    id: str
    type: str
    options: dict[str, str]

    @property
    def path(self) -> str:
        """The directory, on the node."""
        return self.options.get("path", "")

    @property
    def content(self) -> list[str]:
        """Content types it may hold."""
        return [entry for entry in self.options.get("content", "images,rootdir").split(",") if entry]

    @property
    def enabled(self) -> bool:
        """Whether it may be used."""
        return self.options.get("disable", "0") != "1"


class StorageConfig:
    """All storages of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        text = node.read(PATH) or DEFAULT
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.storages = _parse(text)

    def get(self, name: str) -> Storage:
        """One storage; PVE's 500 when there is none."""
        if name not in self.storages:
            message = f"storage '{name}' does not exist\n"
            raise AnswerError(message)
        return self.storages[name]

    def usable(self, name: str) -> Storage:
        """One storage that is not disabled."""
        storage = self.get(name)
        if not storage.enabled:
            message = f"storage '{name}' is disabled\n"
            raise AnswerError(message)
        return storage

    def on_node(self, name: str) -> Storage:
        """As the node's storage paths want it: 400 for an unknown one."""
        if name not in self.storages:
            raise BadParameterError({"storage": "No such storage."})
        return self.usable(name)

    def add(self, storage: Storage) -> None:
        """A new storage, its directory made."""
        if storage.id in self.storages:
            message = f"create storage failed: storage ID '{storage.id}' already defined\n"
            raise AnswerError(message)
        if storage.path:
            self._node.path(storage.path).mkdir(parents=True, exist_ok=True)
        self.storages[storage.id] = storage
        self._save()

    def change(self, name: str, changes: dict[str, str], delete: list[str]) -> Storage:
        """Other options for a storage."""
        if name not in self.storages:
            message = f"update storage failed: storage '{name}' does not exist\n"
            raise AnswerError(message)
        old = self.storages[name]
        options = {key: value for key, value in {**old.options, **changes}.items() if key not in delete}
        self.storages[name] = Storage(id=name, type=old.type, options=options)
        self._save()
        return self.storages[name]

    def remove(self, name: str) -> None:
        """Forget a storage; its files stay."""
        if name not in self.storages:
            message = f"delete storage failed: storage '{name}' does not exist\n"
            raise AnswerError(message)
        del self.storages[name]
        self._save()

    def _save(self) -> None:
        blocks = [
            f"{storage.type}: {storage.id}\n" + "".join(f"\t{key} {value}\n" for key, value in storage.options.items())
            for storage in self.storages.values()
        ]
        self._node.write(PATH, "\n".join(blocks))


def _parse(text: str) -> dict[str, Storage]:
    storages: dict[str, Storage] = {}
    current: Storage | None = None
    for line in text.splitlines():
        header = _HEADER.match(line)
        if header:
            current = Storage(id=header["id"], type=header["type"], options={})
            storages[current.id] = current
        elif current is not None and line[:1].isspace() and line.strip():
            key, _, value = line.strip().partition(" ")
            current.options[key] = value.strip() or "1"
    return storages
