from pathlib import Path

import pytest

from rocmox_lab.pve.runtime import limits
from rocmox_lab.pve.runtime.layout import Layout
from tests.unit.rocmox_lab.pve.runtime.guests import GPU1, changed


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("")
    (group / "cgroup.subtree_control").write_text("")
    return Layout(root=tmp_path)


def test_values_are_bytes_shares_and_microseconds() -> None:
    values = limits.wanted(changed(swap_mib=512, cpulimit=1.5, cores=4))
    assert values["memory.max"] == "1073741824"
    assert values["memory.swap.max"] == "536870912"
    assert values["cpu.max"] == "150000 100000"
    assert values["cpuset.cpus"] == "0-3"


def test_without_controllers_nothing_is_set_and_it_is_said_once(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr(limits.syslog, "syslog", lambda _, text: said.append(text))
    assert [limits.possible(GPU1, layout) for _ in range(2)] == [{}, {}]
    assert len(said) == 1
    assert "cpu, cpuset, memory" in said[0]


def test_controllers_that_are_there_are_used(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.syslog, "syslog", lambda *_: None)
    (layout.cgroup / "cgroup.controllers").write_text("memory")
    control = layout.cgroup / "cgroup.subtree_control"
    assert (
        set(limits.possible(GPU1, layout)) == set()
    )  # a plain file keeps the request's plus sign, the kernel drops it
    control.write_text("memory")
    control.chmod(0o444)
    (layout.cgroup / "cgroup.controllers").write_text("")
    assert limits.possible(GPU1, layout)["memory.max"] == "1073741824"


def test_limits_of_a_running_guest_are_written_where_the_file_exists(layout: Layout) -> None:
    group = layout.guest_cgroup(100)
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max")
    limits.apply(GPU1, layout)
    assert (group / "memory.max").read_text() == "1073741824"
    assert not (group / "cpu.max").exists()
