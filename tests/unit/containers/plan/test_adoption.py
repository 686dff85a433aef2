from typing import Any

import pytest

from rocmox.containers.apply.adoption import adopt
from rocmox.containers.plan.adoption import plan_adoption
from rocmox.containers.spec.container import parse_specs
from rocmox.errors import RefusedError
from rocmox.proxmox.failures import ConfigChangedError
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import CHAT, LLM, node_of, plan


def pve_with(config: dict[str, str], **keywords: Any) -> FakePve:
    pve = FakePve(**keywords)
    pve.containers[102] = FakeContainer({"hostname": "chat1", "unprivileged": "1", **config}, running=True)
    return pve


def test_an_adopted_container_keeps_everything_and_is_planned_from_then_on() -> None:
    pve = pve_with({"tags": "prod;chat", "net0": "name=eth0,bridge=vmbr0,ip=dhcp"})
    with pytest.raises(RefusedError, match="rocmox containers adopt"):
        plan(pve, CHAT)
    steps = plan_adoption(node_of(pve), parse_specs([LLM, CHAT]))
    assert [str(step) for step in steps] == ["adopt container 102 (chat1): tags: chat;prod;rocmox"]
    assert pve.changes == []
    adopt(node_of(pve), steps)
    assert pve.containers[102].active["tags"] == "chat;prod;rocmox"
    assert [parameters.keys() for _, _, parameters in pve.changes] == [{"tags", "digest"}]
    assert pve.containers[102].running
    assert plan(pve, CHAT).steps != ()
    assert plan_adoption(node_of(pve), parse_specs([LLM, CHAT])) == ()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"hostname": "mail"}, "adopted under its own name alone"),
        ({"hostname": ""}, "Name the container first"),
        ({"lock": "backup"}, "locked (backup)"),
        ({"template": "1"}, "is a template"),
    ],
)
def test_what_is_not_the_listed_container_is_refused(config: dict[str, str], words: str) -> None:
    pve = pve_with(config)
    with pytest.raises(RefusedError) as caught:
        plan_adoption(node_of(pve), parse_specs([CHAT]))
    assert words in str(caught.value)
    assert pve.changes == []


def test_an_account_without_the_privilege_is_refused() -> None:
    pve = pve_with({}, account_name="admin@pve")
    pve.permissions["/vms/102"] = {"VM.Audit": 1}
    with pytest.raises(RefusedError, match=r"lacks VM\.Config\.Options on /vms/102"):
        plan_adoption(node_of(pve), parse_specs([CHAT]))


def test_a_change_under_our_feet_is_noticed() -> None:
    pve = pve_with({})
    steps = plan_adoption(node_of(pve), parse_specs([CHAT]))
    pve.containers[102].config["tags"] = "somebody"
    with pytest.raises(ConfigChangedError):
        adopt(node_of(pve), steps)
