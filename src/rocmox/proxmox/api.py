"""What a way into Proxmox VE offers, whatever carries it (HTTPS today; `pvesh` fits the same shape)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Protocol

from rocmox.errors import UsageError

Parameters = Mapping[str, str | int]
"""Parameters of a call as PVE takes them: booleans are 0 and 1 (form data refuses `true`)."""

_SHA256 = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")


class Api(Protocol):
    """One authenticated way to a Proxmox VE API."""

    account_name: str
    """Who PVE says is calling: `root@pam`, or with a token `root@pam!name` (another user to PVE)."""

    def get(self, path: str, parameters: Parameters | None = None) -> Any: ...
    def post(self, path: str, parameters: Parameters | None = None) -> Any: ...
    def put(self, path: str, parameters: Parameters | None = None) -> Any: ...
    def delete(self, path: str, parameters: Parameters | None = None) -> Any: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where the API is and how its certificate is known: by a CA, or pinned by its SHA-256 fingerprint."""

    host: str
    port: int = 8006
    fingerprint: str = ""
    ca_file: str = ""
    timeout_seconds: float = 30

    def __post_init__(self) -> None:
        if self.fingerprint and _SHA256.fullmatch(self.pinned) is None:
            raise UsageError(
                f"pve_api_fingerprint {self.fingerprint!r} is not a SHA-256 fingerprint (32 pairs of hex digits)",
                remedy="On the node: `openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem`.",
            )

    @property
    def pinned(self) -> str:
        """The fingerprint as PVE writes it: upper case, colons."""
        digits = self.fingerprint.replace(":", "").strip().upper()
        return ":".join(digits[index : index + 2] for index in range(0, len(digits), 2))

    @property
    def address(self) -> str:
        return f"https://{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """A user with a password, or with an API token; secrets stay out of every repr."""

    user: str
    password: str = dataclasses.field(default="", repr=False)
    token_id: str = ""
    token_secret: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if "@" not in self.user:
            raise UsageError(
                f"pve_api_user {self.user!r} names no realm", remedy="Write user@realm, for example root@pam."
            )
        if bool(self.token_id) != bool(self.token_secret):
            raise UsageError(
                "an API token is half given",
                remedy="Set both pve_api_token_id and pve_api_token_secret, or neither.",
            )
        if not self.password and not self.token_id:
            raise UsageError(
                f"no way to log in as {self.user}",
                remedy="Set pve_api_password, or pve_api_token_id with pve_api_token_secret.",
            )

    @property
    def name(self) -> str:
        """The user PVE sees: a token is a user of its own (`PVE::AccessControl::verify_token`)."""
        return f"{self.user}!{self.token_name}" if self.token_id else self.user

    @property
    def token_name(self) -> str:
        """The token's short name; `user@realm!name` is accepted as well."""
        return self.token_id.rpartition("!")[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """One node of a cluster, reached through an API."""

    api: Api
    name: str

    def path(self, *parts: str | int) -> str:
        """`path("lxc", 101)` is `/nodes/pve1/lxc/101`."""
        return "/".join(["", "nodes", self.name, *(str(part) for part in parts)])
