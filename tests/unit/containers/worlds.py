"""Wishes, cards and nodes that tests start from."""

from typing import Any

from rocmox.containers.current.cards import NodeCard
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.plan.site import SitePlan, plan_site
from rocmox.containers.spec.container import parse_specs
from rocmox.containers.spec.options import Options
from rocmox.proxmox import Node

from .fake_pve import NODE, FakePve

CARDS = tuple(
    NodeCard(
        pci_address=f"0000:0{slot}:00.0",
        architecture="gfx906",
        card_path=f"/dev/dri/card{number}",
        render_path=f"/dev/dri/renderD{128 + number}",
    )
    for number, slot in enumerate((3, 6))
)
GROUPS = GroupIds(render=993, video=44)
LLM: dict[str, Any] = {"vmid": 101, "hostname": "llm1", "gpus": "all", "storage": "local", "disk_gib": 16}
CHAT: dict[str, Any] = {"vmid": 102, "hostname": "chat1", "storage": "local", "disk_gib": 8}


def node_of(pve: FakePve) -> Node:
    return Node(api=pve, name=NODE)


def plan(pve: FakePve, *entries: dict[str, Any], **keywords: Any) -> SitePlan:
    options = keywords.pop("options", Options())
    groups = keywords.pop(
        "groups", {int(entry["vmid"]): GROUPS for entry in entries if entry["vmid"] in pve.containers}
    )
    return plan_site(node_of(pve), parse_specs(list(entries)), keywords.pop("cards", CARDS), groups, options)
