"""The README's recipe for a token, held against the lab's rights: enough for all but cards."""

import re
from pathlib import Path
from typing import Any

import pytest

from rocmox.containers.apply.removal import remove
from rocmox.containers.apply.run import apply_site
from rocmox.containers.plan.adoption import plan_adoption
from rocmox.containers.plan.removal import plan_removal
from rocmox.containers.plan.site import SitePlan, plan_site
from rocmox.containers.spec.container import parse_specs
from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError, RocmoxError
from rocmox.proxmox import Node
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.lab_api import LabApi
from tests.unit.containers.lab_node import CHAT, LLM, LabNode
from tests.unit.containers.worlds import CARDS, GROUPS
from tests.unit.rocmox_lab.pve.pretended_node import Client

README = Path(__file__).parents[4] / "roles/gpu_container/README.md"
TOKEN = "rocmox@pve!site"


def privileges() -> list[str]:
    found = re.search(r'role add Rocmox --privs "([^"]+)"', README.read_text(encoding="utf-8"))
    assert found is not None
    return found[1].split()


def paths() -> list[str]:
    found = re.search(r"for path in ([^;]+); do pveum acl modify \$path", README.read_text(encoding="utf-8"))
    assert found is not None
    return found[1].split()


def token_with(lab: LabNode, granted: list[str]) -> LabApi:
    client = Client(lab.pve)
    client("POST", "/access/roles", roleid="Rocmox", privs=",".join(granted))
    client("POST", "/access/users", userid="rocmox@pve")
    client("POST", "/access/users/rocmox@pve/token/site", privsep=0)
    for path in paths() if "Sys.Modify" not in granted else ["/"]:
        client("PUT", "/access/acl", path=path, users="rocmox@pve", roles="Rocmox")
    return LabApi(client, TOKEN)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


@pytest.fixture(params=["8.4", "9.2"])
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> LabNode:
    return LabNode(tmp_path, monkeypatch, version=request.param)


def plan(api: LabApi, entry: dict[str, Any]) -> SitePlan:
    return plan_site(Node(api=api, name="pve1"), parse_specs([entry]), CARDS, {}, Options())


def live_through(api: LabApi) -> None:
    """Create, change, adopt anew and destroy a container without cards."""
    node = Node(api=api, name="pve1")
    for entry in (CHAT, CHAT | {"cores": 2, "memory_mib": 768, "disk_gib": 2, "hostname": "chat2", "nesting": False}):
        site = plan(api, entry)
        assert site.steps != ()
        apply_site(node, site, Options(), lambda _: GROUPS)
        assert plan(api, entry).steps == ()
    specs = parse_specs([CHAT])
    assert plan_adoption(node, specs) == ()
    steps, _ = plan_removal(node, specs)
    remove(node, steps, Options())
    assert api.get("/nodes/pve1/lxc") == []


def test_the_recipe_is_enough_without_cards(lab: LabNode) -> None:
    api = token_with(lab, privileges())
    live_through(api)
    assert api.changes != []  # it lived through the recorded way in, and not past it


def test_cards_are_refused_before_anything_changes(lab: LabNode) -> None:
    api = token_with(lab, privileges())
    with pytest.raises(RefusedError, match="to no token and no administrator"):
        plan(api, LLM)
    assert api.changes == []


@pytest.mark.parametrize(
    "privilege",
    [
        *("VM.Allocate", "VM.Audit", "VM.PowerMgmt", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network"),
        *("VM.Config.Options", "Datastore.AllocateSpace", "SDN.Use"),
    ],
)
def test_a_privilege_that_lacks_is_named_before_anything_changes(lab: LabNode, privilege: str) -> None:
    api = token_with(lab, [name for name in privileges() if name != privilege])
    with pytest.raises(RocmoxError, match=re.escape(privilege)):
        plan(api, CHAT)
    assert api.changes == []


@pytest.mark.parametrize("privilege", ["VM.Allocate", "VM.PowerMgmt"])
def test_a_removal_that_will_not_be_allowed_is_refused_before_the_guest_is_stopped(
    lab: LabNode, privilege: str
) -> None:
    Client(lab.pve).create(102, hostname="chat1", tags="rocmox")
    api = token_with(lab, [name for name in privileges() if name != privilege])
    with pytest.raises(RefusedError, match=f"lacks {re.escape(privilege)} on /vms/102"):
        plan_removal(Node(api=api, name="pve1"), parse_specs([CHAT]))
    assert api.changes == []


def test_what_a_change_needs_is_enough_for_it(lab: LabNode) -> None:
    full = token_with(lab, privileges())
    node = Node(api=full, name="pve1")
    apply_site(node, plan(full, CHAT), Options(), lambda _: GROUPS)
    full.client("PUT", "/access/roles/Rocmox", privs="VM.Audit,VM.Config.CPU,Sys.Audit,SDN.Use")
    apply_site(node, plan(full, CHAT | {"cores": 2}), Options(), lambda _: GROUPS)
    assert full.client.config(102)["cores"] == 2
    with pytest.raises(RefusedError, match=r"lacks VM\.Config\.Memory on /vms/102"):
        plan(full, CHAT | {"cores": 2, "memory_mib": 768})


def test_features_of_a_privileged_container_are_for_root_alone(lab: LabNode) -> None:
    api = token_with(lab, [*privileges(), "Sys.Modify"])
    entry = CHAT | {"unprivileged": False}
    with pytest.raises(RefusedError, match=r"gpu_containers\[0\].nesting .*set by root@pam alone"):
        plan(api, entry)
    assert api.changes == []
    apply_site(Node(api=api, name="pve1"), plan(api, entry | {"nesting": False}), Options(), lambda _: GROUPS)
    assert plan(api, entry | {"nesting": False}).steps == ()


def test_a_privileged_container_wants_more_on_pve_9(lab: LabNode) -> None:
    api = token_with(lab, privileges())
    entry = CHAT | {"unprivileged": False, "nesting": False}
    if lab.pve.modern:
        with pytest.raises(RefusedError, match=r"lacks Sys\.Modify on /"):
            plan(api, entry)
    else:
        assert plan(api, entry).steps
    assert api.changes == []


def test_the_recipe_holds_nothing_that_nobody_needs(lab: LabNode) -> None:
    """What can be left out is named in the README with its use."""
    useful = {"Sys.Audit", "Datastore.AllocateTemplate"}
    live_through(token_with(lab, [name for name in privileges() if name not in useful]))
    assert useful < set(privileges())
