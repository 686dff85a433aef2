"""Which node a guest runs on: its own word, or the only one."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

SPEC = importlib.util.spec_from_file_location("guest_node", Path(__file__).parents[3] / "plugins/lookup/guest_node.py")
assert SPEC
assert SPEC.loader
guest_node = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(guest_node)


def look(nodes: list[str], **variables: Any) -> list[str]:
    groups = {"all": [*nodes, "llm1"], "pve_hosts": nodes}
    known = {"inventory_hostname": "llm1", "groups": groups, **variables}
    lookup = guest_node.LookupModule(loader=DataLoader(), templar=Templar(DataLoader(), variables=known))
    return lookup.run([], known)


def test_the_only_node_need_not_be_named() -> None:
    assert look(["pve1"]) == ["pve1"]
    assert look(["pve1"], pve_node_inventory_host="") == ["pve1"]


def test_a_guest_of_several_nodes_names_its_own() -> None:
    assert look(["pve1", "pve2"], pve_node_inventory_host="pve2") == ["pve2"]
    said = trust_as_template("{{ 'pve' ~ 2 }}")
    assert look(["pve1", "pve2"], pve_node_inventory_host=said) == ["pve2"]


@pytest.mark.parametrize(
    ("nodes", "variables", "words"),
    [
        (["pve1", "pve2"], {}, ["llm1 does not say which node", "2 (pve1, pve2)", "set pve_node_inventory_host"]),
        ([], {}, ["pve_hosts holds 0 (none)"]),
        (["pve1"], {"pve_node_inventory_host": "pve9"}, ["'pve9'", "not a host of the inventory (pve_hosts: pve1)"]),
    ],
)
def test_what_stays_open_is_refused_with_what_to_set(
    nodes: list[str], variables: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(AnsibleError) as refusal:
        look(nodes, **variables)
    assert all(word in str(refusal.value) for word in words)
