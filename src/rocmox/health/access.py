"""Judges attempts to open a device in a guest, and says which `devN` line of which container to fix."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.facts.container_config import PassedDevice
from rocmox.gpu.inventory import Passthrough
from rocmox.health.pct_words import config_file, line, restart, set_device
from rocmox.health.result import Evidence, Result, Verdict

_CHECK = "device_access"
_ROOT = "root"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attempt:
    """One open for reading and writing: `error` is the errno's name, None when it opened; ids are the guest's."""

    path: str
    error: str | None
    uid: int | None
    gid: int | None
    mode: str | None
    is_device: bool | None
    number: str | None = None
    """`226:128`."""

    @classmethod
    def from_answer(cls, entry: Any) -> Attempt:
        """Reads the probe's answer for one path."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: entry[name] for name in names if name in entry})

    @property
    def evidence(self) -> Evidence:
        """The attempt in words."""
        owner = "" if self.gid is None else f", owner {self.uid}:{self.gid}, mode {self.mode}"
        return Evidence(source=f"open({self.path}, O_RDWR)", value=(self.error or "opened") + owner)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """What an attempt means."""

    code: str
    verdict: Verdict
    summary: str
    remedy: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guest:
    """Who tried, in which container; `constructed` cards have no driver behind their nodes."""

    user: str
    user_groups: frozenset[int]
    group_ids: dict[str, int]
    vmid: int | None
    constructed: bool
    raw_lines: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_answer(cls, answer: dict[str, Any], passthrough: Passthrough | None) -> Guest:
        """Reads the probe's answer about the user."""
        return cls(
            user=answer["user"],
            user_groups=frozenset(answer["user_groups"]),
            group_ids=dict(answer["group_ids"]),
            vmid=passthrough.vmid if passthrough else None,
            constructed=passthrough.constructed if passthrough else False,
            raw_lines=passthrough.raw_lines if passthrough else (),
        )


def judge_passed(device: PassedDevice, attempt: Attempt, guest: Guest) -> Result:
    """A device that the node passes: it must open, or answer ENXIO where no driver can be behind it."""
    if attempt.is_device is False:
        finding = _file_in_its_place(device, guest)
    elif guest.user == _ROOT and attempt.error in {None, "ENXIO", "ENODEV"} and _wrong_gid(attempt, guest):
        # Root opens whatever the cgroup lets through; those who compute are not root.
        finding = dataclasses.replace(_permissions(device, attempt, guest), verdict=Verdict.WARN)
    elif attempt.error is None:
        finding = Finding(code="DEVICE_OPENED", verdict=Verdict.PASS, summary=f"{guest.user} opened it")
    elif attempt.error in {"ENXIO", "ENODEV"}:
        finding = _let_through(guest)
    elif attempt.error == "EACCES":
        finding = _permissions(device, attempt, guest)
    elif attempt.error == "EPERM":
        finding = _cgroup(device, guest)
    elif attempt.error == "ENOENT":
        finding = _missing(guest)
    else:
        finding = _fail(
            "DEVICE_BROKEN",
            f"open answers {attempt.error}",
            "Look at the node's kernel log: `dmesg | grep -i -e amdgpu -e kfd`.",
        )
    return _result(finding, attempt)


def judge_absent(attempt: Attempt, guest: Guest) -> Result:
    """A card's node that no `devN` line passes: it must be missing, or refused, unless raw lines mean to pass it."""
    if attempt.error == "EPERM" and _is_mounted(attempt.path, guest):
        return _result(_cgroup_of_raw_lines(attempt, guest), attempt)
    reasons = {
        "ENOENT": "not passed, and no node is here",
        "EPERM": "not passed, and the device cgroup refuses",
        "EACCES": "not passed; its file permissions refuse before the device cgroup is asked",
    }
    if attempt.error in reasons:
        finding = Finding(code="DEVICE_NOT_PASSED", verdict=Verdict.PASS, summary=reasons[attempt.error])
    else:
        finding = _fail(
            "DEVICE_LEAKS",
            "no devN line passes it, and yet it is let through",
            f"Look for raw lxc.cgroup2.devices.allow and lxc.mount.entry lines in {config_file(guest.vmid)}: they let "
            "through more than the devN lines say.",
        )
    return _result(finding, attempt)


def _file_in_its_place(device: PassedDevice, guest: Guest) -> Finding:
    remedy = f"Remove the file {device.path} in the container, then {restart(guest.vmid)}."
    return _fail("DEVICE_IS_A_FILE", "a plain file lies in its place", remedy)


def _let_through(guest: Guest) -> Finding:
    if guest.constructed:
        summary = f"let through for {guest.user}; no driver is behind it (constructed cards)"
        return Finding(code="DEVICE_LET_THROUGH", verdict=Verdict.PASS, summary=summary)
    return _fail(
        "DEVICE_NO_DRIVER",
        "let through, but no driver is behind it",
        "On the node: `modprobe amdgpu`, then `dmesg | grep -i -e amdgpu -e kfd`; `rocmox health` there says more.",
    )


