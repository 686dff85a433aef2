import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.containers.current.devices import Device, GroupIds, gpu_devices, remembered_groups
from rocmox.containers.plan.device_changes import change_devices

PATHS = ["/dev/kfd", "/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/dri/card0", "/dev/dri/card1"]


@pytest.mark.parametrize(
    "value", ["/dev/kfd,gid=993", "path=/dev/kfd,gid=993,uid=0,mode=0660", "mode=0660,gid=993,path=/dev/kfd"]
)
def test_spellings_of_one_device_mean_the_same(value: str) -> None:
    assert Device.from_value(value) == Device(path="/dev/kfd", gid=993)
    assert not change_devices({"dev3": value}, [Device(path="/dev/kfd", gid=993)])


def test_a_wrong_gid_is_corrected_in_place() -> None:
    changes = change_devices({"dev3": "/dev/kfd,gid=104"}, [Device(path="/dev/kfd", gid=993)])
    assert changes.changes == {"dev3": "/dev/kfd,gid=993,mode=0660"}
    assert changes.delete == ()
    assert not changes.additions_only


def test_write_protection_is_taken_away() -> None:
    assert change_devices({"dev0": "/dev/kfd,gid=993,deny-write=1"}, [Device(path="/dev/kfd", gid=993)])


def test_an_entry_of_a_card_that_moved_makes_room() -> None:
    config = {"dev0": "/dev/kfd,gid=9", "dev1": "/dev/dri/renderD128,gid=9", "dev2": "/dev/dri/card0,gid=4"}
    desired = [Device(path="/dev/kfd", gid=9), Device(path="/dev/dri/renderD130", gid=9)]
    changes = change_devices(config, desired)
    assert changes.changes == {"dev1": "/dev/dri/renderD130,gid=9,mode=0660"}
    assert changes.delete == ("dev2",)


def test_other_devices_keep_their_number() -> None:
    changes = change_devices({"dev0": "/dev/ttyUSB0"}, [Device(path="/dev/kfd", gid=9)])
    assert changes.changes == {"dev1": "/dev/kfd,gid=9,mode=0660"}
    assert change_devices({"dev0": "/dev/ttyUSB0"}, []).delete == ()


def test_a_device_passed_twice_is_passed_once() -> None:
    assert change_devices({"dev0": "/dev/kfd,gid=9", "dev1": "/dev/kfd,gid=9"}, [Device(path="/dev/kfd", gid=9)]).delete


def test_ids_are_remembered_from_a_configuration() -> None:
    config = {"dev0": "/dev/kfd,gid=993", "dev1": "/dev/dri/card0,gid=44"}
    assert remembered_groups(config) == GroupIds(render=993, video=44)
    assert remembered_groups(config | {"dev2": "/dev/dri/renderD128"}) is None
    assert remembered_groups({}) is None


devices = st.builds(Device, path=st.sampled_from([*PATHS, "/dev/ttyUSB0"]), gid=st.integers(0, 999))
configs = st.dictionaries(st.integers(0, 30).map(lambda n: f"dev{n}"), devices.map(Device.to_value), max_size=8)
wishes = st.lists(st.builds(Device, path=st.sampled_from(PATHS), gid=st.integers(1, 999)), unique_by=lambda d: d.path)


@given(config=configs, desired=wishes)
def test_changes_lead_to_the_wish_and_touch_nothing_else(config: dict[str, str], desired: list[Device]) -> None:
    changes = change_devices(config, desired)
    after = {key: value for key, value in config.items() if key not in changes.delete} | dict(changes.changes)
    assert sorted(gpu_devices(after).values(), key=str) == sorted(desired, key=str)
    foreign = {key: value for key, value in config.items() if value.startswith("/dev/tty")}
    assert foreign.items() <= after.items()
    assert not change_devices(after, desired)


@given(config=configs, desired=wishes, order=st.randoms())
def test_the_order_of_the_wish_does_not_matter(config: dict[str, str], desired: list[Device], order: object) -> None:
    changes = change_devices(config, desired)
    after = {key: value for key, value in config.items() if key not in changes.delete} | dict(changes.changes)
    order.shuffle(desired)  # type: ignore[attr-defined]
    assert not change_devices(after, desired)
