"""When apt installs or removes a kernel by itself: it never ends apt, and a failure is loud."""

from __future__ import annotations

from pathlib import Path

from rocmox.errors import CommandError, RocmoxError
from rocmox.facts import boot_tool, dkms, kernels
from rocmox.facts.failed_builds import read_records
from rocmox.facts.kernel import read_release
from rocmox.host import ledger, places
from rocmox.host.kernels import boot, build
from rocmox.host.kernels.build import Built
from rocmox.host.state import MODULE
from rocmox.machine import Machine

_SECONDS = 7200


def kernel_installed(machine: Machine, kernel: str) -> Built:
    """Dkms' own hook first (it builds every module), then amdgpu is looked at; the kernel never becomes the default."""
    keep_default(machine)
    hook = next((path for path in places.DKMS_HOOKS if machine.exists(path)), None)
    ran = hook is not None and kernels.has_headers(machine, kernel) and not _knows(machine, kernel)
    if hook and ran:
        shell = Path(hook).read_text(encoding="utf-8", errors="replace").partition("\n")[0].removeprefix("#!").split()
        machine.run([*(shell or ["/bin/sh"]), hook, kernel], timeout_seconds=_SECONDS, environment={"LC_ALL": "C"})
    done = build.failure_of(machine, kernel) if ran and not _knows(machine, kernel) else None
    done = done or build.build(machine, kernel)
    if done.error:
        shout(machine, done)
    return done


def kernel_removed(kernel: str) -> None:
    """Nothing is wrong with a kernel that is gone."""
    build.forget(kernel)


def after_apt(machine: Machine) -> tuple[Built, ...]:
    """Kernels whose headers came after them: their failure was `headers are missing`, and they are there now."""
    waiting = [
        record.kernel
        for record in read_records(machine)
        if "headers" in record.error and kernels.has_headers(machine, record.kernel)
    ]
    for record in read_records(machine):
        if record.kernel not in kernels.read_installed(machine):
            build.forget(record.kernel)
    done = tuple(build.build(machine, kernel) for kernel in waiting)
    for one in done:
        if one.error:
            shout(machine, one)
    return done


def keep_default(machine: Machine) -> None:
    """Without a pin the newest kernel boots as soon as it is installed: the running one is pinned first."""
    try:
        if boot_tool.read_kernel_list(machine).pinned is None:
            running = read_release(machine)
            ledger.add(pinned=running, pin_before="")
            boot.pin(machine, running)
    except RocmoxError as error:
        say(machine, f"rocmox: the running kernel cannot be pinned: {error}")


def shout(machine: Machine, failed: Built) -> None:
    """Journal, every terminal, and root's mail where there is a mailer; the record for health is written already."""
    pinned = _pinned(machine)
    text = (
        f"rocmox: amdgpu was not built for kernel {failed.kernel}: {failed.error}"
        + (f" ({failed.log})" if failed.log else "")
        + f". That kernel would boot without the cards; {pinned or 'the running kernel'} stays the default."
    )
    say(machine, text)


def say(machine: Machine, text: str) -> None:
    """Journal, terminals, mail: whatever of them this node has."""
    print(text, flush=True)
    ways = (
        ["logger", "--tag", "rocmox", "--priority", "kern.err", text],
        ["wall", text],
        ["mail", "-s", "rocmox: a kernel without amdgpu", "root"],
    )
    for argv in ways:
        try:
            machine.run(argv, stdin=text.encode() + b"\n", timeout_seconds=20)
        except CommandError:
            continue  # not installed here; the record and the journal remain


def _pinned(machine: Machine) -> str | None:
    try:
        return boot_tool.read_kernel_list(machine).pinned
    except RocmoxError:
        return None


def _knows(machine: Machine, kernel: str) -> bool:
    return dkms.installed_for(dkms.read_status(machine), MODULE, kernel) is not None
