"""`amd-smi`: its tree of `GPU: n` with indented keys, its tables, its boxes and its JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.facts.posted.terminal import columns, plain

_CARD = re.compile(r"^GPU:\s*(?P<card>\d{1,3})\s*$")
_FIELD = re.compile(r"^(?P<indent> +)(?P<key>[A-Z][A-Z0-9_ ]{1,60}):(?: (?P<value>\S.*?))?\s*$")
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", re.IGNORECASE)
_DEEPEST, _LARGEST_JSON = 12, 4 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class AmdSmi:
    """What the tool said, whatever its form.

    `cards`: card → dotted key → value (`ASIC.MARKET_NAME`); `rows`: lines of tables by heading, or by number where a
    box has no heading of its own; `addresses`: PCI addresses named.
    """

    cards: dict[int, dict[str, str]]
    rows: tuple[dict[str, str], ...]
    addresses: tuple[str, ...]


def parse_amd_smi(text: str) -> AmdSmi:
    """CannotLookError when the text holds none of the tool's forms."""
    clean = plain(text)
    cards = _json(clean) if clean.lstrip().startswith(("[", "{")) else _tree(clean)
    rows = () if cards else (*_boxes(clean), *_tables(clean))
    if not (cards or rows):
        raise CannotLookError("no tree, table or document of amd-smi")
    return AmdSmi(
        cards=cards, rows=rows, addresses=tuple(dict.fromkeys(match[0] for match in _ADDRESS.finditer(clean)))
    )


def _tree(text: str) -> dict[int, dict[str, str]]:
    cards: dict[int, dict[str, str]] = {}
    path: list[tuple[int, str]] = []
    current: dict[str, str] | None = None
    for line in text.splitlines():
        if match := _CARD.match(line.strip() if not line.startswith("     ") else ""):
            current, path = cards.setdefault(int(match["card"]), {}), []
        elif current is not None and (match := _FIELD.match(line)):
            indent = len(match["indent"])
            path = [entry for entry in path if entry[0] < indent]
            path.append((indent, match["key"].strip()))
            if match["value"]:
                current[".".join(key for _, key in path)] = match["value"]
    return {card: values for card, values in cards.items() if values}


def _boxes(text: str) -> list[dict[str, str]]:
    """Lines between bars: `| 0000:c5:00.0  AMD Radeon Graphics | N/A  N/A  0  N/A/0 W |`."""
    rows = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("|") and not set(stripped) <= set("|-=+: "):
            cells = [cell for part in stripped.strip("|").split("|") for cell in columns(part)]
            rows.append({str(number): cell for number, cell in enumerate(cells)})
    return [row for row in rows if row]


def _tables(text: str) -> list[dict[str, str]]:
    """A heading that begins with GPU, and lines that begin with a number (`amd-smi monitor`)."""
    rows, headings = [], []
    for line in text.splitlines():
        cells = columns(line)
        if cells and cells[0].split()[0] == "GPU" and len(cells) > 1:
            headings = cells
        elif headings and cells and cells[0].isdecimal():
            rows.append(dict(zip(headings, cells, strict=False)))
    return rows


def _json(text: str) -> dict[int, dict[str, str]]:
    if len(text) > _LARGEST_JSON:
        raise CannotLookError(f"amd-smi: {len(text)} characters are not output of it")
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CannotLookError(f"amd-smi: {error}") from error
    entries = document.get("gpu_data", [document]) if isinstance(document, dict) else document
    cards: dict[int, dict[str, str]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("gpu"), int):
            _flatten(entry, "", cards.setdefault(entry["gpu"], {}), 0)
    return cards


def _flatten(value: Any, name: str, into: dict[str, str], depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}".lstrip("."), into, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _flatten(inner, f"{name}.{index}", into, depth + 1)
    else:
        into[name] = str(value)
