import json

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts import esp
from rocmox.facts.boot_tool import ESP_LIST
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

# Constructed, in the form of `lsblk --bytes --json --output UUID,SIZE` of util-linux 2.38.
LSBLK = json.dumps(
    {
        "blockdevices": [
            {"uuid": None, "size": 500 << 30, "children": [{"uuid": "2f70-0A1B", "size": 512 << 20}]},
            {"uuid": None, "size": 500 << 30, "children": [{"uuid": "2F71-0A1B", "size": 1 << 30}]},
        ]
    }
)


def node(uuids: str = "2F70-0A1B\n2F71-0A1B\n") -> ScriptedMachine:
    def answer(argv: object) -> tuple[int, str, str]:
        words = list(argv) if isinstance(argv, list) else []
        return (0, LSBLK, "") if words[:1] == ["lsblk"] else (1, "14000000\n86000000\n", "stat: no such file")

    return ScriptedMachine(answer, files={ESP_LIST: uuids})


def test_the_smallest_one_counts_beside_its_kernels() -> None:
    assert esp.read_free(node(), ["6.8.12-8-pve"]) == (512 << 20) - (8 << 20) - 100_000_000


def test_a_disk_that_is_not_plugged_in_does_not_count() -> None:
    assert esp.read_sizes(node("2F71-0A1B\n0000-0000\n")) == {"2F71-0A1B": 1 << 30}


def test_a_node_that_boots_from_its_root_has_none() -> None:
    assert esp.read_free(ScriptedMachine(), ["6.8.12-8-pve"]) is None


@pytest.mark.parametrize("text", ["", "[]", '{"blockdevices": 3}', '{"blockdevices": [{"uuid": "a", "size": null}]}'])
def test_an_answer_of_another_form_is_not_taken_for_room(text: str) -> None:
    with pytest.raises(CannotLookError, match="lsblk"):
        esp.parse_sizes(text, ["a"])
