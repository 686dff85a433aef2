"""The node the lab plays: its name, its version, where its files are. Everything else receives one `Node`."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocmox.files import write_whole
from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.faults.operations import breakable
from rocmox_lab.pve.faults.orders import FOLDER as FAULTS
from rocmox_lab.pve.runtime_protocol import GuestRuntime
from rocmox_lab.pve.schema import Schema, load

SETTINGS = "etc/rocmox-lab/node.json"
# pve-manager version, repository id, release: what `version` answers. 8.4.1 as recorded; 9.2.11 as its tables say, with
# a repository id of zeros because none was recorded.
VERSIONS = {"8.4": ("8.4.1", "2a5fa54a8503f96d", "8.4"), "9.2": ("9.2.11", "0" * 16, "9.2")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """`/etc/rocmox-lab/node.json`, with defaults for a tree that has none."""

    node: str = "pve"
    pve_version: str = "8.4"
    mirror_url: str = ""
    gpu_root: str = "/"
    runtime: str = "lxc"

    @classmethod
    def read(cls, root: Path) -> Settings:
        """From the tree under root; the environment (ROCMOX_LAB_NODE, _PVE_VERSION, _RUNTIME) wins."""
        path = root / SETTINGS
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        names = {field.name for field in dataclasses.fields(cls)}
        for name in names:
            value = os.environ.get(f"ROCMOX_LAB_{name.upper()}")
            if value:
                found[name] = value
        return cls(**{key: value for key, value in found.items() if key in names})


class Node:
    """Paths, settings and the runtime of one node; cheap to make."""

    def __init__(self, root: str | Path | None = None, *, settings: Settings | None = None) -> None:
        self.root = Path(root if root is not None else os.environ.get("ROCMOX_LAB_ROOT", "/"))
        self.settings = settings or Settings.read(self.root)
        self._runtime: GuestRuntime | None = None

    @property
    def name(self) -> str:
        """The node's name in every path."""
        return self.settings.node

    @property
    def version(self) -> str:
        """`8.4` or `9.2`."""
        return self.settings.pve_version

    @property
    def modern(self) -> bool:
        """Whether PVE 9's rules apply."""
        return not self.version.startswith("8.")

    @property
    def schema(self) -> Schema:
        """The parameter tables of this version."""
        return load(self.version)

    def path(self, absolute: str) -> Path:
        """Where a path of the node is found here."""
        return self.root / absolute.lstrip("/")

    def shown(self, path: str | Path) -> str:
        """A path found here as the node would write it."""
        text = str(path)
        prefix = str(self.root).rstrip("/")
        return text[len(prefix) :] if prefix and text.startswith(prefix + "/") else text

    @property
    def runtime(self) -> GuestRuntime:
        """The container runtime, loaded when first needed."""
        if self._runtime is None:
            self._runtime = breakable(self.path(FAULTS), self._load_runtime())
        return self._runtime

    def _load_runtime(self) -> GuestRuntime:
        if self.settings.runtime == "fake":
            from rocmox_lab.pve.runtime_fake import FakeRuntime  # noqa: PLC0415 - never loaded on a real node

            return FakeRuntime(self.root)
        from rocmox_lab.pve.runtime import create_runtime  # noqa: PLC0415 - keeps the commands' start quick

        return create_runtime(root=str(self.root), pve_version=self.version, gpu_root=self.settings.gpu_root)

    def read(self, absolute: str, default: str = "") -> str:
        """A text file of the node; the default when it is not there."""
        try:
            return self.path(absolute).read_text(encoding="utf-8")
        except FileNotFoundError:
            return default

    def write(self, absolute: str, text: str, *, mode: int = 0o640) -> None:
        """Replace a file of the node in one step."""
        target = self.path(absolute)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text, mode=mode, durable=False)

    @contextlib.contextmanager
    def locked(self, name: str, *, timeout_seconds: float = 10) -> Iterator[None]:
        """Hold `/run/lock/lxc/NAME.lock`; PVE's text when it is not free in time."""
        path = self.path(f"/run/lock/lxc/{name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_seconds
        with path.open("a") as stream:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        text = f"can't lock file '{self.shown(path)}' - got timeout\n"
                        raise AnswerError(text) from error
                    time.sleep(0.05)
            yield
