"""A node that is too old is refused with the reason by everything the Ansible module does, before anything is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocmox.containers.ansible_entry import adopt_containers, ensure_containers, remove_containers
from rocmox.errors import RefusedError
from tests.unit.proxmox.tls_server import make_certificate, serve

ASKED = ["/api2/json/access/ticket", "/api2/json/version"]


@pytest.mark.parametrize("version", ["7.4-17", "7.0-8", "8.0.4"])
@pytest.mark.parametrize("state", [ensure_containers, adopt_containers, remove_containers])
def test_it_is_refused_with_the_reason(tmp_path: Path, state: Callable[..., Any], version: str) -> None:
    pem, fingerprint = make_certificate(tmp_path)
    paths = []

    def answer(_method: str, path: str, _headers: dict[str, str], _body: str) -> tuple[int, str, Any]:
        paths.append(path)
        data = {"ticket": "PVE:root@pam:1", "CSRFPreventionToken": "C", "version": version}
        return 200, "OK", {"data": data}

    with serve(pem, answer) as port:
        parameters = {
            "node": "pve1",
            "containers": [{"vmid": 101, "hostname": "llm1"}],
            "gpus_report": '{"gpus": []}',
            "guest_groups": "",
            "api_host": "127.0.0.1",
            "api_port": port,
            "api_password": "root-secret-1",
            "api_fingerprint": fingerprint,
        }
        with pytest.raises(RefusedError) as caught:
            state(parameters, check_mode=False)
    assert f"Proxmox VE {version[:3]}; rocmox needs 8.1 or newer" in caught.value.message
    assert "devN came with pve-container 5.0.7" in caught.value.message
    assert paths == ASKED
