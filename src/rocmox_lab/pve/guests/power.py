"""Start, stop, shut down, reboot: the checks of the calls and their workers (PVE::API2::LXC::Status)."""

from __future__ import annotations

from collections.abc import Callable

from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.call import Call
from rocmox_lab.pve.guests import pending
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.worker import Worker, worker

DEFAULT_TIMEOUT_SECONDS = 60


def start(call: Call) -> str:
    """POST …/status/start: an unknown or locked guest is the task's business."""
    if Guests(call.node).running(call.vmid):
        message = f"CT {call.vmid} already running\n"
        raise AnswerError(message)
    arguments = {"vmid": call.vmid, "skiplock": _skiplock(call), "debug": call.flag("debug")}
    return call.spawn("vzstart", str(call.vmid), arguments)


def stop(call: Call) -> str:
    """POST …/status/stop."""
    _need_running(call, "CT")
    return call.spawn("vzstop", str(call.vmid), {"vmid": call.vmid, "skiplock": _skiplock(call)})


def shutdown(call: Call) -> str:
    """POST …/status/shutdown."""
    _need_running(call, "CT")
    arguments = {
        "vmid": call.vmid,
        "timeout_seconds": call.number("timeout", DEFAULT_TIMEOUT_SECONDS),
        "force": call.flag("forceStop"),
    }
    return call.spawn("vzshutdown", str(call.vmid), arguments)


def reboot(call: Call) -> str:
    """POST …/status/reboot; PVE says `VM` here."""
    _need_running(call, "VM")
    arguments = {"vmid": call.vmid, "timeout_seconds": call.number("timeout", DEFAULT_TIMEOUT_SECONDS)}
    return call.spawn("vzreboot", str(call.vmid), arguments)


def suspend(call: Call) -> str:
    """POST …/status/suspend: accepted, and the task fails for want of CRIU."""
    _need_running(call, "CT")
    return call.spawn("vzsuspend", str(call.vmid), {"vmid": call.vmid})


def resume(call: Call) -> str:
    """POST …/status/resume."""
    if Guests(call.node).running(call.vmid):
        message = f"CT {call.vmid} already running\n"
        raise AnswerError(message)
    return call.spawn("vzresume", str(call.vmid), {"vmid": call.vmid})


def _skiplock(call: Call) -> bool:
    """Only the exact user root@pam may look past a lock."""
    if call.flag("skiplock") and not call.is_root:
        raise BadParameterError({"skiplock": "Only root may use this option."})
    return call.flag("skiplock")


def _need_running(call: Call, noun: str) -> None:
    if not Guests(call.node).running(call.vmid):
        message = f"{noun} {call.vmid} not running\n"
        raise AnswerError(message)


def _start_log(job: Worker) -> Callable[[str], None]:
    """The runtime's lines; its warnings count as PVE 9 counts them, and PVE 8 does not show them in the task."""

    def log(line: str) -> None:
        if not line.startswith("WARN: "):
            job.log(line)
        elif job.node.modern:
            job.warn(line.removeprefix("WARN: "))

    return log


@worker("vzstart")
def run_start(job: Worker) -> None:
    """Pending changes become current, devices are looked at, the guest starts."""
    guests, vmid = Guests(job.node), int(job.arguments["vmid"])
    with guests.locked(vmid, timeout_seconds=60):
        config = guests.files.load(vmid)
        if config.flag("template"):
            message = "you can't start a CT if it's a template"
            raise AnswerError(message)
        if config.values.get("lock") == "mounted":
            job.node.runtime.unmount(vmid)
            del config.values["lock"]
            guests.files.save(vmid, config)
        if not job.arguments.get("skiplock"):
            guests.check_lock(config)
        if guests.running(vmid):
            message = f"CT {vmid} already running"
            raise AnswerError(message)
        pending.apply(guests, vmid, config)
        guests.check_devices(config.values)
        job.node.runtime.start(guests.spec(vmid, config), _start_log(job))


@worker("vzstop")
def run_stop(job: Worker) -> None:
    """Kill at once."""
    guests, vmid = Guests(job.node), int(job.arguments["vmid"])
    with guests.locked(vmid, timeout_seconds=60):
        if not job.arguments.get("skiplock"):
            guests.check_lock(guests.files.load(vmid))
        job.node.runtime.stop(vmid)


@worker("vzshutdown")
def run_shutdown(job: Worker) -> None:
    """Ask, wait, and kill only when told so."""
    guests, vmid = Guests(job.node), int(job.arguments["vmid"])
    seconds = int(job.arguments["timeout_seconds"])
    with guests.locked(vmid, timeout_seconds=60):
        guests.check_lock(guests.files.load(vmid))
        if job.node.runtime.shutdown(vmid, timeout_seconds=seconds):
            return
        if not job.arguments.get("force"):
            message = f"command 'lxc-stop -n {vmid} --nokill --timeout {seconds}' failed: exit code 1"
            raise AnswerError(message)
        job.node.runtime.stop(vmid)


@worker("vzreboot")
def run_reboot(job: Worker) -> None:
    """Shut down and start with everything pending applied."""
    guests, vmid = Guests(job.node), int(job.arguments["vmid"])
    with guests.locked(vmid, timeout_seconds=60):
        config = guests.files.load(vmid)
        guests.check_lock(config)
        if not job.node.runtime.shutdown(vmid, timeout_seconds=int(job.arguments["timeout_seconds"])):
            job.node.runtime.stop(vmid)
        pending.apply(guests, vmid, config)
        guests.check_devices(config.values)
        job.node.runtime.start(guests.spec(vmid, config), _start_log(job))


@worker("vzsuspend")
def run_suspend(job: Worker) -> None:
    """Never works without CRIU, which PVE does not ship."""
    vmid = int(job.arguments["vmid"])
    message = f"command 'lxc-checkpoint -n {vmid} -s -D /var/lib/vz/dump' failed: exit code 1"
    raise AnswerError(message)


@worker("vzresume")
def run_resume(job: Worker) -> None:
    """Nothing can have been suspended."""
    vmid = int(job.arguments["vmid"])
    message = f"command 'lxc-checkpoint -n {vmid} -r --foreground -D /var/lib/vz/dump' failed: exit code 1"
    raise AnswerError(message)


@worker("vzsnapshot")
def run_snapshot(_job: Worker) -> None:
    """Raw images in a directory have no snapshots."""
    message = "snapshot feature is not available"
    raise AnswerError(message)
