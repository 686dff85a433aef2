from pathlib import Path

from rocmox_lab.pve.runtime import guest_file
from rocmox_lab.pve.runtime_protocol import MountSpec
from tests.unit.rocmox_lab.pve.runtime.guests import changed


def test_a_specification_survives_the_file(tmp_path: Path) -> None:
    mount = MountSpec(key="mp0", source="/srv", target="/data", kind="bind", mount_options=("noatime",))
    guest = changed(mounts=(mount,), raw_lxc=(("lxc.idmap", "u 0 1 2"),), environment={"A": "b"})
    guest_file.save(tmp_path / "guest.json", guest)
    assert guest_file.load(tmp_path / "guest.json") == guest
    assert (tmp_path / "guest.json").stat().st_mode & 0o777 == 0o600
