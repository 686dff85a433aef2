from pathlib import Path
from typing import Any

import pytest

from rocmox.containers import session as opened
from rocmox.containers.access import Access
from rocmox.containers.session import Comparison, open_comparison
from rocmox.containers.spec.inventory import InventoryHost
from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError, RocmoxError
from rocmox.machine import LocalMachine
from rocmox.proxmox import Node
from rocmox.proxmox.tasks import Clock

from .fake_pve import FakePve
from .worlds import CHAT, LLM, node_of, plan

HOST = InventoryHost(
    name="pve1", variables={"pve_api_host": "192.0.2.10", "pve_node": "pve9", "gpu_containers": [CHAT]}
)


@pytest.fixture(autouse=True)
def _at_home_without_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


def session_of(pve: FakePve, *wishes: dict[str, Any]) -> Comparison:
    machine = LocalMachine("/")
    access = Access(node=node_of(pve), machine=machine, description="")
    return Comparison(
        host="pve1", access=access, machine=machine, files=None, options=Options(), plan=plan(pve, *wishes), stored={}
    )


def test_a_node_of_another_name_is_refused_before_its_guests_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    pve = FakePve()
    access = Access(node=Node(api=pve, name="pve9"), machine=LocalMachine("/"), description="")
    monkeypatch.setattr(opened, "open_access", lambda _: access)
    with pytest.raises(RefusedError, match="there is no node 'pve9' here") as refusal:
        open_comparison(HOST, migrate_legacy=False)
    assert "pve1" in refusal.value.remedy


def test_guests_without_their_devices_are_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "ensure_group_ids", lambda *_, **__: None)
    with pytest.raises(RocmoxError, match="the guests 101 run without their devices") as failure:
        session_of(FakePve(), LLM, CHAT).apply()
    assert failure.value.exit_code == 2


def test_a_site_without_cards_needs_no_group_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "ensure_group_ids", lambda *_, **__: None)
    assert session_of(FakePve(), CHAT).apply().done[-1] == "start container 102"
