import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox.gpu.inventory import passthrough_from_json, read_inventory, to_json
from rocmox.machine.captured import CapturedMachine

CONFIG = "hostname: llm1\nunprivileged: 1\ndev0: /dev/kfd,gid=992\ndev1: /dev/dri/renderD129,gid=992\n"


@pytest.fixture
def document(fresh_tree: Callable[[str], Path]) -> dict[str, object]:
    root = fresh_tree("mi50x3")
    folder = root / "etc/pve/lxc"
    folder.mkdir(parents=True)
    (folder / "101.conf").write_text(CONFIG)
    return json.loads(json.dumps(to_json(read_inventory(CapturedMachine(root)))))


def test_the_document_names_what_others_read(document: dict[str, object]) -> None:
    gpu = document["gpus"][1]
    assert document["schema_version"] == 1
    assert (gpu["pci_address"], gpu["architecture"]) == ("0000:06:00.0", "gfx906")
    assert (gpu["card_path"], gpu["render_path"]) == ("/dev/dri/card2", "/dev/dri/renderD129")
    assert [gpu["containers"] for gpu in document["gpus"]] == [[], [101], []]
    assert document["driver"] == {"name": "amdgpu", "loaded": True, "kind": "inbox", "version": None}
    assert document["constructed"] is True


def test_a_guest_learns_what_is_passed_to_it(document: dict[str, object]) -> None:
    passthrough = passthrough_from_json(document, 101)
    assert [(device.key, device.path, device.gid) for device in passthrough.devices] == [
        ("dev0", "/dev/kfd", 992),
        ("dev1", "/dev/dri/renderD129", 992),
    ]
    assert "/dev/dri/renderD128" in passthrough.card_nodes


def test_an_unknown_container_is_said_to_be(document: dict[str, object]) -> None:
    with pytest.raises(CannotLookError, match="no container 102"):
        passthrough_from_json(document, 102)


@pytest.mark.parametrize(
    "foreign", [None, [], {}, {"gpus": [], "containers": [{}]}, {"gpus": [{}], "containers": []}, "x"]
)
def test_a_foreign_document_is_said_to_be(foreign: object) -> None:
    with pytest.raises(CannotLookError, match="not what `rocmox gpus --json` writes"):
        passthrough_from_json(foreign, 101)
