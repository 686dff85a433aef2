from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from proxmoxer import ProxmoxAPI, ResourceException

from rocmox_lab.pve.commands import getopt, output, pct, pveam, pvesh, pvesm, pveversion
from rocmox_lab.pve.node import Node

TEMPLATE = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"


@pytest.fixture(autouse=True)
def on_node(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCMOX_LAB_ROOT", str(node.root))
    monkeypatch.setenv("ROCMOX_LAB_NODE", "pve1")
    monkeypatch.setenv("ROCMOX_LAB_RUNTIME", "fake")


def test_options_may_stand_anywhere_and_booleans_alone() -> None:
    known = {"memory": {"type": "integer"}, "purge": {"type": "boolean"}}.get
    words = getopt.parse(["101", "-memory", "512", "--purge", "--", "-x"], known)
    assert words.arguments == ["101", "-x"]
    assert words.options == {"memory": "512", "purge": "1"}
    with pytest.raises(getopt.UnknownOptionError, match="Unknown option: foo"):
        getopt.parse(["--foo", "1"], known)
    with pytest.raises(getopt.UnknownOptionError, match="requires an argument"):
        getopt.parse(["--memory"], known)


def test_pct_makes_starts_and_destroys(capsys: pytest.CaptureFixture[str]) -> None:
    assert pct.main(["create", "101", TEMPLATE, "--rootfs", "local:1", "--dev0", "/dev/kfd,gid=993"]) == 0
    assert "Formatting '/var/lib/vz/images/101/vm-101-disk-0.raw'" in capsys.readouterr().out
    assert pct.main(["start", "101"]) == 0
    assert pct.main(["start", "101"]) == 255
    assert pct.main(["status", "101"]) == 0
    assert pct.main(["set", "101", "-dev1", "/dev/null"]) == 0
    assert pct.main(["pending", "101"]) == 0
    found = capsys.readouterr()
    assert "status: running" in found.out
    assert "new dev1: /dev/null" in found.out
    assert found.err == "CT 101 already running\n"
    assert pct.main(["exec", "101", "--", "sh", "-c", "exit 7"]) == 7
    assert pct.main(["destroy", "101", "--force"]) == 0
    assert pct.main(["config", "101"]) == 2


def test_a_task_that_fails_is_255_for_pct_and_0_for_pvesh(capsys: pytest.CaptureFixture[str]) -> None:
    assert pct.main(["start", "999"]) == 255
    assert pvesh.main(["create", "/nodes/pve1/lxc/999/status/start", "--output-format", "json"]) == 0
    found = capsys.readouterr()
    assert json.loads(found.out).startswith("UPID:pve1:")
    assert found.err.count("does not exist") == 2


def test_pvesh_reads_writes_and_complains(capsys: pytest.CaptureFixture[str]) -> None:
    assert pvesh.main(["get", "/version"]) == 0
    assert "│ release │ 8.4" in capsys.readouterr().out
    assert pvesh.main(["get", "/nodes/pve1/foo"]) == 1
    assert capsys.readouterr().err == "No 'get' handler defined for '/nodes/pve1/foo'\n"
    assert pvesh.main(["create", "/nodes/pve1/lxc", "--vmid", "101"]) == 255
    assert capsys.readouterr().err == (
        "400 Parameter verification failed.\n"
        "ostemplate: property is missing and it is not optional\n"
        "pvesh create <api_path> --ostemplate <string> --vmid <integer> [OPTIONS] [FORMAT_OPTIONS]\n"
    )
    assert pvesh.main(["create", "/pools", "-poolid", "gpu"]) == 0
    assert pvesh.main(["get", "/pools", "--output-format", "json"]) == 0
    assert capsys.readouterr().out == '[{"poolid":"gpu"}]\n'
    assert pvesh.main(["ls", "/access"]) == 0
    assert "Dr-c-        users" in capsys.readouterr().out
    assert pvesh.main([]) == 255
    assert pvesh.main(["patch", "/version"]) == 255


def test_the_smaller_commands_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert pveam.main(["list", "local"]) == 0
    assert TEMPLATE in capsys.readouterr().out
    assert pveam.main(["available", "--section", "mail"]) == 0
    assert "ubuntu" not in capsys.readouterr().out
    assert pvesm.main(["status"]) == 0
    assert "local" in capsys.readouterr().out
    assert pvesm.main(["alloc", "local", "100", "vm-100-disk-0.raw", "16M"]) == 0
    assert pvesm.main(["list", "local"]) == 0
    assert "vm-100-disk-0.raw" in capsys.readouterr().out
    assert pvesm.main(["free", "local:100/vm-100-disk-0.raw"]) == 0
    assert pveversion.main([]) == 0
    assert capsys.readouterr().out.endswith(")\n")
    for command in (pveam, pvesm, pct):
        assert command.main(["nonsense"]) == 255


def test_output_formats(capsys: pytest.CaptureFixture[str]) -> None:
    output.show({"b": "1.0", "a": [1, {"c": None}]}, "yaml")
    assert capsys.readouterr().out == "---\na:\n  - 1\n  - c: ~\nb: '1.0'\n"
    output.show({"b": 1}, "json-pretty")
    assert capsys.readouterr().out == '{\n   "b" : 1\n}\n'
    output.show(None, "json")
    assert capsys.readouterr().out == ""


def test_proxmoxer_s_local_backend_talks_to_pvesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = tmp_path / "bin" / "pvesh"
    wrapper.parent.mkdir()
    source = Path(pvesh.__file__).parents[3]
    line = f'PYTHONPATH={source} exec {sys.executable} -m rocmox_lab.pve.commands.pvesh "$@"'
    wrapper.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    api = ProxmoxAPI(backend="local", timeout=60)
    assert api.version.get()["version"] == "8.4.1"
    upid = api.nodes("pve1").lxc.post(vmid=101, ostemplate=TEMPLATE, rootfs="local:1", unprivileged=1)
    assert upid.startswith("UPID:pve1:")
    assert api.nodes("pve1").lxc(101).config.put(description="a\nb") == {"errors": ""}
    assert api.nodes("pve1").lxc(101).config.get()["description"] == "a\nb\n"
    with pytest.raises(ResourceException, match="400 Bad Request"):
        api.nodes("pve1").lxc(101).config.put(dev0="kfd")
