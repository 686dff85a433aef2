import json
import shlex
from collections.abc import Sequence
from typing import Any

import pytest

from rocmox.containers.spec.inventory import InventoryHost, read_hosts
from rocmox.errors import CannotLookError, RefusedError
from rocmox.machine import Completed, LocalMachine

VARIABLES = {
    "pve_api_host": "192.0.2.10",
    "pve_api_password": "hush",
    "pve_api_fingerprint": "AB",
    "pve_node": "pve1",
    "gpu_containers": [{"vmid": 101}],
    "gpu_container_gpu_root": "/captured",
    "gpu_container_api_user": "admin@pve",
    "ansible_host": "192.0.2.10",
    "ansible_user": "admin",
    "ansible_port": 2222,
    "ansible_ssh_private_key_file": "/keys/one",
    "ansible_ssh_common_args": "-o UserKnownHostsFile='/keys/known hosts'",
}


class Ansible(LocalMachine):
    """Answers as `ansible -m debug` does."""

    def __init__(self, stdout: str, exit_status: int = 0) -> None:
        super().__init__("/")
        self.answer = Completed(argv=(), exit_status=exit_status, stdout=stdout, stderr="no vault secrets found")
        self.argv: Sequence[str] = ()

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        self.argv = argv
        return self.answer


def said(name: str, variables: dict[str, Any]) -> str:
    return f"{name} | SUCCESS => " + json.dumps({"changed": False, "msg": json.dumps(variables)}, indent=4) + "\n"


def test_hosts_with_their_variables() -> None:
    ansible = Ansible(said("pve1", VARIABLES) + said("pve2", {}))
    first, second = read_hosts("inventory/x", limit="pve*", machine=ansible)
    assert (first.name, second.name) == ("pve1", "pve2")
    assert list(ansible.argv)[-2:] == ["--limit", "pve*"]
    assert "hush" not in repr(first)


def test_site_variables_become_parameters_and_role_variables_win() -> None:
    parameters = InventoryHost(name="pve1", variables=VARIABLES).parameters()
    assert parameters["api_host"] == "192.0.2.10"
    assert parameters["api_user"] == "admin@pve"
    assert parameters["containers"] == [{"vmid": 101}]
    assert parameters["gpu_root"] == "/captured"


def test_how_the_node_is_reached() -> None:
    destination, options = InventoryHost(name="pve1", variables=VARIABLES).destination()
    assert destination == "admin@192.0.2.10"
    assert options == ("-o", "UserKnownHostsFile=/keys/known hosts", "-i", "/keys/one", "-p", "2222")


def test_without_credentials_the_shell_of_the_node_is_enough() -> None:
    secret = {"pve_api_host", "pve_api_password"}
    variables = {name: value for name, value in VARIABLES.items() if name not in secret}
    parameters = InventoryHost(name="pve1", variables=variables).parameters()
    assert parameters["ssh_destination"] == "admin@192.0.2.10"
    assert shlex.split(parameters["ssh_options"])[:2] == ["-o", "UserKnownHostsFile=/keys/known hosts"]


def test_a_node_that_is_the_controller_needs_no_ssh() -> None:
    parameters = InventoryHost(name="pve1", variables=VARIABLES | {"ansible_connection": "local"}).parameters()
    assert parameters["ssh_destination"] == "local"
    assert "ssh_options" not in parameters


@pytest.mark.parametrize("missing", ["pve_api_host", "pve_node", "gpu_containers"])
def test_what_is_missing_is_named(missing: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != missing}
    with pytest.raises(RefusedError, match=f"pve1 has no {missing}"):
        InventoryHost(name="pve1", variables=variables).parameters()


@pytest.mark.parametrize("ansible", [Ansible("", exit_status=0), Ansible(said("pve1", VARIABLES), exit_status=4)])
def test_an_inventory_that_cannot_be_read_says_what_ansible_says(ansible: Ansible) -> None:
    with pytest.raises(CannotLookError, match="no vault secrets found"):
        read_hosts("inventory/x", limit="", machine=ansible)
