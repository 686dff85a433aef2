"""`rocm-smi` in its many tables: lines `GPU[n] : key: value`, the concise table, matrices between cards, RAS blocks."""

from __future__ import annotations

import dataclasses
import json
import re

from rocmox.errors import CannotLookError
from rocmox.facts.posted.terminal import columns, plain

_LINE = re.compile(r"^[>\s]*GPU\[(?P<card>\d{1,3})\](?:\s+XCP\[(?P<part>\d{1,3})\])?\s*:\s*(?P<rest>.*?)\s*$")
_RAS = re.compile(
    r"^\s*(?P<block>[A-Z][A-Z_0-9]{1,20})\s+(?P<state>ENABLED|DISABLED)(?:\s+(?P<ce>\d+)\s+(?P<ue>\d+))?\s*$"
)
_MATRIX_HEAD = re.compile(r"^\s*GPU\d+(?:\s+GPU\d+)*\s*$")
_MATRIX_ROW = re.compile(r"^\s*GPU(?P<card>\d{1,3})\s+(?P<cells>\S.*?)\s*$")
_TITLE = re.compile(r"^\s*=+\s*(?P<title>[^=]{2,80}?)\s*=+\s*$")
_CARD_NAME = re.compile(r"card(\d{1,3})")
_LARGEST_JSON = 4 << 20
_FIRST_COLUMNS = ("Device", "GPU")
_SECOND_LINE = re.compile(r"^\s+[(\[A-Z]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RasBlock:
    """One block of `--showrasinfo`; counts are None where the tool prints none."""

    card: int
    block: str
    is_enabled: bool
    correctable: int | None
    uncorrectable: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RocmSmi:
    """What the tool said, whatever its form.

    `cards`: card → key → value (the last of several runs stands); `rows`: lines of tables by heading; `matrices`:
    title → row card → cells; `ras`: error counters.
    """

    cards: dict[int, dict[str, str]]
    rows: tuple[dict[str, str], ...]
    matrices: dict[str, dict[int, tuple[str, ...]]]
    ras: tuple[RasBlock, ...]


def parse_rocm_smi(text: str) -> RocmSmi:
    """CannotLookError when the text holds none of the tool's forms."""
    reader = _Reader()
    clean = plain(text)
    reader.cards.update(_json(clean) if clean.lstrip().startswith("{") else _csv(clean))
    for line in clean.splitlines():
        reader.take(line)
    if not (reader.cards or reader.rows or reader.matrices or reader.ras):
        raise CannotLookError("no line, table or matrix of rocm-smi")
    return RocmSmi(cards=reader.cards, rows=tuple(reader.rows), matrices=reader.matrices, ras=tuple(reader.ras))


class _Reader:
    """Takes the lines one by one and knows in which table it is."""

    def __init__(self) -> None:
        self.cards: dict[int, dict[str, str]] = {}
        self.rows: list[dict[str, str]] = []
        self.matrices: dict[str, dict[int, tuple[str, ...]]] = {}
        self.ras: list[RasBlock] = []
        self._title = ""
        self._headings: list[str] = []
        self._in_matrix = False
        self._card = 0

    def take(self, line: str) -> None:
        """One line; what belongs to no form is passed over."""
        if match := _TITLE.match(line):
            self._title, self._headings, self._in_matrix = match["title"], [], False
        elif match := _LINE.match(line):
            self._of_card(int(match["card"]), match["part"], match["rest"])
        elif match := _RAS.match(line):
            self._ras(match)
        elif _MATRIX_HEAD.match(line):
            self._in_matrix, self._headings = True, []
        elif self._in_matrix and (match := _MATRIX_ROW.match(line)):
            self.matrices.setdefault(self._title, {})[int(match["card"])] = tuple(match["cells"].split())
        else:
            self._table(line)

    def _of_card(self, card: int, part: str | None, rest: str) -> None:
        self._card = card
        key, colon, value = rest.partition(": ")
        if not colon:
            key, colon, value = rest.partition(":")
        if colon:
            name = f"XCP {part} {key.strip()}" if part else key.strip()
            self.cards.setdefault(card, {})[name] = value.strip()

    def _ras(self, match: re.Match[str]) -> None:
        counts = [int(match[name]) if match[name] else None for name in ("ce", "ue")]
        block = RasBlock(
            card=self._card,
            block=match["block"],
            is_enabled=match["state"] == "ENABLED",
            correctable=counts[0],
            uncorrectable=counts[1],
        )
        self.ras.append(block)

    def _table(self, line: str) -> None:
        cells = columns(line, len(self._headings) or None)
        if not cells:
            return
        if cells[0].split()[0] in _FIRST_COLUMNS and len(cells) > 1:
            self._headings = _headings(cells)
        elif self._headings and cells[0].isdecimal() and len(cells) > 1:
            self.rows.append(dict(zip(self._headings, cells, strict=False)))


def _json(text: str) -> dict[int, dict[str, str]]:
    """`--json`: `card0` → key → value."""
    try:
        document = json.loads(text) if len(text) <= _LARGEST_JSON else {}
    except (ValueError, RecursionError):
        return {}
    return {
        int(match[1]): {str(key): str(value) for key, value in values.items()}
        for name, values in (document.items() if isinstance(document, dict) else ())
        if (match := _CARD_NAME.fullmatch(name)) and isinstance(values, dict)
    }


def _csv(text: str) -> dict[int, dict[str, str]]:
    """`--csv`: a heading that begins with `device`, and a line for each card."""
    cards: dict[int, dict[str, str]] = {}
    headings: list[str] = []
    for line in text.splitlines():
        cells = line.strip().split(",")
        if cells[0] == "device" and len(cells) > 1:
            headings = cells
        elif headings and (match := _CARD_NAME.fullmatch(cells[0])):
            cards.setdefault(int(match[1]), {}).update(zip(headings[1:], cells[1:], strict=False))
    return cards


def _headings(cells: list[str]) -> list[str]:
    """Headings of a table's columns; two of the same name stay apart by a number."""
    found: list[str] = []
    for cell in cells:
        found.append(cell if cell not in found else f"{cell} {len(found)}")
    return found
