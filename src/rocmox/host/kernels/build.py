"""Building amdgpu for one kernel, and what is left behind when it does not compile."""

from __future__ import annotations

import dataclasses
import datetime as dt

from rocmox.errors import RocmoxError
from rocmox.facts import dkms
from rocmox.facts.dkms import DkmsModule
from rocmox.facts.failed_builds import DIRECTORY, FailedBuild, record_text
from rocmox.facts.kernels import has_headers, version_key
from rocmox.host import files
from rocmox.host.state import MODULE
from rocmox.machine import Completed, Machine

_SECONDS = 7200  # amdgpu takes ten minutes on a quick machine
_QUIET = {"LC_ALL": "C"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Built:
    """What became of one build: `error` is empty when the kernel has its module now."""

    kernel: str
    changed: bool = False
    error: str = ""
    log: str = ""


def build(machine: Machine, kernel: str) -> Built:
    """Build and install amdgpu for this kernel unless it is there; a failure is recorded, a success forgets it."""
    before = dkms.read_status(machine)
    torn = drop_torn(machine, before, kernel)
    if dkms.installed_for(before, MODULE, kernel) and not torn:
        forget(kernel)
        return Built(kernel=kernel)
    versions = [module.version for module in before if module.name == MODULE]
    if not versions:
        return Built(kernel=kernel, error="dkms knows no amdgpu; amdgpu-dkms is not installed")
    version = max(versions, key=version_key)
    if not has_headers(machine, kernel):
        return record(kernel, f"the headers of {kernel} are missing (/lib/modules/{kernel}/build)", "")
    argv = ["dkms", "install", "--force", "-m", MODULE, "-v", version, "-k", kernel]
    done = machine.run(argv, timeout_seconds=_SECONDS, environment=_QUIET)
    if dkms.installed_for(dkms.read_status(machine), MODULE, kernel) is None:
        error, log = dkms.read_first_error(machine, MODULE, version, kernel) or (_last_words(done), "")
        return record(kernel, error, log)
    machine.run(["update-initramfs", "-u", "-k", kernel], timeout_seconds=_SECONDS, environment=_QUIET)
    machine.run(["sync"])
    forget(kernel)
    return Built(kernel=kernel, changed=True)


def compile_ahead(machine: Machine, kernel: str) -> None:
    """Compile amdgpu for a kernel whose headers alone are there: one that it does not fit is not even installed."""
    before = dkms.read_status(machine)
    if _of(before, kernel) and not drop_torn(machine, before, kernel):
        return
    versions = [module.version for module in before if module.name == MODULE]
    if not versions:
        raise RocmoxError("dkms knows no amdgpu; amdgpu-dkms is not installed")
    version = max(versions, key=version_key)
    argv = ["dkms", "build", "-m", MODULE, "-v", version, "-k", kernel]
    done = machine.run(argv, timeout_seconds=_SECONDS, environment=_QUIET)
    if done.exit_status:
        error, log = dkms.read_first_error(machine, MODULE, version, kernel) or (_last_words(done), "")
        raise _not_built(Built(kernel=kernel, error=error, log=log))
    machine.run(["sync"])  # a power cut from now on leaves a whole file behind dkms' word `built`


def drop_torn(machine: Machine, known: tuple[DkmsModule, ...], kernel: str) -> bool:
    """Let dkms forget what a run that was killed left half written for this kernel; whether there was any.

    dkms goes by the file's presence alone (`is_module_built`), so `built` and `installed` may stand for an empty file.
    """
    found = _of(known, kernel)
    torn = [module for module in found if not dkms.is_whole(machine, module)]
    for module in torn:
        argv = ["dkms", "remove", "-m", MODULE, "-v", module.version, "-k", kernel]
        machine.run(argv, timeout_seconds=_SECONDS, environment=_QUIET)
    return bool(torn)


def _of(known: tuple[DkmsModule, ...], kernel: str) -> list[DkmsModule]:
    return [module for module in known if module.name == MODULE and module.kernel == kernel]


def require(machine: Machine, kernel: str) -> Built:
    """As build(); RocmoxError with the first error of make.log when the kernel has no module in the end."""
    done = build(machine, kernel)
    if done.error:
        raise _not_built(done)
    return done


def _not_built(done: Built) -> RocmoxError:
    return RocmoxError(
        f"amdgpu cannot be built for {done.kernel}: {done.error}" + (f" ({done.log})" if done.log else ""),
        remedy="`rocmox compatibility` shows which driver fits which kernel; the kernel that boots is unchanged.",
    )


def failure_of(machine: Machine, kernel: str) -> Built | None:
    """The failure that somebody else's build for this kernel left in its log, recorded; None when there is none."""
    for module in dkms.read_status(machine):
        if module.name == MODULE and (found := dkms.read_first_error(machine, MODULE, module.version, kernel)):
            return record(kernel, *found)
    return None


def _last_words(done: Completed) -> str:
    words = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return words[-1] if words else f"dkms ended with status {done.exit_status}"


def record(kernel: str, error: str, log: str) -> Built:
    """Leave the failure where health reads it."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    failed = FailedBuild(kernel=kernel, module=MODULE, error=error, log=log, time=now)
    files.write(f"{DIRECTORY}/{kernel}.json", record_text(failed))
    return Built(kernel=kernel, error=error, log=log)


def forget(kernel: str) -> None:
    """The kernel has its module, or is gone."""
    files.remove(f"{DIRECTORY}/{kernel}.json")
