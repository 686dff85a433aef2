"""Public keys in OpenPGP files: their fingerprints, and one key alone. A minimal machine has no gpg that could tell.

Standard library only, and alone: the role rocm links to this file, and Ansible carries it into guests.
"""

from __future__ import annotations

import base64
import hashlib
import re

_PUBLIC_KEY = 6  # packet tags: RFC 9580, 5
_KEYRING_TAGS = frozenset({2, 6, 13, 14, 17})  # signatures, keys, user ids, subkeys, user attributes
_SHORTEST = 6
_ARMOR = re.compile(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END", re.DOTALL)


def dearmor(blob: bytes) -> bytes:
    """A key file as packets (RFC 9580, 6.2); a binary one is returned as it is."""
    found = _ARMOR.search(blob)
    if not found:
        return blob
    lines = found[1].replace(b"\r", b"").split(b"\n")
    body = lines[lines.index(b"") + 1 :] if b"" in lines[:-1] else lines
    return base64.b64decode(b"".join(line for line in body if not line.startswith(b"=")))


def armor(packets: bytes) -> str:
    """Packets as text, for a keyring `*.asc` that apt reads; the checksum is optional (RFC 9580, 6.1)."""
    body = base64.b64encode(packets).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    frame = ("-----BEGIN PGP PUBLIC KEY BLOCK-----", "", *lines, "-----END PGP PUBLIC KEY BLOCK-----")
    return "\n".join(frame) + "\n"


def packets(blob: bytes) -> list[tuple[int, bytes, bytes]]:
    """(tag, body, the packet as it stands) of each packet (RFC 9580, 4.2); ValueError when it is not a public key."""
    found = []
    rest = blob
    while rest:
        tag, start, size = _header(rest)
        if tag not in _KEYRING_TAGS or start + size > len(rest):
            raise ValueError("this is not an OpenPGP public key")
        found.append((tag, rest[start : start + size], rest[: start + size]))
        rest = rest[start + size :]
    return found


def keys(blob: bytes) -> dict[str, bytes]:
    """Fingerprint of each primary key → the key with its user ids, subkeys and signatures, as a binary keyring."""
    found: dict[str, bytes] = {}
    fingerprint = ""
    for tag, body, whole in packets(dearmor(blob)):
        if tag == _PUBLIC_KEY:
            fingerprint = fingerprint_of(body)
            found[fingerprint] = b""
        if not fingerprint:
            raise ValueError("this is not an OpenPGP public key")
        found[fingerprint] += whole
    return found


def fingerprint_of(body: bytes) -> str:
    """As `gpg --show-keys --with-colons` shows it: upper case hexadecimal (RFC 9580, 5.5.4)."""
    if body[:1] == b"\x04":
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324 - the format's
    return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()


def _header(blob: bytes) -> tuple[int, int, int]:
    """Tag, where the body starts, and its length in bytes (RFC 9580, 4.2)."""
    if len(blob) < _SHORTEST or not blob[0] & 0x80:
        raise ValueError("this is not an OpenPGP public key")
    if not blob[0] & 0x40:
        width = (1, 2, 4, 0)[blob[0] & 3]
        size = int.from_bytes(blob[1 : 1 + width], "big") if width else len(blob) - 1
        return (blob[0] >> 2) & 0x0F, 1 + width, size
    tag, first = blob[0] & 0x3F, blob[1]
    if first < 192:  # noqa: PLR2004 - RFC 9580, 4.2.1.1
        return tag, 2, first
    if first < 224:  # noqa: PLR2004 - RFC 9580, 4.2.1.2
        return tag, 3, ((first - 192) << 8) + blob[2] + 192
    return tag, 6, int.from_bytes(blob[2:6], "big")
