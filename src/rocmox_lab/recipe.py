"""Recipes of the lab's root file systems: what mmdebstrap is asked for, and the hash that names the result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tomllib
from collections.abc import Sequence
from importlib import resources
from urllib.parse import urlsplit

from rocmox.machine import Machine

# Settings of this machine's apt that an image needs as well: a proxy, or a mirror with its own idea of time.
_CARRIED_APT_SETTINGS = re.compile(
    r'^(Acquire::(?:https?::Proxy|Check-Valid-Until|Check-Date)) "([^"]+)";$', re.MULTILINE
)
_DEBIAN_SUITES = frozenset({"bookworm", "trixie", "stable", "oldstable", "testing", "sid", "forky"})
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AptSource:
    """Where this machine gets Debian from; `main_uri` None lets mmdebstrap take its default."""

    main_uri: str | None
    security_uri: str | None
    options: tuple[str, ...]

    def lines(self, suite: str) -> tuple[str, ...]:
        """One-line sources for a suite; empty for mmdebstrap's default."""
        if self.main_uri is None:
            return ()
        head = f"deb [signed-by={_KEYRING}]"
        lines = [f"{head} {self.main_uri} {suite} main", f"{head} {self.main_uri} {suite}-updates main"]
        if self.security_uri is not None:
            lines.append(f"{head} {self.security_uri} {suite}-security main")
        return tuple(lines)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageRecipe:
    """One root file system; `format` is `directory` or `tar.zst`."""

    name: str
    suite: str
    format: str
    packages: tuple[str, ...]
    mask: tuple[str, ...]
    remove: tuple[str, ...]
    commands: tuple[str, ...]
    """Shell commands on the finished root, which is `$1`."""
    dpkg_options: tuple[str, ...]
    apt_options: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def key(self) -> str:
        """Twelve hex digits that change when anything that decides the content changes."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def mmdebstrap_arguments(self, target: str) -> list[str]:
        """The command line that builds it at `target` (mmdebstrap tells the format by the name)."""
        hooks = [f'systemctl --root="$1" mask {unit}' for unit in self.mask]
        hooks += [f'rm -f "$1"{path}' for path in self.remove]
        hooks += self.commands
        # An empty machine-id gives each container its own at its first start (machine-id(5)).
        hooks += ['rm -f "$1/etc/hostname" "$1/etc/resolv.conf"', ': > "$1/etc/machine-id"']
        return [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--skip=check/qemu"),
            *(f"--aptopt={option}" for option in self.apt_options),
            *(f"--dpkgopt={option}" for option in self.dpkg_options),
            f"--include={','.join(self.packages)}",
            *(f"--customize-hook={hook}" for hook in hooks),
            self.suite,
            target,
            *self.sources,
        ]


def load_recipes(source: AptSource) -> tuple[ImageRecipe, ...]:
    """The recipes of `data/images.toml` for this machine's mirror."""
    document = tomllib.loads(resources.files("rocmox_lab").joinpath("data/images.toml").read_text(encoding="utf-8"))
    common = document["common"]
    return tuple(
        ImageRecipe(
            name=image["name"],
            suite=image["suite"],
            format=image["format"],
            packages=tuple(image["packages"]),
            mask=tuple(image["mask"]),
            remove=tuple(image["remove"]),
            commands=tuple(image["commands"]),
            dpkg_options=tuple(common["dpkg_options"]),
            apt_options=(*common["apt_options"], *source.options),
            sources=source.lines(image["suite"]),
        )
        for image in document["image"]
    )


def read_apt_source(machine: Machine) -> AptSource:
    """This machine's Debian mirror and the apt settings that reaching it takes."""
    targets = machine.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"])
    settings = machine.run(["apt-config", "dump"])
    return parse_apt_source(targets.stdout.splitlines(), settings.stdout)


def parse_apt_source(targets: Sequence[str], settings: str) -> AptSource:
    """From `apt-get indextargets` (lines `URI RELEASE`) and `apt-config dump`.

    Debian's mirrors end in `/debian` and `/debian-security`; Ubuntu's do not, so mmdebstrap's default serves there.
    """
    main_uri = security_uri = None
    for line in targets:
        uri, _, release = line.strip().partition(" ")
        path = urlsplit(uri).path.rstrip("/")
        if main_uri is None and path.endswith("/debian") and release in _DEBIAN_SUITES:
            main_uri = uri.rstrip("/")
        elif security_uri is None and path.endswith("/debian-security"):
            security_uri = uri.rstrip("/")
    options = tuple(f'{name} "{value}"' for name, value in _CARRIED_APT_SETTINGS.findall(settings))
    return AptSource(main_uri=main_uri, security_uri=security_uri, options=options)
