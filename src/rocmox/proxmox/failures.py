"""Proxmox VE's own words → rocmox's errors, whatever way they came. Standard library only."""

from __future__ import annotations

from rocmox.errors import AuthenticationError, MachineError, PermissionDeniedError, ProxmoxError, RocmoxError


class LostAnswerError(MachineError):
    """A call was sent and its answer did not come (whole): Proxmox VE may have carried it out or not."""


class NotFoundError(ProxmoxError):
    """PVE knows no such container, node or volume."""


class ConfigChangedError(ProxmoxError):
    """The container's configuration changed since it was read (the digest differs)."""


def refused_login(where: str, account_name: str, text: str) -> AuthenticationError:
    """PVE does not know the account, its password or its token."""
    return AuthenticationError(
        f"{where} refuses {account_name}: {text or 'authentication failed'}",
        remedy="Check pve_api_user with pve_api_password (or pve_api_token_id with pve_api_token_secret); "
        "`pvesh get /access/users` on the node lists the users.",
    )


def not_permitted(where: str, account_name: str, text: str) -> PermissionDeniedError:
    """PVE knows the account, and the account may not do this."""
    return PermissionDeniedError(
        f"{where}: {account_name} may not do this: {text}",
        remedy="Give the account (and its token, when privileges are separated) the missing privilege, "
        "or use root@pam.",
    )


def from_text(where: str, text: str, *, prefix: str = "") -> RocmoxError:
    """Any other refusal, told apart by PVE's words; `prefix` is a status that belongs before them."""
    if "does not exist" in text and "Configuration file" in text:
        return NotFoundError(f"{where}: {text}")
    if "detected modified configuration" in text:
        return ConfigChangedError(
            f"{where}: {text}",
            remedy="Somebody else changed the container meanwhile; run again to plan it anew.",
        )
    return ProxmoxError(
        f"{where}: {prefix}{text}",
        remedy="These are Proxmox VE's own words; `journalctl -u pvedaemon -u pveproxy` on the node may tell more. "
        "Fix the cause and run again: a run continues from what it finds.",
    )
