import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rocmox.containers.apply.legacy_file import ConfigFiles, config_files
from rocmox.containers.current.legacy_lines import is_gpu_line, without_gpu_lines
from rocmox.containers.plan.difference import describe_difference
from rocmox.containers.spec.options import Options
from rocmox.errors import CommandError, RefusedError
from rocmox.machine import Completed, LocalMachine
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import LLM, plan

ALLOW = "lxc.cgroup2.devices.allow"
MOUNT = "lxc.mount.entry"


@pytest.mark.parametrize(
    ("key", "value", "passes"),
    [
        (ALLOW, "c 226:* rwm", True),
        (ALLOW, "c 226:128 rwm", True),
        ("lxc.cgroup.devices.allow", "c 226:0 rw", True),
        (ALLOW, "c 235:* rwm", False),
        (ALLOW, "c 10:200 rwm", False),
        (ALLOW, "c 195:* rwm", False),
        (ALLOW, "b 226:0 rwm", False),
        (ALLOW, "a", False),
        (MOUNT, "/dev/kfd dev/kfd none bind,optional,create=file", True),
        (MOUNT, "/dev/dri dev/dri none bind,optional,create=dir", True),
        (MOUNT, "/dev/dri/ dev/dri none bind,create=dir", True),
        (MOUNT, "/dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file", True),
        (MOUNT, "/dev/nvidia0 dev/nvidia0 none bind,optional,create=file", False),
        (MOUNT, "/srv/dev/dri srv none bind", False),
        (MOUNT, "", False),
        ("lxc.idmap", "g 44 44 1", False),
        ("lxc.hook.pre-start", "/usr/local/bin/dri", False),
    ],
)
def test_lines_that_pass_amd_cards(key: str, value: str, *, passes: bool) -> None:
    assert is_gpu_line(key, value) is passes


def test_kfd_s_major_counts_when_it_is_known() -> None:
    assert is_gpu_line(ALLOW, "c 235:0 rwm", kfd_major=235)
    assert not is_gpu_line(ALLOW, "c 235:0 rwm", kfd_major=511)


def test_only_those_lines_leave_the_file_and_snapshots_keep_theirs() -> None:
    kept = "#lxc.mount.entry: /dev/kfd in a comment\narch: amd64\nlxc.idmap: u 0 100000 65536\n"
    snapshot = "\n[before]\nlxc.mount.entry: /dev/kfd dev/kfd none bind\n"
    raw = "lxc.mount.entry = /dev/kfd dev/kfd none bind\nlxc.cgroup2.devices.allow:c 226:* rwm\n"
    assert without_gpu_lines(kept + raw + snapshot, kfd_major=None) == kept + snapshot
    assert without_gpu_lines(kept + snapshot, kfd_major=235) == kept + snapshot


def legacy(**config: str) -> FakePve:
    pve = FakePve()
    settings = {"hostname": "llm1", "tags": "rocmox", "unprivileged": "1", "rootfs": "local:101/x.raw,size=16G"}
    network = {"net0": "name=eth0,bridge=vmbr0,ip=dhcp", "features": "nesting=1"}
    sizes = {"cores": "4", "memory": "8192", "onboot": "1"}
    pve.containers[101] = FakeContainer({**settings, **network, **sizes, **config}, running=True)
    pve.containers[101].raw = [(MOUNT, "/dev/kfd dev/kfd none bind"), (ALLOW, "c 10:200 rwm")]
    return pve


def test_the_difference_shows_the_lines_that_go() -> None:
    site = plan(legacy(), LLM, options=Options(migrate_legacy=True))
    before, after = describe_difference(site.containers[0])
    assert "lxc: lxc.mount.entry: /dev/kfd dev/kfd none bind\n" in before
    assert "lxc:" not in after
    assert "dev0: /dev/kfd" in after


def test_other_settings_are_changed_meanwhile() -> None:
    assert [str(step) for step in plan(legacy(cores="2"), LLM).steps] == ["change container 101: cores: 4"]


def test_a_migration_without_a_way_to_the_file_is_refused_before_anything() -> None:
    site = plan(legacy(), LLM, options=Options(migrate_legacy=True))
    with pytest.raises(RefusedError, match="no SSH destination is given"):
        config_files(site, None)
    assert config_files(plan(legacy(), LLM), None) is None


def test_raw_lines_of_foreign_containers_are_not_even_read() -> None:
    pve = legacy(tags="prod")
    with pytest.raises(RefusedError, match="adopt"):
        plan(pve, LLM)


class Broken(LocalMachine):
    """A node whose connection breaks while the new file travels."""

    def __init__(self, folder: Path) -> None:
        super().__init__("/")
        self.folder = folder

    def run(self, argv: Sequence[str], *, stdin: bytes | None = None, **_: Any) -> Completed:
        if argv[0] == "stat":
            return Completed(argv=tuple(argv), exit_status=1, stdout="", stderr="no such file")
        words = [word.replace("/etc/pve", str(self.folder)).replace("/run/lock", str(self.folder)) for word in argv]
        words = [word.replace("/var/lib/rocmox", str(self.folder)) for word in words]
        return super().run(words, stdin=(stdin or b"")[:-4])

    def read_bytes(self, path: str) -> bytes:
        return Path(path.replace("/etc/pve", str(self.folder))).read_bytes()


def test_a_file_that_arrives_in_part_replaces_nothing(tmp_path: Path) -> None:
    config = tmp_path / "nodes/pve1/lxc/101.conf"
    config.parent.mkdir(parents=True)
    (tmp_path / "lxc").mkdir()
    content = b"arch: amd64\nlxc.mount.entry: /dev/kfd dev/kfd none bind\n"
    config.write_bytes(content)
    with pytest.raises(CommandError, match="exit status 4"):
        ConfigFiles(Broken(tmp_path), "pve1").remove_gpu_lines(101, digest=hashlib.sha1(content).hexdigest())  # noqa: S324
    assert config.read_bytes() == content
    assert [path.name for path in config.parent.iterdir()] == ["101.conf"]
