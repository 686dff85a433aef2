"""The module's runs as the role makes them: check mode, a run, and a second one with the new guests' group ids."""

import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from rocmox.containers import ansible_entry
from rocmox.containers.access import Access
from rocmox.proxmox.tasks import Clock

from .lab_api import LabApi, lab
from .lab_node import CHAT, LLM
from .worlds import CARDS

GROUPS = "101 render:x:993:\n101 video:x:44:\n102 render:x:993:\n102 video:x:44:\n"
REPORT = json.dumps(
    {
        "gpus": [
            {
                "pci_address": card.pci_address,
                "architecture": card.architecture,
                "card_path": card.card_path,
                "render_path": card.render_path,
            }
            for card in CARDS
        ]
    }
)


@pytest.fixture(params=["8.4", "9.2"])
def api(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabApi]:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})
    with lab(request.param) as (node, api):
        monkeypatch.setattr(
            ansible_entry, "open_access", lambda _: Access(node=node, machine=None, description="in this process")
        )
        yield api


def run(*entries: dict[str, Any], groups: str = "", check_mode: bool = False) -> dict[str, Any]:
    parameters = {"containers": list(entries), "gpus_report": REPORT, "guest_groups": groups}
    with contextlib.redirect_stdout(io.StringIO()):
        return ansible_entry.ensure_containers(parameters, check_mode=check_mode)


def test_check_mode_says_what_the_two_runs_of_the_role_do(api: LabApi) -> None:
    said = run(LLM, CHAT, check_mode=True)
    assert api.changes == []
    first = run(LLM, CHAT)
    assert first["awaiting_group_ids"] == [101]
    second = run(LLM, CHAT, groups=GROUPS)
    done = [*first["steps"], *second["steps"]]
    words = "\n".join(said["steps"]).replace("<render of the guest>", "993").replace("<video of the guest>", "44")
    expected = words.splitlines()
    assert sorted(done) == sorted(expected)
    assert said["changed"]
    last = run(LLM, CHAT, groups=GROUPS)
    assert (last["changed"], last["steps"], last["diff"], last["warnings"]) == (False, [], [], [])


@pytest.mark.usefixtures("api")
def test_the_difference_of_check_mode_is_that_of_the_run() -> None:
    run(LLM, CHAT)
    run(LLM, CHAT, groups=GROUPS)
    changed = (LLM | {"gpus": [CARDS[1].pci_address], "cores": 3}, CHAT | {"nesting": False, "disk_gib": 2})
    said = run(*changed, groups=GROUPS, check_mode=True)
    done = run(*changed, groups=GROUPS)
    assert (said["steps"], said["diff"], said["changed"]) == (done["steps"], done["diff"], True)


@pytest.mark.usefixtures("api")
def test_another_template_is_a_warning_of_the_module() -> None:
    run(CHAT)
    (warning,) = run(CHAT | {"template": "debian-13-standard"})["warnings"]
    assert "gpu_containers[0].template" in warning
