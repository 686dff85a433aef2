"""What the installation of ROCm would do on this machine, and what stands in its way. Changes nothing."""
# ruff: noqa: D103, E402 - Ansible's layout: DOCUMENTATION first, no packages

from __future__ import annotations

DOCUMENTATION = """
module: rocm_survey
short_description: find out what installing ROCm would do, and what stands in its way
description:
  - Fetches key and lists into a private copy of apt's state, lets apt check signatures there and lets it plan the
    installation. Nothing on the machine changes, in check mode or out of it.
  - C(problems) says what, where, why and what now; an empty list means that the installation can begin.
author: rocmox
options:
  packages: {description: Packages to install., type: list, elements: str, required: true}
  sources: {description: "URLs of AMD's sources; empty for the distribution's own.", type: list, elements: str}
  source_text: {description: What the file of sources will hold., type: str, default: ""}
  source_path: {description: The file of sources., type: path, default: /etc/apt/sources.list.d/rocm.sources}
  keyring_path: {description: The keyring the sources are signed by., type: path, default: /etc/apt/keyrings/rocm.gpg}
  preferences_path: {description: The file of pins., type: path, default: /etc/apt/preferences.d/rocm}
  key_url: {description: Where the key is fetched from., type: str, default: ""}
  key_fingerprint: {description: The one key that is trusted., type: str, default: ""}
  origin: {description: What the sources call themselves., type: str, default: ""}
  version: {description: The wished version of ROCm., type: str, default: ""}
  certificates: {description: "Further authorities, PEM texts.", type: list, elements: str, default: []}
  proxy: {description: apt's proxy., type: str, default: ""}
  room_margin_bytes: {description: What stays free beside ROCm., type: int, default: 1000000000}
"""

RETURN = """
settled: {description: Everything is in place already., type: bool, returned: always}
problems: {description: What stands in the way., type: list, elements: str, returned: always}
interrupted: {description: An earlier dpkg run did not end., type: bool, returned: always}
key: {description: "The pinned key alone, binary, in base64.", type: str, returned: always}
names: {description: Packages that are wanted from AMD's sources., type: list, elements: str, returned: always}
install: {description: "What to install, with versions for AMD's.", type: list, elements: str, returned: always}
download_bytes: {description: What apt would fetch., type: int, returned: always}
disk_bytes: {description: What it takes on disk., type: int, returned: always}
"""

EXAMPLES = """
- name: Find out what installing ROCm would do
  rocm_survey:
    packages: [rocminfo]
"""

import base64
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.rocm_apt_view import AptView, complaints, size_in
from ansible.module_utils.rocm_openpgp import keys

FOREIGN_ORIGINS = {"Debian", "Ubuntu"}  # a pin on these would reach far beyond ROCm
TEMPORARY = "/var/tmp"  # noqa: S108 - lists of a distribution are too large for a /tmp in memory


class Obstacle(Exception):  # noqa: N818 - it becomes an entry of `problems`
    """What, where, why and what now."""


def settled(wish: dict[str, Any]) -> bool:
    """Source, key and pins are in place, and every package is installed in the version that apt would take."""
    if wish["sources"]:
        paths = [Path(wish[name]) for name in ("source_path", "keyring_path", "preferences_path")]
        if not all(path.exists() for path in paths) or paths[0].read_text(encoding="utf-8") != wish["source_text"]:
            return False
        if set(keys(paths[1].read_bytes())) != {wish["key_fingerprint"]}:
            return False
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}\n", *wish["packages"]]
    states = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
    if states != ["installed"] * len(wish["packages"]):
        return False
    policy = subprocess.run(
        ["apt-cache", "policy", *wish["packages"]], capture_output=True, text=True, check=False
    ).stdout
    pairs = re.findall(r"Installed: (\S+)\n +Candidate: (\S+)", policy)
    return not wish["sources"] or all(installed == candidate for installed, candidate in pairs)


def pinned_key(view: AptView, wish: dict[str, Any]) -> bytes:
    """The one key with the pinned fingerprint; whatever else the file holds is left out."""
    blob, why = view.fetch(wish["key_url"])
    if not blob:
        raise Obstacle(
            f"The signing key cannot be fetched from {wish['key_url']}: {why}. Set rocm_apt_key_url to a place that "
            "this guest reaches, rocm_apt_proxy for a proxy, or extra_ca_certificates for a company's authority."
        )
    try:
        found = keys(blob)
    except (ValueError, IndexError) as error:
        raise Obstacle(
            f"{wish['key_url']} holds no signing key: {error}. Look at it; a login page is usual."
        ) from error
    if wish["key_fingerprint"] not in found:
        raise Obstacle(
            f"The key at {wish['key_url']} has the fingerprint {', '.join(found)}, and {wish['key_fingerprint']} is "
            "pinned: it is not trusted. See AMD's documentation before you change rocm_apt_key_fingerprint."
        )
    armoured: bytes = found[wish["key_fingerprint"]]
    return armoured


