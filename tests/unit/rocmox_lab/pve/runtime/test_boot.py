from pathlib import Path

from rocmox_lab.pve.runtime import boot


def test_onboot_and_order_are_read() -> None:
    found = boot.parse(101, "onboot: 1\nstartup: order=2,up=5,down=30\n")
    assert (found.onboot, found.order, found.up_seconds, found.down_seconds) == (True, 2, 5, 30)


def test_a_bare_number_is_the_order() -> None:
    assert boot.parse(101, "startup: 7\n").order == 7


def test_snapshots_do_not_count() -> None:
    assert not boot.parse(101, "hostname: a\n[before]\nonboot: 1\n").onboot


def test_guests_come_in_order_those_without_one_last(tmp_path: Path) -> None:
    for vmid, text in ((101, ""), (102, "startup: order=2\n"), (103, "startup: order=1\n")):
        (tmp_path / f"{vmid}.conf").write_text(text)
    assert [each.vmid for each in boot.orders(tmp_path)] == [103, 102, 101]
