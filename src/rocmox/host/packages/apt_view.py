"""Apt with sources, lists and preferences of its own: it looks at a source that the node does not have yet.

Nothing on the node changes. The node's own sources are in the view too, as headers and kernels come from them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from rocmox.errors import RefusedError
from rocmox.facts.openpgp import keys
from rocmox.host.desired import DesiredHost
from rocmox.machine import Completed, Machine

SOURCE = "amdgpu.sources"
_KEY = "amdgpu.gpg"
_OWN_FILES = frozenset({SOURCE, "amdgpu"})  # those of an earlier run stay out of the view
_FETCH_SECONDS = 300


class AptView:
    """A private copy of apt's state under one temporary directory."""

    def __init__(self, machine: Machine, top: Path, *, proxy: str) -> None:
        self._machine = machine
        self.top = top
        top.chmod(0o755)  # apt fetches as the user _apt
        for name in ("sources", "preferences", "cache/archives/partial"):
            (top / name).mkdir(parents=True)
        ignored = shutil.ignore_patterns("lock", "partial", "auxfiles")
        shutil.copytree("/var/lib/apt/lists", top / "lists", ignore=ignored)
        (top / "lists" / "partial").mkdir()
        for kind, there in (("sources", "sources.list.d"), ("preferences", "preferences.d")):
            for path in sorted(Path("/etc/apt", there).glob("*")):
                if path.is_file() and path.name not in _OWN_FILES:
                    shutil.copy(path, top / kind / path.name)
        settings = {
            "Dir::State::lists": f"{top}/lists",
            "Dir::Cache": f"{top}/cache",
            "Dir::Etc::sourceparts": f"{top}/sources",
            "Dir::Etc::preferencesparts": f"{top}/preferences",
            "Debug::NoLocking": "1",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": "1",
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
        }
        if proxy:
            settings["Acquire::http::Proxy"] = settings["Acquire::https::Proxy"] = proxy
        self._configuration = write_settings(top, settings)

    def run(self, program: str, *arguments: str) -> Completed:
        """One of apt's programs on this view."""
        environment = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "APT_CONFIG": str(self._configuration)}
        return self._machine.run([program, *arguments], timeout_seconds=_FETCH_SECONDS, environment=environment)

    def add_source(self, desired: DesiredHost) -> bytes:
        """Fetch the pinned key and put AMD's source into the view; the key alone. RefusedError says what is wrong."""
        target = self.top / "fetched.key"
        done = self.run("/usr/lib/apt/apt-helper", "download-file", desired.key_url, str(target))
        if done.exit_status or not target.exists():
            raise RefusedError(
                f"the signing key cannot be fetched from {desired.key_url}: {complaints(done) or 'no answer'}",
                remedy="Set amdgpu_host_apt_key_url to a place this node reaches, or amdgpu_host_apt_proxy to a proxy.",
            )
        key = pinned_key(target.read_bytes(), desired)
        (self.top / _KEY).write_bytes(key)
        (self.top / "sources" / SOURCE).write_text(source_text(desired, str(self.top / _KEY)), encoding="utf-8")
        return key

    def update(self) -> tuple[str, ...]:
        """Fetch the lists of all sources; what apt complains about."""
        done = self.run("apt-get", "update")
        return complaint_lines(done) if done.exit_status else ()

    def origins(self, url: str) -> set[str]:
        """What the source at `url` calls itself (`Origin` of its Release file)."""
        wanted = ["Created-By: Packages", f"Repo-URI: {url.rstrip('/')}/"]
        return set(self.run("apt-get", "indextargets", "--format", "$(ORIGIN)", *wanted).stdout.split())


def write_settings(top: Path, settings: dict[str, str], *, main: Path = Path("/etc/apt/apt.conf")) -> Path:
    """The file for APT_CONFIG. It names another one as apt's main file, since that is read last of all (apt.conf(5)).

    Not on a command line: a proxy's password may be among them, and everybody reads those.
    """
    last = top / "last.conf"
    last.touch(mode=0o600)
    own = main.read_text(encoding="utf-8", errors="replace") if main.exists() else ""
    lines = "".join(f'{name} "{value}";\n' for name, value in settings.items())
    last.write_text(f"{own}\n{lines}", encoding="utf-8")
    first = top / "first.conf"
    first.write_text(f'Dir::Etc::main "{last}";\n', encoding="utf-8")
    return first


def pinned_key(blob: bytes, desired: DesiredHost) -> bytes:
    """The one key with the pinned fingerprint; whatever else the file holds is left out."""
    try:
        found = keys(blob)
    except (ValueError, IndexError) as error:
        raise RefusedError(
            f"{desired.key_url} holds no signing key: {error}", remedy="Look at it; a login page of a proxy is usual."
        ) from error
    if desired.key_fingerprint not in found:
        raise RefusedError(
            f"the key at {desired.key_url} has the fingerprint {', '.join(found) or 'of no key'}, and "
            f"{desired.key_fingerprint} is pinned: it is not trusted",
            remedy="Compare with AMD's documentation before you change amdgpu_host_apt_key_fingerprint.",
        )
    return found[desired.key_fingerprint]


def source_text(desired: DesiredHost, keyring: str) -> str:
    """The file of sources (sources.list(5), deb822 style)."""
    return (
        "# The role amdgpu_host wrote this: AMD's driver, limited to it by /etc/apt/preferences.d/amdgpu.\n"
        f"Types: deb\nURIs: {desired.apt_url}\nSuites: {desired.apt_suite}\n"
        f"Components: {' '.join(desired.apt_components)}\n"
        f"Architectures: amd64\nSigned-By: {keyring}\n"
    )


def complaint_lines(done: Completed) -> tuple[str, ...]:
    """The error lines of apt, each once."""
    lines = re.findall(r"^(?:E|W|Err:\d+): *(.+)$", done.stdout + "\n" + done.stderr, re.MULTILINE)
    return tuple(dict.fromkeys(line.strip() for line in lines)) or (("apt failed",) if done.exit_status else ())


def complaints(done: Completed) -> str:
    """The error lines of apt, joined."""
    return "; ".join(complaint_lines(done))
