from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import RocmoxError
from rocmox.facts import failed_builds
from rocmox.host.kernels import build, hook
from tests.unit.host.nodes import DKMS, A, C
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

LOG = f"/var/lib/dkms/amdgpu/{DKMS}/build/make.log"
HEADERS = f"/lib/modules/{C}/build/include"


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(build, "DIRECTORY", str(tmp_path))
    return tmp_path


class Node:
    """dkms with amdgpu for A; `compiles` says whether C can be built, `acts` what was run."""

    def __init__(self, *, compiles: bool, headers: bool = True) -> None:
        self.compiles = compiles
        self.kernels = {A}
        self.files = {
            LOG: f"DKMS make.log for amdgpu-{DKMS} for kernel {C} (x86_64)\nx.c:7:2: error: too few arguments\n"
        }
        if headers:
            self.files[HEADERS] = ""
        self.machine = ScriptedMachine(self.answer, files=self.files)

    def answer(self, argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[:2] == ["dkms", "status"]:
            return 0, "".join(f"amdgpu/{DKMS}, {kernel}, x86_64: installed\n" for kernel in sorted(self.kernels)), ""
        if argv[:2] == ["dkms", "install"]:
            if not self.compiles:
                return 10, "", "Error! Bad return status for module build on kernel"
            self.kernels.add(argv[-1])
        if argv[:3] == ["proxmox-boot-tool", "kernel", "list"]:
            return (
                0,
                f"Manually selected kernels:\nNone.\n\nAutomatically selected kernels:\n{A}\n\nPinned kernel:\n{A}\n",
                "",
            )
        return 0, "", ""


def test_a_module_that_is_there_is_not_built_again() -> None:
    node = Node(compiles=True)
    assert build.build(node.machine, A) == build.Built(kernel=A)
    assert all(argv[:2] != ("dkms", "install") for argv in node.machine.asked)


def test_a_built_module_enters_the_initial_ram_disk() -> None:
    node = Node(compiles=True)
    assert build.build(node.machine, C).changed
    assert ("update-initramfs", "-u", "-k", C) in node.machine.asked


def test_a_failure_shows_the_compilers_words_and_is_recorded(records: Path) -> None:
    node = Node(compiles=False)
    with pytest.raises(RocmoxError, match="too few arguments"):
        build.require(node.machine, C)
    record = failed_builds.parse_record((records / f"{C}.json").read_text())
    assert record is not None
    assert (record.kernel, record.error, record.log) == (C, "x.c:7:2: error: too few arguments", LOG)


def test_a_success_forgets_the_failure(records: Path) -> None:
    build.build(Node(compiles=False).machine, C)
    build.build(Node(compiles=True).machine, C)
    assert list(records.iterdir()) == []


def test_missing_headers_are_said() -> None:
    assert "headers" in build.build(Node(compiles=True, headers=False).machine, C).error


def test_the_hook_is_loud_and_pins_nothing_that_is_pinned() -> None:
    node = Node(compiles=False)
    done = hook.kernel_installed(node.machine, C)
    assert "too few arguments" in done.error
    said = [argv for argv in node.machine.asked if argv[0] in {"logger", "wall", "mail"}]
    assert {argv[0] for argv in said} == {"logger", "wall", "mail"}
    assert any(f"{A} stays the default" in word for argv in said for word in argv)
    assert all(argv[2:3] != ("pin",) for argv in node.machine.asked if argv[0] == "proxmox-boot-tool")


def test_the_hook_builds_quietly() -> None:
    node = Node(compiles=True)
    assert hook.kernel_installed(node.machine, C).error == ""
    assert all(argv[0] != "wall" for argv in node.machine.asked)


class Cut(ScriptedMachine):
    """dkms says `state` for C; its file there is whole or torn. What was asked is kept without the questions."""

    def __init__(self, state: str, *, whole: bool) -> None:
        self.state, self.whole = state, whole
        super().__init__(self.reply, files={HEADERS: ""})

    def list_directory(self, path: str) -> list[str]:
        assert path == f"/var/lib/dkms/amdgpu/{DKMS}/{C}/x86_64/module"
        return ["amdgpu.ko"]

    def reply(self, argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[:2] == ["dkms", "status"]:
            return 0, f"amdgpu/{DKMS}, {C}, x86_64: {self.state}\n", ""
        if argv[:2] == ["dkms", "install"]:
            self.state, self.whole = "installed", True
        if argv[0] == "modinfo":
            return (0, f"{C} SMP preempt mod_unload modversions\n", "") if self.whole else (1, "", "modinfo: ERROR")
        return 0, "", ""

    def done(self) -> list[tuple[str, ...]]:
        return [argv[:2] for argv in self.asked if argv[0] == "dkms" and argv[1] != "status"]


@pytest.mark.parametrize("state", ["built", "installed"])
def test_a_module_that_a_power_cut_tore_is_built_anew(state: str) -> None:
    node = Cut(state, whole=False)
    assert build.build(node, C).changed
    assert node.done() == [("dkms", "remove"), ("dkms", "install")]


def test_a_whole_one_is_not_compiled_twice() -> None:
    node = Cut("built", whole=True)
    build.compile_ahead(node, C)
    assert node.done() == []
    assert build.build(node, C).changed
    assert node.done() == [("dkms", "install")]


def test_a_torn_one_is_compiled_ahead_again() -> None:
    node = Cut("built", whole=False)
    build.compile_ahead(node, C)
    assert node.done() == [("dkms", "remove"), ("dkms", "build")]
