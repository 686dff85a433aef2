"""Every file, folder and link that README, CONTRIBUTING and the pages name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "roles/*/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
# Rooms of this repository (llama.cpp and others have a `src` too). `inventory/site` and its like are the reader's own.
PATH = re.compile(
    r"`((?:src/rocmox(?:_lab)?|tests|roles|playbooks|plugins|docs|molecule|tools|inventory/example)/[\w./*{},-]*)`"
)
PLACEHOLDER = re.compile(r"NAME|ROLE|SUBJECT")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#]*)(#[^)]+)?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def exists(path: str) -> bool:
    """Placeholders stand for anything, and at least one example of it must be there."""
    return any(ROOT.glob(PLACEHOLDER.sub("*", path).rstrip("/")))


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_named_paths_exist(page: str) -> None:
    named = PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not exists(path)] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    dead = []
    for target, fragment in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        path = (ROOT / page).parent / target if target else ROOT / page
        if not path.exists():
            dead.append(target)
        elif fragment and path.suffix == ".md":
            headings = HEADING.findall(path.read_text(encoding="utf-8"))
            dead += [target + fragment] if fragment not in map(anchor, headings) else []
    assert dead == []


@pytest.mark.parametrize("thing", ["an engine", "a check", "a card", "a fan", "a second host"])
def test_contributing_says_where_it_goes(thing: str) -> None:
    rows = [
        line
        for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {thing}")
    ]
    assert len(rows) == 1
