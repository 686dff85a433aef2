"""`inventory/lab/lab.py`, run as Ansible runs it."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rocmox_lab.settings import LabSettings
from rocmox_lab.state import new_state

SCRIPT = Path(__file__).parents[3] / "inventory" / "lab" / "lab.py"


def listed(labs: Path, name: str) -> tuple[dict[str, Any], str]:
    environment = {**os.environ, "ROCMOX_LAB": name, "ROCMOX_LABS_DIRECTORY": str(labs)}
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "--list"], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout), done.stderr


def test_without_a_lab_the_hosts_are_there_and_the_reason_is_said(tmp_path: Path) -> None:
    document, stderr = listed(tmp_path, "")
    assert document["pve_hosts"]["hosts"] == ["pve1"]
    assert "no lab named default is up: run `make lab`" in stderr


def test_a_lab_gives_its_node_and_guests(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    state = dataclasses.replace(
        new_state(LabSettings(name="one", node="pve7"), 4), root_password_file=str(password), api_fingerprint="AB:CD"
    )
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "state.json").write_text(json.dumps(dataclasses.asdict(state)))
    document, stderr = listed(tmp_path, "one")
    assert stderr == ""
    node, guest = (document["_meta"]["hostvars"][name] for name in ("pve7", "llm1"))
    assert node["ansible_host"] == "10.77.4.2"
    assert "StrictHostKeyChecking=yes" in node["ansible_ssh_common_args"]
    assert node["pve_api_password"] == "secret"
    assert node["lab_network_prefix"] == "10.77.4"
    assert guest["proxmox_vmid"] == 101
    assert guest["pve_node_inventory_host"] == "pve7"
    assert document["gpu_guests"]["hosts"] == ["llm1"]


def test_a_single_host_is_answered_empty_since_meta_has_it_all() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--host", "pve1"], capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
