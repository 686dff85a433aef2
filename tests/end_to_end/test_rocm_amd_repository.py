"""The role rocm with provider amd: a signed repository of AMD's layout, a guest of its own, and every refusal."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocmox_lab.apt_repository import create_key, discard_key
from tests.end_to_end.amd_repository import package_version, publish
from tests.end_to_end.conftest import Run, play
from tests.end_to_end.entered_guest import TEMPLATE, Node, enter, fetch_template

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

VMID = 192
TRACES = "ls -d /opt/rocm* /etc/apt/keyrings/rocm.gpg /etc/apt/sources.list.d/rocm.sources /etc/apt/preferences.d/rocm"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def repository(lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """ROCm 6.2.4 and 6.3.3, and 6.1.0 signed by another key, served at the lab's gateway: the role's variables."""
    top = tmp_path_factory.mktemp("amd")
    key, other = (create_key(tmp_path_factory.getbasetemp() / name) for name in ("k", "o"))
    publish(top, version="6.1.0", key=other)
    for version in ("6.2.4", "6.3.3"):
        publish(top, version=version, key=key)
    handler = functools.partial(Quiet, directory=str(top))
    server = http.server.ThreadingHTTPServer((lab["gateway"], 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{lab['gateway']}:{server.server_port}"
    yield {
        "rocm_provider": "amd",
        "rocm_version": "6.2.4",
        "rocm_packages": "{{ rocm_default_packages.amd }}",
        "rocm_supported_distributions": {"amd": ["Debian 13"], "debian": []},
        "rocm_apt_url": url + "/rocm/apt/{{ rocm_version }}",
        "rocm_apt_amdgpu_url": url + "/amdgpu/{{ rocm_version }}/ubuntu",
        "rocm_apt_key_url": url + "/rocm/rocm.gpg.key",
        "rocm_apt_key_fingerprint": key.fingerprint,
    }
    server.shutdown()
    server.server_close()
    for made in (key, other):
        discard_key(made)


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[Node]:
    node = Node(address=lab["node_address"], private_key=lab["ssh_private_key"], known_hosts=lab["known_hosts"])
    prefix = lab["gateway"].rpartition(".")[0]
    net = f"name=eth0,bridge=vmbr0,ip={prefix}.{VMID}/24,gw={lab['gateway']}"
    create = ["--hostname", "amd1", "--unprivileged", "1", "--features", "nesting=1", "--rootfs", "local:4"]
    node.run("pct", "stop", str(VMID), check=False)
    node.run("pct", "destroy", str(VMID), check=False)
    fetch_template(node)
    node.run("pct", "create", str(VMID), TEMPLATE, *create, "--memory", "512", "--net0", net)
    node.run("pct", "start", str(VMID))
    yield node
    node.run("pct", "stop", str(VMID), check=False)
    node.run("pct", "destroy", str(VMID), check=False)


@pytest.fixture
def install(node: Node, repository: dict[str, Any], tmp_path: Path) -> Callable[..., Run]:
    """Runs playbooks/install_rocm.yml, or another one, on the guest with the repository's variables and some others."""

    def run(*arguments: str, playbook: str = "playbooks/install_rocm.yml", **variables: Any) -> Run:
        guest = {"ansible_connection": "pve_lxc", "proxmox_vmid": VMID, "pve_node_inventory_host": "pve1"}
        hosts = {
            "pve_hosts": {"hosts": {"pve1": node.variables}},
            "gpu_guests": {"hosts": {"amd1": node.variables | guest | repository}},
        }
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
        (tmp_path / "settings.yml").write_text(yaml.safe_dump(variables))
        inventory = ["-i", str(tmp_path / "hosts.yml"), "--limit", "amd1", "-e", f"@{tmp_path}/settings.yml"]
        return play(*inventory, *arguments, playbook=playbook, timeout_seconds=600)

    return run


def in_guest(node: Node, command: str) -> tuple[int, str]:
    status, out, err = enter(node, proxmox_vmid=VMID).exec_command(command)
    return status, (out + err).decode()


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("another key", {"rocm_apt_key_fingerprint": "CA8BB4727A47B4D09B4EE8969386B48A1A693C5C"}, "is pinned"),
    ("no such version", {"rocm_version": "9.9.9"}, "check rocm_version"),
    ("another signature", {"rocm_version": "6.1.0"}, "a wrong signature names the key"),
    ("no server", {"rocm_apt_key_url": "http://127.0.0.1:9/rocm.gpg.key"}, "The signing key cannot be fetched"),
    ("no server of packages", {"rocm_apt_url": "http://127.0.0.1:9/rocm"}, "apt cannot read the sources"),
    ("a page instead of a key", {"rocm_apt_key_url": "{{ rocm_apt_url }}/dists/noble/Release"}, "holds no signing key"),
    ("another origin", {"rocm_apt_origin": "amd.example"}, "Set rocm_apt_origin"),
    ("another version inside", {"rocm_apt_url": "{{ rocm_apt_key_url | dirname }}/apt/6.3.3"}, "rocm_version is 6.2.4"),
    ("unknown package", {"rocm_packages": ["rocminfo", "rocm-of-gold"]}, "rocm-of-gold is not offered"),
    ("no room", {"rocm_room_margin_bytes": 10**13}, "Enlarge the container"),
    ("another distribution", {"rocm_supported_distributions": {"amd": ["Ubuntu 24.04"]}}, "serves Ubuntu 24.04"),
]


