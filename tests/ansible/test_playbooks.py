"""Playbooks stay short, use roles, and name every task."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted([ROOT / "site.yml", *(ROOT / "playbooks").glob("*.yml")])
TASK_FILES = sorted([*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks" / "tasks").glob("*.yml")])


def tasks_of(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    """Every task, those in blocks included."""
    found = []
    for entry in entries:
        found.append(entry)
        for section in ("block", "rescue", "always"):
            nested = entry.get(section)
            found += tasks_of(nested) if isinstance(nested, list) else []
    return found


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
def test_a_playbook_is_one_verb(playbook: Path) -> None:
    assert len(playbook.read_text().splitlines()) <= 30


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
def test_every_play_is_named(playbook: Path) -> None:
    assert all("name" in play for play in yaml.safe_load(playbook.read_text()))


@pytest.mark.parametrize("tasks", TASK_FILES, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_every_task_is_named(tasks: Path) -> None:
    assert [task for task in tasks_of(yaml.safe_load(tasks.read_text()) or []) if "name" not in task] == []


@pytest.mark.parametrize("tasks", TASK_FILES, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_a_command_says_what_it_changes(tasks: Path) -> None:
    commands = [
        task
        for task in tasks_of(yaml.safe_load(tasks.read_text()) or [])
        if {"ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.raw"} & set(task)
    ]
    assert [task["name"] for task in commands if "changed_when" not in task] == []
