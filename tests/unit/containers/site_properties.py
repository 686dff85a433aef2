"""What holds for every site on a node that answers as Proxmox VE: checked over generated wishes, short and long."""

import re
from typing import Any

import pytest

from rocmox.containers.apply.run import Outcome, apply_site
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.properties import disk_size_gib, parse_properties, parse_tags
from rocmox.containers.plan.difference import describe_difference
from rocmox.containers.plan.site import SitePlan, plan_site
from rocmox.containers.spec.container import parse_specs
from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError
from rocmox.proxmox import Node, lxc

from .lab_api import lab
from .wishes import Entry, grown_from
from .worlds import CARDS, GROUPS


def planned(node: Node, wish: list[Entry], options: Options, *, ids_known: bool = True) -> SitePlan:
    """The role reads the ids of the guests that run; of the others nobody knows them."""
    running = {vmid for vmid, status in lxc.list_status(node).items() if status == "running"}
    known: dict[int, GroupIds] = dict.fromkeys(running, GROUPS) if ids_known else {}
    return plan_site(node, parse_specs(wish), CARDS, known, options)


def applied(node: Node, site: SitePlan, options: Options) -> Outcome:
    return apply_site(node, site, options, lambda _: GROUPS)


def check_converges(version: str, first: list[Entry], second: list[Entry]) -> None:
    """Any site becomes any other; what was desired is then there, and there is nothing more to do."""
    options = Options(allow_overcommit=True)
    second = grown_from(first, second)
    with lab(version) as (node, api):
        for wish in (first, second):
            applied(node, planned(node, wish, options), options)
            for entry in wish:
                _check_wished(node, entry)
            again = planned(node, wish, options)
            assert again.steps == ()
            assert all(before == after for before, after in map(describe_difference, again.containers))
            api.changes.clear()
            assert applied(node, again, options).done == ()
            assert api.changes == []


def check_mode_predicts(
    version: str, first: list[Entry], second: list[Entry], *, restart: bool, ids_known: bool, stopped: set[int]
) -> None:
    """What check mode says is, step by step and word by word, what apply then does."""
    options = Options(allow_overcommit=True, restart=restart)
    second = grown_from(first, second)
    with lab(version) as (node, api):
        applied(node, planned(node, first, options), options)
        for vmid in stopped & {wish["vmid"] for wish in first}:
            api.post(f"/nodes/pve1/lxc/{vmid}/status/stop")
        before = api.config_files()
        api.changes.clear()
        site = planned(node, second, options, ids_known=ids_known)
        said = [_with_numbers(step) for step in site.foreseen]
        assert (api.config_files(), api.changes) == (before, [])
        done = applied(node, site, options).done
        assert list(done) == said
        assert bool(api.changes) == bool(said)
        for container in site.containers:
            _check_foretold(node, container.desired.spec.vmid, describe_difference(container)[1])


def check_foreign_containers_stay(version: str, wish: list[Entry], foreign: set[int]) -> None:
    """Nothing touches a container without our tag, and a wish for its VMID is refused by its field."""
    options = Options(allow_overcommit=True)
    with lab(version) as (node, api):
        for vmid in foreign:
            api.client.create(vmid, hostname="mail", tags="prod")
        before = api.config_files()
        taken = [index for index, entry in enumerate(wish) if entry["vmid"] in foreign]
        if taken:
            with pytest.raises(RefusedError) as caught:
                planned(node, wish, options)
            assert all(f"gpu_containers[{index}].vmid" in caught.value.message for index in taken)
            assert api.config_files() == before
        else:
            applied(node, planned(node, wish, options), options)
        after = api.config_files()
        assert {name: after[name] for name in before} == before


def _check_wished(node: Node, entry: Entry) -> None:
    """Read from the configuration itself, apart from the planner."""
    config = lxc.read_config(node, entry["vmid"])
    values = config.values
    assert config.pending == frozenset()
    assert lxc.status(node, entry["vmid"]) == "running"
    assert (values["hostname"], values["cores"]) == (entry["hostname"], str(entry["cores"]))
    assert (values["memory"], values.get("onboot", "0")) == (str(entry["memory_mib"]), str(int(entry["onboot"])))
    assert disk_size_gib(values["rootfs"]) == entry["disk_gib"]
    assert parse_properties(values["net0"])["ip"] == entry.get("ip", "dhcp")
    assert (parse_properties(values.get("features", "")).get("nesting") == "1") == entry["nesting"]
    assert values.get("nameserver", "") == entry["nameserver"]
    assert values.get("unprivileged", "0") == str(int(entry["unprivileged"]))
    assert "rocmox" in parse_tags(values["tags"])
    assert _passed(values) == _wished_devices(entry["gpus"])


def _passed(values: Any) -> dict[str, str]:
    found = [parse_properties(text, default_key="path") for key, text in values.items() if key.startswith("dev")]
    return {parts["path"]: parts["gid"] for parts in found}


def _wished_devices(gpus: Any) -> dict[str, str]:
    addresses = [card.pci_address for card in CARDS] if isinstance(gpus, str) else gpus
    cards = [card for card in CARDS if card.pci_address in addresses]
    desired = {card.render_path: "993" for card in cards} | {card.card_path: "44" for card in cards}
    return {path: gid for path, gid in desired.items() if path} | ({"/dev/kfd": "993"} if cards else {})


def _check_foretold(node: Node, vmid: int, after: str) -> None:
    """Every line of the difference's second half is what stands there now."""
    defaults = {"unprivileged": "0", "onboot": "0"}
    values = {**defaults, **lxc.read_config(node, vmid).values, "status": lxc.status(node, vmid)}
    for line in after.splitlines():
        key, _, value = line.partition(": ")
        if key in {"restart", "ostemplate"}:
            continue
        if key == "rootfs (grown)":
            assert disk_size_gib(values["rootfs"]) == int(value.split()[0])
        elif key == "rootfs":
            assert values[key].startswith(value.partition(":")[0])
        elif key == "net0":
            assert parse_properties(value).items() <= parse_properties(values[key]).items()
        else:
            assert values[key].strip() == _with_numbers(value)


def _with_numbers(text: str) -> str:
    numbers = {"render": "993", "video": "44"}
    return re.sub("<(render|video) of the guest>", lambda match: numbers[match[1]], text)