def closure(view: AptView, wish: dict[str, Any]) -> dict[str, str]:
    """The wished packages and what they need from AMD's sources: name → newest version there."""
    offered: dict[str, dict[str, str]] = {}
    for url in wish["sources"]:
        origins = view.origins(url)
        if origins != {wish["origin"]} or origins & FOREIGN_ORIGINS:
            raise Obstacle(
                f"{url} calls itself {', '.join(sorted(origins)) or 'nothing'} and not {wish['origin']}: the pin would "
                "not hold. Set rocm_apt_origin to what your mirror's Release file says; a distribution's is refused."
            )
        for paragraph in view.packages_of(url):
            known = offered.get(paragraph["Package"])
            if not known or newer(paragraph["Version"], known["Version"]):
                offered[paragraph["Package"]] = paragraph
    missing = [name for name in wish["packages"] if name not in offered]
    if missing:
        raise Obstacle(
            f"{', '.join(missing)} is not offered by {', '.join(wish['sources'])}. "
            "Check rocm_packages against that version of ROCm."
        )
    wanted: dict[str, str] = {}
    ahead = list(wish["packages"])
    while ahead:
        name = ahead.pop()
        if name in offered and name not in wanted:
            wanted[name] = offered[name]["Version"]
            needs = ", ".join(offered[name].get(field, "") for field in ("Pre-Depends", "Depends"))
            ahead += re.findall(r"[a-z0-9][a-z0-9+.-]+(?=\s|,|\||$|:)", re.sub(r"\([^)]*\)", "", needs))
    check_version(wanted, wish)
    return wanted


def check_version(wanted: dict[str, str], wish: dict[str, Any]) -> None:
    core = wanted.get("rocm-core", "")
    if core and not re.match(re.escape(wish["version"]) + r"(\D|$)", core):
        raise Obstacle(
            f"rocm_version is {wish['version']}, and {wish['sources'][0]} offers ROCm {core}. "
            "Point rocm_apt_url at the wished version, or set rocm_version to the offered one."
        )


def newer(one: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0


def plan(view: AptView, install: list[str], wish: dict[str, Any]) -> tuple[int, int]:
    """Bytes to fetch and bytes on disk; Obstacle when apt cannot install or the disk is too small."""
    # --print-uris ends after the plan (--assume-no installs when nothing beyond the named packages is needed).
    done = view.run("apt-get", "install", "--print-uris", "--no-install-recommends", "--allow-downgrades", *install)
    if done.returncode:
        raise Obstacle(
            f"apt cannot install {', '.join(wish['packages'])}: {complaints(done) or done.stdout.strip()}. "
            "Check rocm_packages, the distribution and its sources."
        )
    download, disk = size_in(done.stdout, "Need to get"), size_in(done.stdout, r"After this operation,|Space needed:")
    free = shutil.disk_usage("/").free
    if download + disk + wish["room_margin_bytes"] > free:
        raise Obstacle(
            f"ROCm takes {(download + disk) / 1e9:.1f} GB on / and {free / 1e9:.1f} GB are free (rocm_room_margin_bytes"
            " stay free). Enlarge the container (disk_gib in gpu_containers), or install less (rocm_packages)."
        )
    return download, disk


def survey(wish: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"problems": [], "key": "", "names": [], "install": wish["packages"]}
    found |= {"settled": settled(wish), "interrupted": any(Path("/var/lib/dpkg/updates").iterdir())}
    found |= {"download_bytes": 0, "disk_bytes": 0}
    if found["settled"]:
        return found
    without = {Path(wish["source_path"]).name, Path(wish["preferences_path"]).name}
    with tempfile.TemporaryDirectory(dir=TEMPORARY, prefix="rocm-survey-") as top:
        view = AptView(Path(top), without=without, certificates=wish["certificates"], proxy=wish["proxy"])
        try:
            look(view, wish, found)
        except Obstacle as obstacle:
            found["problems"].append(str(obstacle))
    return found


def look(view: AptView, wish: dict[str, Any], found: dict[str, Any]) -> None:
    if wish["sources"]:
        key = pinned_key(view, wish)
        found["key"] = base64.b64encode(key).decode()
        (view.top / "rocm.gpg").write_bytes(key)
        text = wish["source_text"].replace(wish["keyring_path"], f"{view.top}/rocm.gpg")
        (view.top / "sources" / "rocm.sources").write_text(text, encoding="utf-8")
    if why := view.update():
        raise Obstacle(
            f"apt cannot read the sources: {why}. A version that does not exist says `does not have a Release file` or "
            "`404` (check rocm_version and rocm_apt_suite); a wrong signature names the key; else check the network, "
            "rocm_apt_proxy and extra_ca_certificates."
        )
    if wish["sources"]:
        wanted = closure(view, wish)
        found["names"] = sorted(wanted)
        found["install"] = [f"{name}={version}" for name, version in sorted(wanted.items())]
    found["download_bytes"], found["disk_bytes"] = plan(view, found["install"], wish)


def main() -> None:
    options = {
        "packages": {"type": "list", "elements": "str", "required": True},
        "sources": {"type": "list", "elements": "str", "default": []},
        "certificates": {"type": "list", "elements": "str", "default": []},
        "source_path": {"type": "path", "default": "/etc/apt/sources.list.d/rocm.sources"},
        "keyring_path": {"type": "path", "default": "/etc/apt/keyrings/rocm.gpg", "no_log": False},
        "preferences_path": {"type": "path", "default": "/etc/apt/preferences.d/rocm"},
        "room_margin_bytes": {"type": "int", "default": 1_000_000_000},
        **{name: {"type": "str", "default": ""} for name in ("source_text", "origin", "version", "proxy")},
        **{name: {"type": "str", "default": "", "no_log": False} for name in ("key_url", "key_fingerprint")},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    module.params["key_fingerprint"] = module.params["key_fingerprint"].replace(" ", "").upper()
    module.exit_json(changed=False, **survey(module.params))


if __name__ == "__main__":
    main()