def attempt(why: str, variables: dict[str, Any]) -> dict[str, Any]:
    """A task that runs the role's preflight with these variables, and prints why it refused."""
    look = {"ansible.builtin.include_role": {"name": "rocm", "tasks_from": "preflight"}, "vars": variables}
    accepted = {"ansible.builtin.debug": {"msg": f"CASE {why}: ACCEPTED"}}
    refused = {"ansible.builtin.debug": {"msg": f"CASE {why}: {{{{ ansible_failed_result.msg }}}}"}}
    return {"name": why, "block": [look, accepted], "rescue": [refused]}


def test_refuses_before_anything_is_changed(install: Callable[..., Run], node: Node, tmp_path: Path) -> None:
    tasks = [attempt(why, variables) for why, variables, _ in REFUSALS]
    (tmp_path / "refuse.yml").write_text(yaml.safe_dump([{"hosts": "amd1", "gather_facts": False, "tasks": tasks}]))
    run = install(playbook=str(tmp_path / "refuse.yml"))
    assert run.exit_status == 0, run.output[-3000:]
    said = dict(part.split(": ", 1) for part in " ".join(run.output.split()).split("CASE ")[1:])
    assert {why: says for why, _, says in REFUSALS if says not in said[why]} == {}, said
    assert run.changed["amd1"] == 0
    assert in_guest(node, TRACES)[1].count("No such file") == 4


def test_check_mode_on_an_untouched_guest_changes_nothing(install: Callable[..., Run], node: Node) -> None:
    run = install("--check", "--diff")
    assert run.exit_status == 0, run.output[-3000:]
    assert "+URIs: http://" in run.output
    assert f"rocm-core={package_version('rocm-core', '6.2.4')}" in run.output
    assert in_guest(node, TRACES)[1].count("No such file") == 4


def test_installs_pins_and_stays(install: Callable[..., Run], node: Node, repository: dict[str, Any]) -> None:
    first = install()
    assert first.exit_status == 0, first.output[-4000:]
    assert "No GPU is visible to ROCm in this guest" in first.output
    installed = in_guest(node, "dpkg-query --show --showformat '${Package}=${Version}\\n'")[1].split()
    for name in ("rocminfo", "hipcc", "hipblas-dev", "hsa-rocr", "libdrm-amdgpu-amdgpu1"):
        assert f"{name}={package_version(name, '6.2.4')}" in installed
    assert not {"rocm", "amdgpu-dkms"} & {word.split("=")[0] for word in installed}
    assert "Candidate: (none)" in in_guest(node, "apt-cache policy amdgpu-dkms")[1]
    assert package_version("rocminfo", "6.2.4") in in_guest(node, "apt-cache policy rocminfo | grep Candidate")[1]
    key = in_guest(
        node, "stat -c %a /etc/apt/keyrings/rocm.gpg; grep -c Signed-By /etc/apt/sources.list.d/rocm.sources"
    )
    assert key[1].split() == ["644", "2"]
    assert repository["rocm_apt_key_fingerprint"]
    for arguments in ([], ["--check", "--diff"]):
        again = install(*arguments)
        assert (again.exit_status, again.changed["amd1"]) == (0, 0), again.output[-4000:]


def test_another_version_replaces_it(install: Callable[..., Run], node: Node) -> None:
    for version in ("6.3.3", "6.2.4"):
        run = install(rocm_version=version)
        assert run.exit_status == 0, run.output[-4000:]
        assert in_guest(node, "readlink /opt/rocm")[1].strip() == f"rocm-{version}"
        assert in_guest(node, "ls /opt | grep -c rocm-")[1].strip() == "1"


def test_a_card_that_must_be_there_and_is_not_ends_the_play(install: Callable[..., Run]) -> None:
    run = install(rocm_require_gpu=True)
    assert run.exit_status == 2
    assert "No GPU is visible to ROCm in this guest" in run.output.partition("Stop when a card must be there")[2]
