"""Signed apt repositories of the layout that AMD and Proxmox serve: .deb files, an index, an InRelease."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocmox.machine import LocalMachine

_MAINTAINER = "rocmox lab <lab@invalid>"
_BUILD_SECONDS = 300


@dataclasses.dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A throw-away key without a passphrase: where gpg keeps it, and its fingerprint."""

    home: Path
    fingerprint: str

    def public(self) -> str:
        """The public key, armored."""
        return _gpg(self.home, "--armor", "--export", self.fingerprint)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Package:
    """What stands in a package's control file beside the maintainer."""

    name: str
    version: str
    architecture: str = "all"
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Further fields, such as Depends and Provides."""

    @property
    def filename(self) -> str:
        """As in a pool; the epoch is left out, as dpkg-name(1) does."""
        return f"{self.name}_{self.version.partition(':')[2] or self.version}_{self.architecture}.deb"

    @property
    def control(self) -> str:
        """The control file's paragraph."""
        own = {"Package": self.name, "Version": self.version, "Architecture": self.architecture}
        last = {"Maintainer": _MAINTAINER, "Description": f"stand-in for {self.name} in the rocmox lab"}
        return "".join(f"{field}: {value}\n" for field, value in (own | dict(self.fields) | last).items())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """One suite with one component for amd64, as its Release file says."""

    origin: str
    name: str
    component: str
    date: str = "Mon, 04 Nov 2024 12:00:00 UTC"


def create_key(home: Path, *, valid: str = "1d") -> SigningKey:
    """Make a key in `home` (0700); `valid` as gpg has it, `0` forever. CommandError when gpg is missing."""
    home.mkdir(mode=0o700, parents=True)
    options = ("--batch", "--passphrase", "", "--quick-generate-key", _MAINTAINER, "rsa3072", "sign", valid)
    _gpg(home, *options)
    listing = _gpg(home, "--list-keys", "--with-colons")
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    return SigningKey(home=home, fingerprint=fingerprint)


def discard_key(key: SigningKey) -> None:
    """Stop gpg's agent and remove the key."""
    LocalMachine(root="/").run(["gpgconf", "--homedir", str(key.home), "--kill", "all"])
    shutil.rmtree(key.home, ignore_errors=True)  # the agent takes its sockets away while it ends
    if key.home.exists():
        shutil.rmtree(key.home)


def build_package(package: Package, tree: Path, pool: Path, *, scripts: Mapping[str, str] | None = None) -> str:
    """Build a .deb of a tree (which gets a DEBIAN folder) into the pool; its paragraph for an index.

    The file name in it is relative to the pool's parent, where the index says its repository begins.
    """
    control = tree / "DEBIAN"
    control.mkdir(parents=True, exist_ok=True)
    (control / "control").write_text(package.control, encoding="utf-8")
    for name, text in (scripts or {}).items():
        (control / name).write_text(text, encoding="utf-8")
        (control / name).chmod(0o755)
    pool.mkdir(parents=True, exist_ok=True)
    deb = pool / package.filename
    options = ("--root-owner-group", "-Zzstd", "-z1")
    LocalMachine(root="/").run(
        ["dpkg-deb", *options, "--build", str(tree), str(deb)], timeout_seconds=_BUILD_SECONDS
    ).check()
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    place = deb.relative_to(pool.parent)
    return f"{package.control}Filename: {place}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"


def write_index(root: Path, suite: Suite, paragraphs: Sequence[str], key: SigningKey) -> None:
    """`dists/SUITE` below `root`: Packages, Packages.gz and the signed InRelease."""
    top = root / "dists" / suite.name
    index = top / suite.component / "binary-amd64"
    index.mkdir(parents=True)
    text = "\n".join(paragraphs).encode()
    (index / "Packages").write_bytes(text)
    (index / "Packages.gz").write_bytes(gzip.compress(text, mtime=0))
    release = [f"Origin: {suite.origin}", f"Label: {suite.origin}", f"Suite: {suite.name}", f"Codename: {suite.name}"]
    release += ["Architectures: amd64", f"Components: {suite.component}", f"Date: {suite.date}", "SHA256:"]
    for path in (index / "Packages", index / "Packages.gz"):
        content = path.read_bytes()
        release.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path.relative_to(top)}")
    path = top / "Release"
    path.write_text("\n".join(release) + "\n", encoding="utf-8")
    _gpg(key.home, "--batch", "--yes", "--clearsign", "--output", str(top / "InRelease"), str(path))


def _gpg(home: Path, *arguments: str) -> str:
    argv = ["gpg", "--homedir", str(home), "--no-tty", "--quiet", *arguments]
    return LocalMachine(root="/").run(argv).check(remedy="install gpg (package gnupg)").stdout
