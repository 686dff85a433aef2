from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import RefusedError
from rocmox_lab.preflight import Need, check_machine, free_bytes_at, require_root, required_packages
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

GIB = 1 << 30
NEED = Need(gib=14, directories=(Path("/var/lib/rocmox"),))


def healthy(argv: Sequence[str]) -> tuple[int, str, str]:
    if argv[0] == "dpkg-query":
        return 0, "".join(f"{package} installed\n" for package in required_packages()), ""
    return 0, "", ""


def test_a_machine_that_has_everything_passes() -> None:
    machine = ScriptedMachine(healthy)
    require_root(0)
    check_machine(machine, NEED, free_bytes=lambda _: 15 * GIB)
    assert {argv[0] for argv in machine.asked} == {"dpkg-query", "unshare", "test"}


def test_not_root_is_said_at_once_with_the_way_out() -> None:
    with pytest.raises(RefusedError) as refusal:
        require_root(1000)
    assert "sudo" in refusal.value.remedy
    assert refusal.value.exit_code == 2


def test_missing_packages_are_all_named() -> None:
    def answer(argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[0] == "dpkg-query":
            return 1, "zstd installed\nlxc config-files\nuidmap installed\n", "no packages found matching mmdebstrap"
        return 0, "", ""

    with pytest.raises(RefusedError, match=r"lxc, mmdebstrap") as refusal:
        check_machine(ScriptedMachine(answer), NEED, free_bytes=lambda _: 15 * GIB)
    assert "apt-get install" in refusal.value.remedy
    assert "zstd" not in refusal.value.remedy


def test_what_the_kernel_refuses_is_named_with_its_words() -> None:
    def answer(argv: Sequence[str]) -> tuple[int, str, str]:
        if "bridge" in argv:
            return 2, "", "RTNETLINK answers: Operation not supported"
        return healthy(argv)

    with pytest.raises(RefusedError, match=r"bridges .*Operation not supported"):
        check_machine(ScriptedMachine(answer), NEED, free_bytes=lambda _: 15 * GIB)


def test_too_little_space_says_need_and_have() -> None:
    with pytest.raises(RefusedError, match=r"/var/lib/rocmox: .*needs 14\.0 GiB.* 3\.5 GiB are free"):
        check_machine(ScriptedMachine(healthy), NEED, free_bytes=lambda _: 7 * GIB // 2)


def test_space_is_asked_of_the_nearest_directory_that_exists(tmp_path: Path) -> None:
    assert free_bytes_at(tmp_path / "not" / "yet" / "there") > 0
