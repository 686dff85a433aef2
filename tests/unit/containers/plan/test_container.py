"""Properties that every plan has, over generated wishes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocmox.containers.apply.run import apply_site
from rocmox.containers.plan.difference import describe_difference
from rocmox.containers.plan.reminders import plan_warnings
from rocmox.containers.plan.steps import CreateContainer
from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import CARDS, GROUPS, node_of, plan

ADDRESSES = [card.pci_address for card in CARDS]


@pytest.fixture(autouse=True, scope="module")
def _no_waiting() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})
        yield


def entry(vmid: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "vmid": st.just(vmid),
            "hostname": st.just(f"guest{vmid}"),
            "gpus": st.one_of(st.just("all"), st.just("gfx906"), st.lists(st.sampled_from(ADDRESSES), unique=True)),
            "cores": st.integers(1, 64),
            "memory_mib": st.integers(16, 65536),
            "disk_gib": st.integers(1, 12),
            "storage": st.just("local"),
            "ip": st.sampled_from(["dhcp", f"192.0.2.{vmid}/24"]),
            "nameserver": st.sampled_from(["", "192.0.2.1", "192.0.2.1 192.0.2.2"]),
            "nesting": st.booleans(),
            "onboot": st.booleans(),
        }
    )


def site() -> st.SearchStrategy[list[dict[str, Any]]]:
    vmids = st.lists(st.integers(100, 105), unique=True, max_size=4)
    return vmids.flatmap(lambda chosen: st.tuples(*(entry(vmid) for vmid in chosen)).map(list))


def carry_out(pve: FakePve, wish: list[dict[str, Any]]) -> None:
    apply_site(node_of(pve), plan(pve, *wish), Options(), lambda _: GROUPS)


@settings(deadline=None)
@given(wish=site(), version=st.sampled_from(["8.4.1", "9.2.11"]))
def test_applied_wishes_need_nothing_more(wish: list[dict[str, Any]], version: str) -> None:
    pve = FakePve(version=version)
    carry_out(pve, wish)
    assert plan(pve, *wish).steps == ()
    assert all(before == after for before, after in map(describe_difference, plan(pve, *wish).containers))


@settings(deadline=None)
@given(first=site(), second=site(), version=st.sampled_from(["8.4.1", "9.2.11"]))
def test_any_site_becomes_any_other(first: list[dict[str, Any]], second: list[dict[str, Any]], version: str) -> None:
    pve = FakePve(version=version)
    carry_out(pve, first)
    before = {name: dict(found.config) for name, found in pve.containers.items()}
    sizes = {wish["vmid"]: wish["disk_gib"] for wish in first}
    second = [wish | {"disk_gib": max(wish["disk_gib"], sizes.get(wish["vmid"], 0))} for wish in second]
    carry_out(pve, second)
    assert plan(pve, *second).steps == ()
    desired = {wish["vmid"] for wish in second}
    assert {name: found.config for name, found in pve.containers.items() if name not in desired} == {
        name: config for name, config in before.items() if name not in desired
    }
    assert all(found.active == found.config for found in pve.containers.values())


@settings(deadline=None)
@given(wish=site(), foreign=st.sets(st.integers(100, 105), min_size=1))
def test_no_step_touches_a_container_without_our_tag(wish: list[dict[str, Any]], foreign: set[int]) -> None:
    pve = FakePve()
    for vmid in foreign:
        pve.containers[vmid] = FakeContainer({"hostname": "foreign", "tags": "prod"}, running=True)
    before = {vmid: dict(pve.containers[vmid].config) for vmid in foreign}
    if foreign & {entry["vmid"] for entry in wish}:
        with pytest.raises(RefusedError):
            carry_out(pve, wish)
        assert pve.changes == []
    else:
        carry_out(pve, wish)
    assert {vmid: pve.containers[vmid].config for vmid in foreign} == before


@settings(deadline=None)
@given(wish=site())
def test_a_plan_alone_changes_nothing(wish: list[dict[str, Any]]) -> None:
    pve = FakePve()
    first = plan(pve, *wish)
    assert pve.changes == []
    assert len([step for step in first.steps if isinstance(step, CreateContainer)]) == len(wish)


@settings(deadline=None)
@given(wish=site())
def test_an_unchanged_container_costs_at_most_two_calls(wish: list[dict[str, Any]]) -> None:
    pve = FakePve()
    carry_out(pve, wish)
    pve.calls = 0
    plan(pve, *wish)
    assert pve.calls <= 8 + 2 * len(wish)


def test_what_a_user_added_is_kept() -> None:
    pve = FakePve()
    pve.devices.add("/dev/ttyUSB0")
    wish = {"vmid": 101, "hostname": "llm1", "storage": "local", "disk_gib": 8}
    carry_out(pve, [wish])
    config = pve.containers[101].config
    config |= {"net0": config["net0"] + ",tag=7,firewall=1", "features": "keyctl=1,nesting=1", "dev7": "/dev/ttyUSB0"}
    config |= {"tags": "prod;rocmox", "description": "mine"}
    pve.containers[101].active = dict(config)
    assert plan(pve, wish).steps == ()
    carry_out(pve, [wish | {"ip": "192.0.2.5/24", "nesting": False}])
    after = pve.containers[101].config
    assert ",tag=7,firewall=1" in after["net0"]
    assert after["features"] == "keyctl=1"
    assert after["dev7"] == "/dev/ttyUSB0"
    assert after["tags"] == "prod;rocmox"


def test_a_policy_without_restarts_leaves_changes_pending() -> None:
    pve = FakePve()
    wish = {"vmid": 101, "hostname": "llm1", "storage": "local", "disk_gib": 8}
    carry_out(pve, [wish])
    never = Options(restart=False)
    steps = plan(pve, wish | {"nesting": False}, options=never).steps
    assert [str(step) for step in steps] == ["change container 101: no features"]
    assert [str(step) for step in plan(pve, wish | {"nesting": False}).steps][1:] == [
        "restart container 101 for features"
    ]


def test_another_template_for_a_container_that_exists_is_said() -> None:
    pve = FakePve()
    pve.templates.append("local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst")
    wish = {"vmid": 101, "hostname": "llm1", "storage": "local", "disk_gib": 8, "template": "debian-12-standard"}
    carry_out(pve, [wish])
    assert plan_warnings(plan(pve, wish)) == []
    assert plan_warnings(plan(pve, wish | {"template": "debian-12-standard_12.2-1_amd64.tar.zst"})) == []
    (said,) = plan_warnings(plan(pve, wish | {"template": "debian-13-standard"}))
    assert said.startswith("gpu_containers[0].template (vmid 101, llm1): debian-13-standard is ignored")
    assert "made from local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst;" in said
    pve.containers[101].config["description"] = pve.containers[101].active["description"] = "mine now"
    assert plan_warnings(plan(pve, wish | {"template": "debian-13-standard"})) == []


def test_servers_are_the_same_whatever_stands_between_them() -> None:
    pve = FakePve()
    wish = {"vmid": 101, "hostname": "llm1", "storage": "local", "nameserver": "192.0.2.1 192.0.2.2"}
    carry_out(pve, [wish])
    pve.containers[101].config["nameserver"] = pve.containers[101].active["nameserver"] = "192.0.2.1,192.0.2.2"
    assert plan(pve, wish).steps == ()


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_order_and_defaults_of_proxmox_ve_mean_nothing(data: st.DataObject) -> None:
    """The same container as somebody else would have written it: nothing is to be done."""
    pve = FakePve()
    wish = {"vmid": 101, "hostname": "llm1", "gpus": "all", "storage": "local", "disk_gib": 8, "ip": "192.0.2.5/24"}
    carry_out(pve, [wish])
    config = pve.containers[101].config
    devices = [config.pop(key) for key in list(config) if key.startswith("dev") and key[3:].isdigit()]
    numbers = data.draw(st.lists(st.integers(0, 255), min_size=len(devices), max_size=len(devices), unique=True))
    shortened = [
        data.draw(st.sampled_from([value, f"path={value}", value.replace(",mode=0660", ""), f"{value},uid=0"]))
        for value in devices
    ]
    config |= {f"dev{number}": value for number, value in zip(numbers, shortened, strict=True)}
    network = [*config["net0"].split(","), *data.draw(st.sets(st.sampled_from(["firewall=0", "link_down=0"])))]
    config["net0"] = ",".join(data.draw(st.permutations(network)))
    config["features"] = data.draw(st.sampled_from(["nesting=1", "keyctl=0,nesting=1", "nesting=1,fuse=0"]))
    config["tags"] = data.draw(st.sampled_from(["rocmox", "a;rocmox", "rocmox;z", "a,rocmox", "a rocmox"]))
    config["rootfs"] = config["rootfs"].replace("size=8G", data.draw(st.sampled_from(["size=8G", "size=8192M"])))
    pve.containers[101].active = dict(config)
    assert plan(pve, wish).steps == ()
