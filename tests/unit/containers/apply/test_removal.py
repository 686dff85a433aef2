import pytest

from rocmox.containers.apply.removal import remove
from rocmox.containers.plan.removal import plan_removal
from rocmox.containers.spec.container import parse_specs
from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import CHAT, LLM, node_of

SPECS = parse_specs([LLM, CHAT])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


def test_only_what_is_ours_and_listed_goes() -> None:
    pve = FakePve()
    ours = {"tags": "rocmox", "hostname": "llm1"}
    pve.containers = {
        101: FakeContainer(ours, running=True),
        102: FakeContainer({"hostname": "mail"}, running=True),
        103: FakeContainer(ours),
    }
    steps, left = plan_removal(node_of(pve), SPECS)
    assert pve.changes == []
    assert [str(step) for step in steps] == ["destroy container 101 (llm1) with its disks"]
    assert left == ("container 102 (mail) does not carry the tag 'rocmox': left alone",)
    remove(node_of(pve), steps, Options())
    assert sorted(pve.containers) == [102, 103]
    assert plan_removal(node_of(pve), SPECS)[0] == ()


@pytest.mark.parametrize(("config", "words"), [({"protection": "1"}, "protected"), ({"lock": "backup"}, "locked")])
def test_what_must_not_go_is_refused_before_anything_goes(config: dict[str, str], words: str) -> None:
    pve = FakePve()
    pve.containers = {
        101: FakeContainer({"tags": "rocmox"}),
        102: FakeContainer({"tags": "rocmox"} | config),
    }
    with pytest.raises(RefusedError, match=words):
        plan_removal(node_of(pve), SPECS)
    assert pve.changes == []


def test_a_tag_lost_meanwhile_saves_the_container() -> None:
    pve = FakePve()
    pve.containers[101] = FakeContainer({"tags": "rocmox"})
    steps, _ = plan_removal(node_of(pve), SPECS)
    pve.containers[101].config["tags"] = pve.containers[101].active["tags"] = "prod"
    with pytest.raises(RefusedError, match="lost the tag"):
        remove(node_of(pve), steps, Options())
    assert 101 in pve.containers
