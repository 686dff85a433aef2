"""AMD's source, its key and its pin: the files that apt reads."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rocmox.facts.openpgp import keys
from rocmox.host import places, step
from rocmox.host.desired import DesiredHost
from rocmox.host.packages.apt_view import source_text
from rocmox.host.packages.resolve import DRIVER, Offer
from rocmox.host.state import HostState
from rocmox.host.step import Read, Step


def preferences(desired: DesiredHost, version: str) -> str:
    """apt_preferences(5): the driver and its firmware in exactly one version, nothing else of AMD's source."""
    return (
        "# The role amdgpu_host wrote this: of AMD's source the driver and its firmware, in exactly this version.\n"
        f"Package: amdgpu-dkms amdgpu-dkms-firmware amdgpu-dkms-headers\nPin: version {version}\nPin-Priority: 1001\n\n"
        f"Package: *\nPin: release o={desired.apt_origin}\nPin-Priority: -1\n"
    )


def plan_source(desired: DesiredHost, offer: Offer, read: Read) -> Iterator[Step]:
    """The key before the source that it signs, the pin before the source that it limits."""
    if not _has_key(read, desired):
        yield step.write_file(places.KEYRING, offer.keyring, read(places.KEYRING))
    yield from step.write_stale(places.PREFERENCES, preferences(desired, offer.version), read)
    yield from step.write_stale(places.SOURCE, source_text(desired, places.KEYRING), read)


def undo_source(read: Read) -> Iterator[Step]:
    """The source first: without it apt needs neither pin nor key."""
    yield from step.remove_present((places.SOURCE, places.PREFERENCES, places.KEYRING), read)


def is_settled(state: HostState, desired: DesiredHost, read: Read) -> bool:
    """Whether driver, source, key and headers are in place, so that no source needs to be asked."""
    installed = state.packages.get(DRIVER)
    if not installed or (desired.package_version and installed != desired.package_version):
        return False
    if read(places.SOURCE) != source_text(desired, places.KEYRING) or not _asked_before(read, desired):
        return False
    return _has_key(read, desired) and all(kernel in state.with_headers for kernel in state.may_boot)


def _asked_before(read: Read, desired: DesiredHost) -> bool:
    """Whether the stored document names the same place of the key and the same origin: the source's file shows neither.

    Another place is asked, even though the trusted key is here; another origin is compared with the source's own.
    """
    try:
        noted = json.loads(read(places.DESIRED) or "{}")
        return bool(all(noted.get(name, value) == value for name, value in _asked_for(desired).items()))
    except (ValueError, AttributeError):
        return False


def _asked_for(desired: DesiredHost) -> dict[str, str]:
    return {"key_url": desired.key_url, "apt_origin": desired.apt_origin}


def _has_key(read: Read, desired: DesiredHost) -> bool:
    try:
        return set(keys((read(places.KEYRING) or "").encode())) == {desired.key_fingerprint}
    except (ValueError, IndexError):
        return False
