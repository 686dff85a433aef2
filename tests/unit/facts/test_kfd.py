import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.facts.kfd import architecture, parse_link, parse_node, parse_properties, read_links, read_topology
from rocmox.machine import Machine

Machines = Callable[[str], Machine]
CAPTURES = Path(__file__).parents[4] / "shared" / "data" / "captures" / "captures.jsonl"
SECTION = re.compile(r"^==> (?P<path>\S+) <==\n(?P<text>.*?)(?=^==> |\Z)", re.MULTILINE | re.DOTALL)


def posted(kind: str) -> list[tuple[str, str, str]]:
    """(capture, path, text) of every posted properties file; empty without the folder beside the repository."""
    if not CAPTURES.exists():
        return []
    records = [json.loads(line) for line in CAPTURES.read_text().splitlines()]
    texts = [(record["id"], record["text"]) for record in records if record["kind"] == "kfd_node"]
    sections = [(name, m["path"], m["text"]) for name, text in texts for m in SECTION.finditer(text)]
    return [entry for entry in sections if re.search(kind, entry[1])]


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (90006, "gfx906"),
        (90010, "gfx90a"),
        (90402, "gfx942"),
        (100300, "gfx1030"),
        (110000, "gfx1100"),
        (120001, "gfx1201"),
        (0, None),
    ],
)
def test_architectures(version: int, name: str | None) -> None:
    assert architecture(version) == name


def test_a_card_of_a_constructed_machine(gpu_machine: Machines) -> None:
    nodes = read_topology(gpu_machine("mi50x3")).nodes
    assert [node.is_gpu for node in nodes] == [False, True, True, True]
    assert [node.pci_address for node in nodes[1:]] == ["0000:03:00.0", "0000:06:00.0", "0000:09:00.0"]
    assert [node.render_minor for node in nodes[1:]] == [128, 129, 130]
    assert {node.compute_units for node in nodes[1:]} == {60}
    assert nodes[0].processors == 20


def test_a_card_reaches_its_peers(gpu_machine: Machines) -> None:
    links = read_links(gpu_machine("mi50x3"), 2, "p2p_links")
    assert [(link.source, link.destination, link.type, link.weight) for link in links] == [(2, 1, 2, 40), (2, 3, 2, 40)]


def test_no_topology_has_its_reason(gpu_machine: Machines) -> None:
    with pytest.raises(CannotLookError, match="No such file"):
        read_topology(gpu_machine("none"))


def test_a_node_that_refuses_leaves_its_reason(fresh_tree: Callable[[str], Path]) -> None:
    from rocmox.machine.captured import CapturedMachine  # noqa: PLC0415

    root = fresh_tree("mi50x1")
    (root / "sys/devices/virtual/kfd/kfd/topology/nodes/1/properties").write_text("simd_count many\n")
    topology = read_topology(CapturedMachine(root))
    assert [node.number for node in topology.nodes] == [0]
    assert topology.unreadable == {1: "'simd_count many' is not a line of a KFD properties file"}


@given(st.text(alphabet=st.characters(codec="utf-8")) | st.from_regex(r"([a-z_]+ \d+\n)*", fullmatch=True))
def test_any_text_is_a_node_or_an_error_of_ours(text: str) -> None:
    for parse in (parse_properties, lambda text: parse_node(1, text), parse_link):
        with contextlib.suppress(CannotLookError):
            assert parse(text) is not None


@pytest.mark.skipif(not CAPTURES.exists(), reason="../shared is not beside this checkout")
@pytest.mark.parametrize(
    ("capture", "path", "text"), posted(r"nodes/\d+/properties$"), ids=lambda value: str(value)[:60]
)
def test_posted_nodes_parse(capture: str, path: str, text: str) -> None:
    node = parse_node(int(path.split("/")[-2]), text)
    assert node.is_gpu == ("simd_count 0\n" not in text), capture


@pytest.mark.skipif(not CAPTURES.exists(), reason="../shared is not beside this checkout")
@pytest.mark.parametrize(
    ("capture", "path", "text"), posted(r"_links/\d+/properties$"), ids=lambda value: str(value)[:60]
)
def test_posted_links_parse(capture: str, path: str, text: str) -> None:
    assert parse_link(text).source == int(path.split("/")[-4]), capture
