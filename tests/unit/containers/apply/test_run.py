from typing import Any

import pytest

from rocmox.containers.apply.run import Outcome, apply_site
from rocmox.containers.plan.site import SitePlan
from rocmox.containers.spec.options import Options
from rocmox.errors import ProxmoxError, RefusedError, TaskFailedError
from rocmox.proxmox import Parameters
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import CARDS, CHAT, GROUPS, LLM, node_of, plan

LLM_DEVICES = {
    "dev0": "/dev/kfd,gid=993,mode=0660",
    "dev1": "/dev/dri/renderD128,gid=993,mode=0660",
    "dev2": "/dev/dri/card0,gid=44,mode=0660",
    "dev3": "/dev/dri/renderD129,gid=993,mode=0660",
    "dev4": "/dev/dri/card1,gid=44,mode=0660",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


def carry_out(pve: FakePve, site: SitePlan, *, known: bool = True) -> Outcome:
    return apply_site(node_of(pve), site, Options(), lambda _: GROUPS if known else None)


def devices(pve: FakePve, vmid: int) -> dict[str, str]:
    return {key: value for key, value in pve.containers[vmid].active.items() if key.startswith("dev")}


def test_a_new_guest_is_created_started_read_given_its_devices_and_restarted() -> None:
    pve = FakePve()
    carry_out(pve, plan(pve, LLM, CHAT))
    assert [path.partition("/lxc")[2] for _, path, _ in pve.changes] == [
        *("", "/101/status/start", "/101/config", "/101/status/shutdown", "/101/status/start"),
        *("", "/102/status/start"),
    ]
    assert devices(pve, 101) == LLM_DEVICES
    assert devices(pve, 102) == {}


def test_a_second_run_has_nothing_to_do() -> None:
    pve = FakePve()
    carry_out(pve, plan(pve, LLM, CHAT))
    pve.changes.clear()
    second = plan(pve, LLM, CHAT)
    assert second.steps == ()
    assert carry_out(pve, second).done == ()
    assert pve.changes == []


def test_who_cannot_enter_guests_applies_twice() -> None:
    pve = FakePve()
    first = carry_out(pve, plan(pve, LLM, CHAT), known=False)
    assert first.awaiting_group_ids == (101,)
    assert devices(pve, 101) == {}
    second = carry_out(pve, plan(pve, LLM, CHAT), known=False)
    assert second.awaiting_group_ids == ()
    assert devices(pve, 101) == LLM_DEVICES
    assert plan(pve, LLM, CHAT).steps == ()


def test_a_missing_template_is_downloaded_first() -> None:
    pve = FakePve()
    outcome = carry_out(pve, plan(pve, CHAT | {"template": "debian-12-standard"}))
    assert outcome.done[0] == "download debian-12-standard_12.12-1_amd64.tar.zst to local"
    assert 102 in pve.containers


def test_device_additions_on_9_need_no_restart() -> None:
    pve = FakePve(version="9.2.11")
    carry_out(pve, plan(pve, LLM))
    assert not any(path.endswith("shutdown") for _, path, _ in pve.changes)
    assert devices(pve, 101) == LLM_DEVICES


def test_cards_that_moved_are_followed_even_when_the_guest_could_not_start() -> None:
    pve = FakePve()
    carry_out(pve, plan(pve, LLM))
    pve.containers[101].running = False
    pve.devices = {"/dev/kfd", "/dev/dri/card1", "/dev/dri/card2", "/dev/dri/renderD129", "/dev/dri/renderD130"}
    moved = tuple(
        type(card)(
            pci_address=card.pci_address,
            architecture="gfx906",
            card_path=f"/dev/dri/card{number}",
            render_path=f"/dev/dri/renderD{128 + number}",
        )
        for number, card in enumerate(CARDS, start=1)
    )
    carry_out(pve, plan(pve, LLM, cards=moved, groups={}))
    assert pve.containers[101].running
    paths = {value.split(",")[0] for value in devices(pve, 101).values()}
    assert paths == pve.devices
    assert plan(pve, LLM, cards=moved).steps == ()


def test_a_failed_start_after_a_change_puts_everything_back() -> None:
    pve = FakePve()
    carry_out(pve, plan(pve, LLM, CHAT))
    before = dict(pve.containers[102].config)
    site = plan(pve, CHAT | {"nameserver": "192.0.2.1"})
    failing = iter([True])

    def start_fails_once(vmid: int) -> str:
        pve.fail_start = {102: "startup for container '102' failed"} if next(failing, False) else {}
        return original(vmid)

    original = pve._start
    pve._start = start_fails_once  # type: ignore[method-assign]
    with pytest.raises(TaskFailedError, match="it runs"):
        carry_out(pve, site)
    assert pve.containers[102].config == before
    assert pve.containers[102].running


def changed_settings(pve: FakePve) -> tuple[dict[str, str], SitePlan]:
    carry_out(pve, plan(pve, CHAT))
    return dict(pve.containers[102].config), plan(pve, CHAT | {"nameserver": "192.0.2.1"})


@pytest.mark.parametrize("refused", ["start", "shutdown"])
def test_a_restart_that_is_refused_at_once_puts_everything_back(refused: str) -> None:
    pve = FakePve()
    before, site = changed_settings(pve)
    post, failing = pve.post, iter([True])

    def refuses_once(path: str, parameters: Parameters | None = None) -> Any:
        if path.endswith(refused) and next(failing, False):
            raise ProxmoxError("CT is locked (backup)")
        return post(path, parameters)

    pve.post = refuses_once  # type: ignore[method-assign]
    with pytest.raises(TaskFailedError, match=r"as before and it runs\nCT is locked"):
        carry_out(pve, site)
    assert pve.containers[102].config == before
    assert pve.containers[102].running


def test_a_configuration_that_cannot_be_put_back_is_said() -> None:
    pve = FakePve()
    _, site = changed_settings(pve)
    pve.fail_start[102] = "startup failed"
    put, calls = pve.put, iter([True])

    def only_once(path: str, parameters: Parameters | None = None) -> Any:
        if next(calls, False):
            return put(path, parameters)
        raise ProxmoxError("can't lock file")

    pve.put = only_once  # type: ignore[method-assign]
    with pytest.raises(TaskFailedError, match=r"could not be put back: can't lock file\ntask vzstart"):
        carry_out(pve, site)


def test_a_change_under_our_feet_is_noticed() -> None:
    pve = FakePve()
    carry_out(pve, plan(pve, CHAT))
    site = plan(pve, CHAT | {"cores": 8})
    pve.containers[102].config["description"] = "somebody was here"
    with pytest.raises(Exception, match="detected modified configuration"):
        carry_out(pve, site)


def test_an_interrupted_creation_is_waited_for_and_finished() -> None:
    pve = FakePve()
    site = plan(pve, CHAT)
    upid = pve._task("vzcreate", "102")
    pve.containers[102] = FakeContainer({"lock": "create"})
    pve.active_tasks = [{"upid": upid}]
    site = plan(pve, CHAT, groups={})
    assert [str(step) for step in site.steps] == ["wait for the creation of 102 that is already under way"]
    pve.containers[102] = FakeContainer({"tags": "rocmox", "hostname": "chat1", "unprivileged": "1"})
    carry_out(pve, site)
    assert pve.containers[102].running


def test_what_an_interrupted_creation_of_somebody_else_made_is_left_alone() -> None:
    pve = FakePve()
    upid = pve._task("vzcreate", "102")
    pve.containers[102] = FakeContainer({"lock": "create"})
    pve.active_tasks = [{"upid": upid}]
    site = plan(pve, CHAT, groups={})
    pve.containers[102] = FakeContainer({"hostname": "foreign"})
    with pytest.raises(RefusedError, match="not rocmox's"):
        carry_out(pve, site)
    assert pve.changes == []


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({"cores": 8}, ["change container 102: cores: 8"]),
        ({"disk_gib": 20}, ["grow the root disk of 102 to 20 GiB"]),
        ({"memory_mib": 512, "onboot": False}, ["change container 102: memory: 512; onboot: 0"]),
        (
            {"nesting": False},
            ["change container 102: no features", "restart container 102 for features"],
        ),
    ],
)
def test_one_change_is_one_step_and_then_done(change: dict[str, Any], steps: list[str]) -> None:
    pve = FakePve()
    carry_out(pve, plan(pve, CHAT))
    site = plan(pve, CHAT | change)
    assert [str(step) for step in site.steps] == steps
    carry_out(pve, site)
    assert plan(pve, CHAT | change).steps == ()
