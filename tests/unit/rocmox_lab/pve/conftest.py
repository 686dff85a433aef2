from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox_lab.pve.node import Node
from tests.unit.rocmox_lab.pve.pretended_node import Client, make_node
from tests.unit.rocmox_lab.pve.served import served


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return make_node(tmp_path)


@pytest.fixture
def port(node: Node) -> Iterator[int]:
    """A server of its own with TLS, in a thread."""
    with served(node) as number:
        yield number


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node)


@pytest.fixture
def modern(tmp_path: Path) -> Client:
    return Client(make_node(tmp_path, "9.2"))
