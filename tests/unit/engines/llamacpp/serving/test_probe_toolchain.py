"""The compilers' names are the build's identity; a missing HIP tool chain says what to do."""

from collections.abc import Callable
from types import ModuleType

import pytest

WISH = {
    "backend": "cpu",
    "hip_root": "",
    "hip_compiler": "",
    "work_directory": "/",
    "packages": [],
    "build_user": "root",
    "service_user": "root",
    "device_groups": [],
}


@pytest.fixture
def probe(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("probe_toolchain")


def test_cpu_build_needs_the_compiler_alone(probe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "version", lambda program: f"{program} 14.2.0")
    monkeypatch.setattr(probe, "cpu_flags", lambda: ["avx", "avx2"])
    monkeypatch.setattr(probe, "opens", lambda device: device != "/dev/kfd")
    found = probe.main(WISH)
    assert found == {
        "identity": ["c++ 14.2.0"],
        "cpu_flags": ["avx", "avx2"],
        "problem": "",
        "hip_root": "",
        "hip_compiler": "",
        "card_visible": False,
        "missing": [],
        "hip_problem": "",
    }


def test_hip_build_names_its_root_and_compiler(probe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {probe.HIPCONFIGS: "/opt/rocm/bin/hipconfig", probe.HIP_COMPILERS: "/opt/rocm/lib/llvm/bin/clang++"}
    monkeypatch.setattr(probe, "first", paths.__getitem__)
    monkeypatch.setattr(probe, "version", lambda program: f"version of {program}")
    found = probe.main({**WISH, "backend": "hip"})
    assert (found["hip_root"], found["problem"]) == ("/opt/rocm", "")
    assert found["identity"][1:] == [
        "version of /opt/rocm/lib/llvm/bin/clang++",
        "version of /opt/rocm/bin/hipconfig",
    ]


@pytest.mark.parametrize(("shaderc", "problem"), [("shaderc v2024.4", ""), ("", "No shader compiler")])
def test_vulkan_build_names_its_shader_compiler(
    probe: ModuleType, monkeypatch: pytest.MonkeyPatch, shaderc: str, problem: str
) -> None:
    monkeypatch.setattr(probe, "version", {"c++": "14.2.0", "glslc": shaderc}.__getitem__)
    found = probe.main({**WISH, "backend": "vulkan"})
    assert found["identity"] == ["14.2.0", shaderc]
    assert found["problem"].startswith(problem)
    assert bool(found["problem"]) is bool(problem)


def test_missing_hip_tool_chain_says_what_to_do(probe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "first", lambda _patterns: "")
    monkeypatch.setattr(probe, "version", lambda program: "14.2.0" if program == "c++" else "")
    found = probe.main({**WISH, "backend": "hip"})
    assert "install_rocm.yml" in found["problem"]
    assert found["hip_problem"] == found["problem"]


def test_a_program_that_cannot_be_run_has_no_version(probe: ModuleType) -> None:
    assert probe.version("/no/such/program") == ""
    assert probe.version("") == ""


def test_a_device_is_visible_when_it_opens(probe: ModuleType) -> None:
    assert probe.opens("/dev/null")
    assert not probe.opens("/no/such/device")


def test_what_is_missing_is_named(probe: ModuleType) -> None:
    packages = ["dpkg", "no-such-package"]
    accounts = {"build_user": "no-such-user", "device_groups": ["no-such-group"]}
    found = probe.missing({**WISH, "packages": packages, **accounts})
    assert found == ["no-such-package", "no-such-user", "no-such-group"]
