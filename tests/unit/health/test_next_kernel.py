import pytest

from rocmox.facts.failed_builds import DIRECTORY, FailedBuild, record_text
from rocmox.health.checks.next_kernel import run
from rocmox.health.context import Context
from rocmox.health.result import Verdict

HOOK = "/etc/kernel/postinst.d/dkms-rocmox"
RECORD = FailedBuild(
    kernel="6.8.12-10-pve", module="amdgpu", error="a.c: error: b", log="/x/make.log", time="2026-01-01"
)


class Node:
    """Some files."""

    name = "node"

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def exists(self, path: str) -> bool:
        return path in self._files

    def read_bytes(self, path: str) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self._files[path].encode()

    def list_directory(self, path: str) -> list[str]:
        names = [name.removeprefix(f"{path}/") for name in self._files if name.startswith(f"{path}/")]
        if not names:
            raise FileNotFoundError(2, "No such file or directory", path)
        return sorted(names)


@pytest.mark.parametrize(
    ("files", "code", "verdict"),
    [
        ({}, "NEXT_KERNEL_NOT_APPLICABLE", Verdict.NOT_APPLICABLE),
        ({HOOK: ""}, "NEXT_KERNEL_OK", Verdict.PASS),
        ({HOOK: "", "/run/systemd/container": "lxc"}, "NEXT_KERNEL_NOT_APPLICABLE", Verdict.NOT_APPLICABLE),
        (
            {
                HOOK: "",
                "/etc/kernel/proxmox-boot-pin": "6.8.12-9-pve\n",
                f"{DIRECTORY}/6.8.12-10-pve.json": record_text(RECORD),
            },
            "NEXT_KERNEL_UNBUILT",
            Verdict.WARN,
        ),
        (
            {HOOK: "", f"{DIRECTORY}/6.8.12-10-pve.json": record_text(RECORD)},
            "NEXT_KERNEL_BOOTS_UNBUILT",
            Verdict.FAIL,
        ),
    ],
)
def test_each_verdict(files: dict[str, str], code: str, verdict: Verdict) -> None:
    (result,) = run(Context(machine=Node(files)))  # type: ignore[arg-type]
    assert (result.code, result.verdict) == (code, verdict)
