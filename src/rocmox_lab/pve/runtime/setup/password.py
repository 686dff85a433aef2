"""The password of a guest's root (`PVE::LXC::Setup::Base::set_user_password`)."""

from __future__ import annotations

import ctypes
import re

from rocmox_lab.pve.runtime_protocol import RuntimeFailedError

_SECONDS_PER_DAY = 86400
_PREFIX = b"$6$"  # SHA-512: every Debian and Ubuntu guest reads it


def encrypt(password: str | None) -> str:
    """As /etc/shadow keeps it, by the node's libcrypt (crypt(3)); `*`, which nothing matches, without a password."""
    if password is None:
        return "*"
    library = ctypes.CDLL("libcrypt.so.1", use_errno=True)
    library.crypt_gensalt.restype = library.crypt.restype = ctypes.c_char_p
    salt = library.crypt_gensalt(_PREFIX, ctypes.c_ulong(0), None, 0)
    encrypted = library.crypt(password.encode(), salt) if salt else None
    if not encrypted or encrypted.startswith(b"*"):
        raise RuntimeFailedError("unable to encrypt the root password: libcrypt refused it")
    text: str = encrypted.decode()
    return text


def in_shadow(shadow: str, encrypted: str, seconds_since_epoch: float) -> str:
    """/etc/shadow with root's entry exchanged. Pure."""
    day = int(seconds_since_epoch // _SECONDS_PER_DAY)
    return re.sub(r"^root:[^:]*:[^:]*:", lambda _: f"root:{encrypted}:{day}:", shadow, flags=re.MULTILINE)
