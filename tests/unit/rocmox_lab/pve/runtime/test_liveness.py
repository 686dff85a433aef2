from pathlib import Path

from rocmox_lab.pve.runtime import liveness
from rocmox_lab.pve.runtime.layout import Layout

SOCKETS = """Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 1001 @/var/lib/lxc/101/command
0000: 00000003 00000000 00000000 0001 03 1002 @/var/lib/lxc/101/command
0000: 00000002 00000000 00010000 0001 01 1003 @/srv/other/102/command
0000: 00000002 00000000 00010000 0001 01 1004 /run/systemd/notify
0000: 00000002 00000000 00010000 0001 01 1005 @/var/lib/lxc/web/command
"""


def test_guests_are_known_by_their_command_sockets(tmp_path: Path) -> None:
    (tmp_path / "unix").write_text(SOCKETS)
    assert liveness.running_vmids(Layout(), tmp_path / "unix") == {101}


def test_waiting_ends_when_nothing_runs(tmp_path: Path) -> None:
    assert liveness.wait_until_down(Layout(root=tmp_path), 101, timeout_seconds=0)
