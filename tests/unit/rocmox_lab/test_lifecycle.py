import dataclasses
from pathlib import Path

import pytest

from rocmox.errors import RefusedError
from rocmox_lab.images import ImageCache
from rocmox_lab.lifecycle import LabRequest, choose_lower_layer, decide_settings
from rocmox_lab.namespace import mount_points
from rocmox_lab.recipe import AptSource, load_recipes
from rocmox_lab.removal import remove_directory
from rocmox_lab.residue import Inventory, difference
from rocmox_lab.settings import LabPlaces, LabSettings
from rocmox_lab.state import new_state
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

FOUND = new_state(LabSettings(name="one", node="pve9", pve_version="9.2", gpus="none"), 3)


def test_a_new_lab_gets_the_defaults() -> None:
    assert decide_settings(LabRequest(name="one"), None) == LabSettings(name="one")


def test_an_existing_lab_stays_what_it_is_unless_asked() -> None:
    assert decide_settings(LabRequest(name="one"), FOUND) == LabSettings(
        name="one", node="pve9", pve_version="9.2", gpus="none"
    )


def test_cards_may_be_switched() -> None:
    assert decide_settings(LabRequest(name="one", gpus="mi50x1"), FOUND).gpus == "mi50x1"


@pytest.mark.parametrize("request_", [LabRequest(name="one", pve_version="8.4"), LabRequest(name="one", node="pve1")])
def test_what_guests_stand_on_is_not_changed_under_them(request_: LabRequest) -> None:
    with pytest.raises(RefusedError) as refusal:
        decide_settings(request_, FOUND)
    assert "rocmox lab down --name one" in refusal.value.remedy


def test_mount_points_are_read_with_their_spaces() -> None:
    text = "36 35 98:0 / /a\\040b rw - ext4 /dev/x rw\n37 35 0:4 mnt:[1] /run/rocmox/labs/one.mnt rw - nsfs nsfs rw\n"
    machine = ScriptedMachine(files={"/proc/self/mountinfo": text})
    assert mount_points(machine) == ["/a b", "/run/rocmox/labs/one.mnt"]


def test_a_directory_with_a_mount_in_it_is_not_removed() -> None:
    directory = LabPlaces(name="one").directory
    machine = ScriptedMachine(files={"/proc/self/mountinfo": f"1 2 0:1 / {directory}/vz rw - ext4 x rw\n"})
    with pytest.raises(RefusedError, match="still mounted"):
        remove_directory(machine, directory)


def test_the_difference_of_two_inventories_says_what_came_and_went() -> None:
    nothing: dict[str, tuple[str, ...]] = dict.fromkeys(
        (
            *("links", "addresses", "firewall", "mounts", "loop_devices"),
            *("control_groups", "processes", "files", "kernel_settings"),
        ),
        (),
    )
    before = Inventory(**{**nothing, "links": ("eth0", "lo")})
    after = Inventory(**{**nothing, "links": ("lo", "rmx-one"), "files": ("/run/rocmox",)})
    assert difference(before, after) == {"links": ["+ rmx-one", "- eth0"], "files": ["+ /run/rocmox"]}
    assert difference(before, before) == {}


def test_a_stopped_lab_keeps_the_image_it_stood_on(tmp_path: Path) -> None:
    cache = ImageCache(directory=tmp_path)
    recipes = load_recipes(AptSource(main_uri=None, security_uri=None, options=()))
    state = dataclasses.replace(FOUND, node_image="node-000000000000")
    assert choose_lower_layer(state, cache, recipes) == cache.path(recipes[0])
    (cache.images / "node-000000000000").mkdir(parents=True)
    assert choose_lower_layer(state, cache, recipes) == cache.images / "node-000000000000"
