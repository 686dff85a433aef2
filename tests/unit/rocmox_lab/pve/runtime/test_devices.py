import dataclasses
from pathlib import Path

import pytest

from rocmox_lab.pve.runtime import devices
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError
from tests.unit.rocmox_lab.pve.runtime.guests import KFD

NULL = dataclasses.replace(KFD, path="/dev/null")


def test_a_device_is_looked_up() -> None:
    assert devices.look_up("/dev/null") == devices.NodeDevice(kind="c", major=1, minor=3)


def test_a_missing_device_is_refused_in_pves_words() -> None:
    with pytest.raises(RuntimeFailedError, match=r"^Device /dev/dri/card9 does not exist$"):
        devices.look_up("/dev/dri/card9")


def test_a_file_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "kfd").touch()
    with pytest.raises(RuntimeFailedError, match="is not a device"):
        devices.look_up("/kfd", tmp_path)


def test_rules_allow_reading_and_writing_unless_denied() -> None:
    read_only = dataclasses.replace(NULL, path="/dev/zero", deny_write=True)
    assert devices.rules([NULL, read_only]) == ("c 1:3 rw", "c 1:5 r")


def test_a_path_named_twice_is_refused() -> None:
    with pytest.raises(RuntimeFailedError, match="more than once"):
        devices.rules([NULL, NULL])
