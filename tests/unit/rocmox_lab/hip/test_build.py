"""What the stand-in is built from, and what it is told."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError, CommandError
from rocmox.machine import Completed
from rocmox_lab import hip
from rocmox_lab.faults import registry
from rocmox_lab.faults.kinds import hip as fault
from rocmox_lab.faults.target import FaultTarget
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


def test_the_cards_of_a_tree_become_devices_in_order(gpu_tree: Callable[[str], Path]) -> None:
    assert hip.device_words(gpu_tree("mi50x3")) == "devices=0000:03:00.0@6301,0000:06:00.0@12603,0000:09:00.0@6301"
    assert hip.device_words(gpu_tree("w7900x2")) == "devices=0000:03:00.0@25206,0000:c3:00.0@25206"
    assert hip.device_words(gpu_tree("none")) == ""


def test_a_compiler_that_refuses_is_quoted(tmp_path: Path) -> None:
    machine = ScriptedMachine(lambda _argv: (1, "", "stand_in.h: No such file"))
    with pytest.raises(CommandError, match="No such file"):
        hip.build(machine, tmp_path)  # type: ignore[arg-type]
    assert not (tmp_path / hip.LIBRARY).exists()


def test_words_are_kept_beside_the_library(tmp_path: Path) -> None:
    with pytest.raises(CannotLookError):
        hip.configure(tmp_path / hip.LIBRARY, "mode=hang")
    (tmp_path / hip.LIBRARY).touch()
    hip.configure(tmp_path / hip.LIBRARY, "mode=hang")
    assert (tmp_path / f"{hip.LIBRARY}.conf").read_text() == "mode=hang\n"


def test_every_mode_is_explained_in_the_header() -> None:
    header = (Path(hip.__file__).parent / "stand_in.h").read_text()
    explained = header.replace("crash|abort", "crash  mode=abort ")
    assert [mode for mode in hip.MODES if f"mode={mode} " not in explained] == []


def test_the_fault_reaches_the_guest_and_is_cleared(
    tmp_path: Path, gpu_tree: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str], *, stdin: bytes | None = None) -> Completed:
        assert stdin is None
        asked.append(argv)
        return Completed(argv=tuple(argv), exit_status=0, stdout="", stderr="")

    def compile_nothing(_machine: object, folder: Path) -> Path:
        folder.mkdir()
        (folder / hip.LIBRARY).touch()
        return folder / hip.LIBRARY

    monkeypatch.setattr(fault, "build", compile_nothing)
    (tmp_path / "gpus").symlink_to(gpu_tree("w7900x2"))
    target = FaultTarget(node_state=tmp_path, run=run)
    kind = registry.find_fault("hip")
    values = kind.read(["mode=corrupt", "every=9", "vmid=101", "pairs=0>1"])
    kind.apply(target, values)
    words = (tmp_path / "hip" / f"{hip.LIBRARY}.conf").read_text().split()
    assert words == ["mode=corrupt", "every=9", "devices=0000:03:00.0@25206,0000:c3:00.0@25206", "pairs=0>1"]
    pushed = [argv[3] for argv in asked if argv[:3] == ["pct", "push", "101"]]
    assert pushed == ["/var/lib/rocmox-lab/hip/libamdhip64.so", "/var/lib/rocmox-lab/hip/libamdhip64.so.conf"]

    kind.clear(target, values)
    assert asked[-1] == ["pct", "exec", "101", "--", "rm", "-rf", "/opt/rocmox-lab"]
    assert list((tmp_path / "hip").iterdir()) == []
