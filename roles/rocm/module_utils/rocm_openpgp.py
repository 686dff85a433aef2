"""Public keys in OpenPGP files: their fingerprints, and one key alone. A minimal guest has no gpg that could tell."""
# ruff: noqa: PLR2004 - Ansible's layout: no packages; the numbers are the format's

from __future__ import annotations

import base64
import hashlib
import re

PUBLIC_KEY = 6  # packet tags: RFC 9580, 5
KEYRING_TAGS = {2, 6, 13, 14, 17}  # signatures, keys, user ids, subkeys, user attributes


def dearmor(blob: bytes) -> bytes:
    """A key file as packets (RFC 9580, 6.2); a binary one is returned as it is."""
    found = re.search(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END", blob, re.DOTALL)
    if not found:
        return blob
    lines = found[1].replace(b"\r", b"").split(b"\n")
    body = lines[lines.index(b"") + 1 :] if b"" in lines[:-1] else lines
    return base64.b64decode(b"".join(line for line in body if not line.startswith(b"=")))


def packets(blob: bytes) -> list[tuple[int, bytes, bytes]]:
    """(tag, body, the packet as it stands) of each packet (RFC 9580, 4.2); ValueError when it is no OpenPGP data."""
    found = []
    while blob:
        tag, start, size = header(blob)
        if tag not in KEYRING_TAGS or start + size > len(blob):
            raise ValueError("this is no OpenPGP public key")
        found.append((tag, blob[start : start + size], blob[: start + size]))
        blob = blob[start + size :]
    return found


def header(blob: bytes) -> tuple[int, int, int]:
    """Tag, where the body starts, and its length in bytes."""
    if not blob[0] & 0x80 or len(blob) < 6:
        raise ValueError("this is no OpenPGP public key")
    if not blob[0] & 0x40:
        width = (1, 2, 4, 0)[blob[0] & 3]
        size = int.from_bytes(blob[1 : 1 + width], "big") if width else len(blob) - 1
        return (blob[0] >> 2) & 0x0F, 1 + width, size
    if blob[1] < 192:
        return blob[0] & 0x3F, 2, blob[1]
    if blob[1] < 224:
        return blob[0] & 0x3F, 3, ((blob[1] - 192) << 8) + blob[2] + 192
    return blob[0] & 0x3F, 6, int.from_bytes(blob[2:6], "big")


def keys(blob: bytes) -> dict[str, bytes]:
    """Fingerprint of each primary key → the key with its user ids, subkeys and signatures, as a binary keyring."""
    found: dict[str, bytes] = {}
    fingerprint = ""
    for tag, body, whole in packets(dearmor(blob)):
        if tag == PUBLIC_KEY:
            fingerprint = fingerprint_of(body)
            found[fingerprint] = b""
        if not fingerprint:
            raise ValueError("this is no OpenPGP public key")
        found[fingerprint] += whole
    return found


def fingerprint_of(body: bytes) -> str:
    """As `gpg --show-keys --with-colons` shows it: upper case hexadecimal (RFC 9580, 5.5.4)."""
    if body[0] == 4:
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324 - the format's
    return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
