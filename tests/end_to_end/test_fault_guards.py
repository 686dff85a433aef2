"""Every guard of the fault campaign fires: broken clients, half-made nodes and faults that never fire are noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.fault_campaign import Campaign
from tests.end_to_end.fault_cases import EITHER, OVERCOME, REPORTED, Case
from tests.end_to_end.fault_client import MODULE
from tests.end_to_end.fault_sites import site
from tests.end_to_end.pretended_world import pretended_world

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]
_BROKEN = f"""
import runpy
from requests.adapters import HTTPAdapter
from rocmox.containers import ansible_entry
from rocmox.containers.apply import run as apply
from rocmox.errors import RocmoxError
from rocmox.proxmox import lxc, session
{{}}
runpy.run_path({str(MODULE)!r}, run_name="__main__")
"""
_NO_UNDO = "apply._Run._undo = lambda self, undo, exception, running: 'its configuration is as before'"
_FOREIGN = """
before = ansible_entry.apply_site
def meddling(node, *others):
    node.api.put(node.path("lxc", 901, "config"), {"cores": 3})
    return before(node, *others)
ansible_entry.apply_site = meddling
"""
_TRACEBACK = "lxc.read_config = lambda node, vmid: {}[vmid]"
_NO_REMEDY = "RocmoxError.__str__ = lambda self: self.message"
_LAZY = "ansible_entry.apply_site = lambda node, plan, *others: ansible_entry._predicted(plan)"
_GIVES_UP = "session._Adapter.send = HTTPAdapter.send"
_START_FAILS = Case(
    kind="task fails",
    site=site("fewer cards"),
    fault="task-fails",
    words=("operation=start", "vmid=101"),
    expected=REPORTED,
    says="rocmox lab fault",
)
_READ_BREAKS = Case(
    kind="truncated",
    site=site("changed"),
    fault="api-truncated",
    words=("path=/version", "method=GET"),
    expected=OVERCOME,
)


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with pretended_world() as world:
        yield Campaign(world, only=("changed", "fewer cards", "empty"))


@pytest.fixture
def broken_client(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    program = tmp_path / "broken.py"
    program.write_text(_BROKEN.format(request.param), encoding="utf-8")
    return program


@pytest.mark.parametrize(
    ("broken_client", "case", "said"),
    [
        pytest.param(_NO_UNDO, _START_FAILS, "not put back", id="rollback that is only said"),
        pytest.param(_FOREIGN, _READ_BREAKS, "a foreign container changed", id="foreign container"),
        pytest.param(_TRACEBACK, _READ_BREAKS, "Traceback", id="traceback"),
        pytest.param(_NO_REMEDY, _START_FAILS, "no remedy", id="no remedy"),
        pytest.param(_LAZY, _READ_BREAKS, "not converged", id="nothing done"),
        pytest.param(_GIVES_UP, _READ_BREAKS, "not overcome", id="reads once"),
    ],
    indirect=["broken_client"],
)
def test_a_broken_client_is_noticed(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, broken_client: Path, case: Case, said: str
) -> None:
    monkeypatch.setattr(campaign, "program", broken_client)
    with pytest.raises(AssertionError, match=said):
        campaign.run(case)


def test_a_fault_that_never_fires_is_noticed(campaign: Campaign) -> None:
    case = Case(kind="HTTP 500", site=site("empty"), fault="api-error", words=("path=/no/such/path",), expected=EITHER)
    with pytest.raises(AssertionError, match="the fault did not fire"):
        campaign.run(case)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("etc/pve/lxc/101.conf", "lock: backup\n", "a lock is left"),
        ("var/lib/vz/images/101/vm-101-disk-9.raw", "", "is nobody's"),
    ],
)
def test_what_is_half_made_is_noticed(campaign: Campaign, path: str, text: str, said: str) -> None:
    campaign.world.restore("changed")
    campaign.judge_node("as it was")
    with (campaign.world.root / path).open("a", encoding="utf-8") as stream:
        stream.write(text)
    with pytest.raises(AssertionError, match=said):
        campaign.judge_node("half-made")
