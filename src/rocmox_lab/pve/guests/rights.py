"""Who may set which option: PVE::LXC's check_ct_modify_config_perm. Only the exact user root@pam passes unchecked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rocmox_lab.pve import values
from rocmox_lab.pve.access.rights import ROOT, Rights
from rocmox_lab.pve.answers import NoPermissionError
from rocmox_lab.pve.guests.config import ConfigFiles
from rocmox_lab.pve.guests.spec import mount_type, parsed
from rocmox_lab.pve.schema import INDEXED

_CPU = {"cores", "cpuunits", "cpulimit"}
_MEMORY = {"memory", "swap"}
_NETWORK = {"nameserver", "searchdomain", "hostname"}
# Parameters of the create call that are no options of the guest.
NOT_OPTIONS = set(
    (  # noqa: SIM905 - a list this long reads better as words
        "node vmid ostemplate storage password ssh-public-keys pool force restore start bwlimit unique "
        "ignore-unpack-errors delete revert digest unprivileged ha-managed"
    ).split()
)


class OptionRights:
    """The check for one caller and one guest."""

    def __init__(self, rights: Rights, user: str, vmid: int, files: ConfigFiles) -> None:
        self._rights = rights
        self._user = user
        self._path = f"/vms/{vmid}"
        self._files = files

    def check(
        self,
        wanted: Mapping[str, str],
        *,
        delete: Iterable[str] = (),
        old: Mapping[str, str] | None = None,
        unprivileged: bool,
    ) -> None:
        """NoPermissionError for the first option that the caller may not touch."""
        if self._user == ROOT:
            return
        for key in delete:
            self._check_one(key, None, old or {}, unprivileged=unprivileged)
        for key, value in wanted.items():
            if key not in NOT_OPTIONS:
                self._check_one(key, value, old or {}, unprivileged=unprivileged)

    def _check_one(self, key: str, value: str | None, old: Mapping[str, str], *, unprivileged: bool) -> None:
        match = INDEXED.match(key)
        base = match[1] if match else key
        if base == "dev":
            raise NoPermissionError("configuring device passthrough is only allowed for root@pam")
        if base in {"rootfs", "mp"}:
            self._check_mount(key, value, old)
        elif base == "net" or key in _NETWORK:
            self._need("VM.Config.Network")
            self._check_bridge(key, value if base == "net" else None)
        elif key == "features":
            self._check_features(value, old.get(key), unprivileged=unprivileged)
        elif key == "hookscript":
            raise NoPermissionError("changing the hookscript is only allowed for root@pam")
        elif key in _CPU:
            self._need("VM.Config.CPU")
        elif key in _MEMORY:
            self._need("VM.Config.Memory")
        else:
            self._need("VM.Config.Options")

    def _check_mount(self, key: str, value: str | None, old: Mapping[str, str]) -> None:
        self._need("VM.Config.Disk")
        text = value if value is not None else old.get(key)
        if text is None:
            return
        volume = parsed(self._files, key, text)["volume"]
        kind = mount_type(volume)
        if kind != "volume":
            raise NoPermissionError(f"mount point type {kind} is only allowed for root@pam")
        self._rights.need(self._user, f"/storage/{volume.partition(':')[0]}", ["Datastore.AllocateSpace"])

    def _check_bridge(self, key: str, value: str | None) -> None:
        if value is None:
            return
        parts = parsed(self._files, key, value)
        if "bridge" in parts:
            zone = f"/sdn/zones/localnetwork/{parts['bridge']}"
            path = f"{zone}/{parts['tag']}" if "tag" in parts else zone
            self._rights.need(self._user, path, ["SDN.Use"])

    def _check_features(self, value: str | None, old: str | None, *, unprivileged: bool) -> None:
        if not unprivileged:
            raise NoPermissionError("changing feature flags for privileged container is only allowed for root@pam")
        new_flags = parsed(self._files, "features", value) if value else {}
        old_flags = parsed(self._files, "features", old) if old else {}
        keys = {*new_flags, *old_flags}
        changed = {key for key in keys if _flag(new_flags.get(key)) != _flag(old_flags.get(key))}
        if changed - {"nesting"}:
            raise NoPermissionError("changing feature flags (except nesting) is only allowed for root@pam")
        if changed:
            self._need("VM.Allocate")

    def _need(self, privilege: str) -> None:
        self._rights.need(self._user, self._path, [privilege])


def _flag(value: str | None) -> str:
    if value is None or value.lower() in values.FALSE_WORDS:
        return "0"
    return "1" if value.lower() in values.TRUE_WORDS else value
