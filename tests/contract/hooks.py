"""What happened between two recorded calls and is in no record: files placed by hand, headers and uploads left out."""

from __future__ import annotations

from typing import Any

from tests.contract.world import TOKEN_SECRET, World

_HEADERS = {
    "token_malformed_header": "PVEAPIToken=nonsense",
    "token_wrong_scheme": f"Bearer root@pam!full={TOKEN_SECRET}",
    "token_colon_sep": f"PVEAPIToken=root@pam!full:{TOKEN_SECRET}",
    "token_unknown_user": f"PVEAPIToken=ghost@pve!x1={TOKEN_SECRET}",
}
_GUEST = "/etc/pve/lxc/100.conf"
_UPLOADS = {
    "upload_vztmpl": ("vztmpl", "small-1_amd64.tar.gz"),
    "upload_bad_ext": ("vztmpl", "small.txt"),
    "upload_bad_content": ("rootdir", "small-1_amd64.tar.gz"),
}


def headers(record: dict[str, Any]) -> dict[str, str]:
    """Headers of a case that the record does not hold."""
    return {"Authorization": _HEADERS[record["case"]]} if record["case"] in _HEADERS else {}


def upload(record: dict[str, Any]) -> bytes | None:
    """The multipart body of an upload; the records hold its boundary alone."""
    found = _UPLOADS.get(record["case"])
    if found is None:
        return None
    content, name = found
    boundary = record["request"]["content_type"].partition("boundary=")[2]
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="content"\r\n\r\n{content}\r\n',
        f'--{boundary}\r\nContent-Disposition: form-data; name="filename"; filename="{name}"\r\n\r\nbytes\r\n',
        f"--{boundary}--\r\n",
    ]
    return "".join(parts).encode()


def before(world: World, case: str) -> None:
    """By-hand changes made before a case."""
    if case == "config_set_gonedev":
        world.make_device("/dev/gonedev")
    if case == "locked_config_get":
        lines = [line for line in world.read(_GUEST).splitlines() if not line.startswith("#")]
        world.write(_GUEST, "\n".join(["#x", "lock: backup", *lines]) + "\n")
    if case == "protect_set":
        world.write(_GUEST, world.read(_GUEST).replace("lock: backup\n", ""))


def after(world: World, case: str) -> None:
    """By-hand changes made after a case."""
    if case == "config_set_gonedev":
        world.remove("/dev/gonedev")