def _cgroup(device: PassedDevice, guest: Guest) -> Finding:
    """EPERM comes from the device cgroup: `deny-write`, or no rule, which PVE writes at start from the line."""
    if not device.deny_write:
        return _fail(
            "DEVICE_CGROUP_REFUSES",
            "the container's device cgroup refuses it (EPERM); its file permissions do not",
            f"PVE writes the rule for a line at start. {config_file(guest.vmid)} needs "
            f"`{line(device.key, device.path, device.gid)}` (`{_set_command(device, guest)}` on the node) and no raw "
            f"lxc.cgroup2.devices line that denies it; then {restart(guest.vmid)}.",
        )
    now = line(device.key, device.path, device.gid, more="deny-write=1,")
    return _fail(
        "DEVICE_CGROUP_REFUSES",
        "its line says deny-write, so the container's device cgroup refuses to open it for writing (EPERM)",
        f"In {config_file(guest.vmid)}, `{now}` must lose deny-write=1: run `{_set_command(device, guest)}` on the "
        f"node, then {restart(guest.vmid)}.",
    )


def _is_mounted(path: str, guest: Guest) -> bool:
    """Whether a raw line mounts the device, or its directory, into the guest."""
    mounts = [value.split()[0].rstrip("/") for key, value in guest.raw_lines if key == "lxc.mount.entry" and value]
    return any(path == source or path.startswith(f"{source}/") for source in mounts)


def _cgroup_of_raw_lines(attempt: Attempt, guest: Guest) -> Finding:
    allow = f"lxc.cgroup2.devices.allow: c {attempt.number or 'MAJOR:MINOR'} rw"
    gid = guest.group_ids.get(_group_of(attempt.path), 0)
    return _fail(
        "DEVICE_CGROUP_REFUSES",
        "a raw lxc.mount.entry line brings it in, and the container's device cgroup refuses it (EPERM)",
        f"{config_file(guest.vmid)} lacks `{allow}`. Better than raw lines: take them out, pass the device with "
        f"`{set_device(guest.vmid, '', attempt.path, gid)}` (`rocmox containers apply --migrate-legacy` does both), "
        f"then {restart(guest.vmid)}.",
    )


def _missing(guest: Guest) -> Finding:
    return _fail(
        "DEVICE_MISSING",
        "the configuration passes it, and there is no such node in the running container",
        f"Devices are made at start: {restart(guest.vmid)}.",
    )


def _wrong_gid(attempt: Attempt, guest: Guest) -> bool:
    right = guest.group_ids.get(_group_of(attempt.path))
    return right is not None and attempt.gid != right


def _permissions(device: PassedDevice, attempt: Attempt, guest: Guest) -> Finding:
    group = _group_of(device.path)
    right = guest.group_ids.get(group)
    if right is None:
        remedy = f"In the container: `groupadd --system {group} && usermod -aG {group} {guest.user}`; then check again."
        return _fail("DEVICE_NO_GROUP", f"the container has no group {group}", remedy)
    if attempt.gid != right:
        now = line(device.key, device.path, device.gid) if device.key else f"the devN line of {device.path}"
        return _fail(
            "DEVICE_WRONG_GID",
            f"its group id is {attempt.gid}, and {group} has {right} in this container",
            f"In {config_file(guest.vmid)}, `{now}` must say gid={right}: run "
            f"`{_set_command(device, guest, gid=right)}` on the node, then {restart(guest.vmid)}.",
        )
    if right not in guest.user_groups:
        remedy = f"Run `usermod -aG {group} {guest.user}` in the container and restart the service."
        return _fail("DEVICE_USER_NOT_IN_GROUP", f"{guest.user} is not in the group {group} ({right})", remedy)
    return _fail(
        "DEVICE_WRONG_MODE",
        f"its mode {attempt.mode} keeps the group {group} out",
        f"Without mode= it is 0660: `{_set_command(device, guest, gid=right)}` on the node, then "
        f"{restart(guest.vmid)}.",
    )


def _set_command(device: PassedDevice, guest: Guest, *, gid: int | None = None) -> str:
    return set_device(guest.vmid, device.key, device.path, device.gid if gid is None else gid)


def _group_of(path: str) -> str:
    return "video" if path.startswith("/dev/dri/card") else "render"


def _fail(code: str, summary: str, remedy: str) -> Finding:
    return Finding(code=code, verdict=Verdict.FAIL, summary=summary, remedy=remedy)


def _result(finding: Finding, attempt: Attempt) -> Result:
    return Result(
        check=_CHECK,
        code=finding.code,
        verdict=finding.verdict,
        subject=attempt.path,
        summary=finding.summary,
        evidence=(attempt.evidence,),
        remedy=finding.remedy,
    )
