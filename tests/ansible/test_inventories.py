"""The inventories people copy from say what the contracts ask for."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "inventory" / "example").iterdir() if path.is_dir())
CONTAINER_KEYS = {
    "vmid",
    "hostname",
    "gpus",
    "cores",
    "memory_mib",
    "disk_gib",
    "storage",
    "bridge",
    "template",
    "unprivileged",
}


def load(path: Path) -> dict[str, object]:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_has_the_three_groups(example: Path) -> None:
    children = load(example / "hosts.yml")["all"]["children"]
    assert {"pve_hosts", "gpu_guests", "webui_guests"} <= set(children)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_guest_of_an_example_is_a_wished_container(example: Path) -> None:
    children = load(example / "hosts.yml")["all"]["children"]
    guests = {
        host: settings["proxmox_vmid"]
        for group in ("gpu_guests", "webui_guests")
        for host, settings in children[group]["hosts"].items()
    }
    wished = load(example / "group_vars" / "all.yml")["gpu_containers"]
    assert {entry["hostname"]: entry["vmid"] for entry in wished} == guests


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_containers_spell_out_every_key(example: Path) -> None:
    wished = load(example / "group_vars" / "all.yml")["gpu_containers"]
    assert [CONTAINER_KEYS - set(entry) for entry in wished] == [set()] * len(wished)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_holds_no_secret(example: Path) -> None:
    settings = load(example / "group_vars" / "all.yml")
    assert settings["pve_api_password"].startswith("{{ lookup(")
