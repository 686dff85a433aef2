"""What the account may do, asked before anything is done."""

from __future__ import annotations

from rocmox.proxmox.api import Api

DEVICE_USER = "root@pam"
"""The one user that may set or delete `devN` (`PVE::LXC::check_ct_modify_config_perm`); no token may, not root's."""


def may_do_everything(api: Api) -> bool:
    """Whether no check stops this account and no guest is hidden from it: `root@pam` itself, and no token of his."""
    return api.account_name == DEVICE_USER


def privileges_on(api: Api, path: str) -> frozenset[str]:
    """The privileges the account has on an ACL path such as `/vms/101` or `/storage/local`, inherited ones included."""
    found = api.get("/access/permissions", {"path": path})
    return frozenset(found.get(path, {}))


def missing_privileges(api: Api, needed: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """ACL path → privileges that are needed and not given. `root@pam` by password has them all and is not asked."""
    if may_do_everything(api):
        return {}
    gaps = {path: privileges - privileges_on(api, path) for path, privileges in needed.items()}
    return {path: gap for path, gap in gaps.items() if gap}
