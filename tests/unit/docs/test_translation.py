"""README.zh-CN.md keeps step with README.md: the same headings, commands, names and links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ENGLISH = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh-CN.md").read_text()
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")
CODE = re.compile(r"`([^`\n]+)`")


def without_comments(block: str) -> list[str]:
    return [line.split("  #")[0].rstrip() for line in block.splitlines()]


def test_headings_are_in_step() -> None:
    assert HEADING.findall(CHINESE) == HEADING.findall(ENGLISH)


def test_commands_are_in_step() -> None:
    assert [without_comments(block) for block in FENCE.findall(CHINESE)] == [
        without_comments(block) for block in FENCE.findall(ENGLISH)
    ]


def test_links_are_in_step() -> None:
    assert [link for link in LINK.findall(CHINESE) if "README" not in link] == [
        link for link in LINK.findall(ENGLISH) if "README" not in link
    ]


def test_names_are_in_step() -> None:
    assert set(CODE.findall(FENCE.sub("", CHINESE))) == set(CODE.findall(FENCE.sub("", ENGLISH)))


def test_table_rows_are_in_step() -> None:
    assert CHINESE.count("\n|") == ENGLISH.count("\n|")
