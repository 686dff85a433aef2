import os
from pathlib import Path

import pytest

from rocmox_lab.pve.runtime import mounting
from rocmox_lab.pve.runtime.id_map import IdMap
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError

MOUNTINFO = """30 1 8:1 / / rw - ext4 /dev/sda rw
40 30 7:0 / /var/lib/lxc/101/rootfs rw - ext4 /dev/loop0 rw
41 40 7:1 / /var/lib/lxc/101/rootfs/with\\040blank rw - ext4 /dev/loop1 rw
42 30 7:2 / /var/lib/lxc/1010/rootfs rw - ext4 /dev/loop2 rw
"""


class Nobody(IdMap):
    """Maps every id to the caller's, so that these tests need no root."""

    def node_uid(self, uid: int) -> int:  # noqa: ARG002 - everyone is the caller
        return os.getuid()

    def node_gid(self, gid: int) -> int:  # noqa: ARG002 - everyone is the caller
        return os.getgid()


def test_mounts_below_a_root(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTINFO)
    found = mounting.mounts_below("/var/lib/lxc/101/rootfs", str(tmp_path / "mountinfo"))
    assert found == ["/var/lib/lxc/101/rootfs", "/var/lib/lxc/101/rootfs/with blank"]


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    with mounting.open_inside(str(tmp_path), "/srv/models", Nobody()) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), (tmp_path / "srv/models").stat())


@pytest.mark.parametrize("path", ["/link/x", "/link", "/a/../b"])
def test_links_and_parents_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(RuntimeFailedError, match="mount point"), mounting.open_inside(str(tmp_path), path, Nobody()):
        pass
