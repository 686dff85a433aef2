"""A posted KFD topology: a dump of its files, or the bare `properties` of one node."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.kfd import KfdLink, KfdNode, parse_link, parse_node
from rocmox.facts.posted.dump import parse_dump

_LINE = re.compile(r"[a-z][a-z0-9_]* \d{1,20}")
_NODE = re.compile(r"(?:.*/)?nodes/(?P<node>\d{1,4})/properties")
_LINK = re.compile(r"(?:.*/)?nodes/(?P<node>\d{1,4})/(?P<kind>io_links|p2p_links)/\d{1,4}/properties")
_BEGINS = re.compile(r"(?m)^(?:cpu_cores_count|type) \d")
_GPU_ID = re.compile(r"(?:.*/)?nodes/(?P<node>\d{1,4})/gpu_id")
_SYSTEM = re.compile(r"(?:.*/)?(?:generation_id|system_properties)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostedTopology:
    """What the text holds of a topology; `system` are its generation and system properties."""

    nodes: tuple[KfdNode, ...]
    io_links: tuple[KfdLink, ...]
    p2p_links: tuple[KfdLink, ...]
    system: dict[str, int]


def parse_topology(text: str) -> PostedTopology:
    """CannotLookError when the text holds neither a node nor a link nor the system's properties.

    Lines that are no `key number`, such as a placeholder that the poster put in, are left out.
    """
    files = _files(text)
    nodes, links, system = [], {"io_links": [], "p2p_links": []}, {}  # type: ignore[var-annotated] # typed by the result
    gpu_ids = {int(match["node"]): content for path, content in files.items() if (match := _GPU_ID.fullmatch(path))}
    for path, content in files.items():
        clean = "\n".join(filter(_LINE.fullmatch, map(str.strip, content.splitlines())))
        if match := _NODE.fullmatch(path):
            node = parse_node(int(match["node"]), clean)
            word = gpu_ids.get(node.number, "").strip()
            number = int(word) if word.isascii() and word.isdecimal() and len(word) <= 10 else 0  # noqa: PLR2004 - 32 bits
            nodes.append(dataclasses.replace(node, gpu_id=number or None))
        elif match := _LINK.fullmatch(path):
            links[match["kind"]].append(parse_link(clean))
        elif _SYSTEM.fullmatch(path):
            system |= _system(path, content)
    if not (nodes or links["io_links"] or links["p2p_links"] or system):
        raise CannotLookError("no node, no link and no system properties of a KFD topology")
    return PostedTopology(
        nodes=tuple(nodes), io_links=tuple(links["io_links"]), p2p_links=tuple(links["p2p_links"]), system=system
    )


def _files(text: str) -> dict[str, str]:
    """The dump's files; bare `properties` are cut where each node or link begins."""
    if "==> " in text or "/properties:" in text or "Path: " in text:
        return parse_dump(text)
    starts = [match.start() for match in _BEGINS.finditer(text)]
    ends = [*starts[1:], len(text)] if starts else []
    blocks = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return {
        f"nodes/{number}/{'properties' if block.startswith('cpu_') else 'io_links/0/properties'}": block
        for number, block in enumerate(blocks)
    }


def _system(path: str, content: str) -> dict[str, int]:
    name = path.rpartition("/")[2]
    words = content.split()
    if name == "generation_id" and len(words) == 1:
        words = [name, *words]
    pairs = zip(words[::2], words[1::2], strict=False)
    return {key: int(value) for key, value in pairs if value.isascii() and value.isdecimal() and len(value) <= 20}  # noqa: PLR2004 - 64 bits
