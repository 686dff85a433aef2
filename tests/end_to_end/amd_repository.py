"""A signed apt repository of AMD's layout, so that the role `rocm` can be tried where repo.radeon.com is out of reach.

Real .deb files carry the names, dependencies and version scheme of ROCm's packages and next to nothing inside; a
throw-away key signs. Layout: `rocm/apt/VERSION` and `amdgpu/VERSION/ubuntu`, suite noble, key at `rocm/rocm.gpg.key`
(rocm-install-on-linux, docs/install/native-install/ubuntu.rst).
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import shutil
import tempfile
from pathlib import Path

from rocmox.machine import LocalMachine

ORIGIN = "repo.radeon.com"
SUITE = "noble"
ROCM = {
    "rocm-core": "",
    "rocminfo": "hsa-rocr, rocm-core",
    "rocm-smi-lib": "rocm-core",
    "hsa-rocr": "libdrm-amdgpu-amdgpu1, rocm-core",
    "comgr": "rocm-core",
    "rocm-llvm": "rocm-core",
    "rocm-device-libs": "rocm-core",
    "hip-runtime-amd": "comgr, hsa-rocr, rocminfo, rocm-core",
    "hip-dev": "hip-runtime-amd, rocm-core",
    "hipcc": "rocm-llvm, rocm-core",
    "rocblas": "hip-runtime-amd, rocm-core",
    "rocblas-dev": "rocblas, hip-dev, rocm-core",
    "hipblas": "rocblas, rocm-core",
    "hipblas-dev": "hipblas, hip-dev, rocm-core",
    "rocm": "hip-dev, rocm-core",
}
AMDGPU = {"libdrm-amdgpu-amdgpu1": "", "amdgpu-dkms": ""}
ROCMINFO = """#!/bin/sh
echo "ROCk module is NOT loaded, possibly no GPU devices"
exit 1
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A throw-away key: where gpg keeps it, and its fingerprint."""

    home: Path
    fingerprint: str


def create_key(home: Path) -> SigningKey:
    """Make a key without a passphrase in `home` (0700); CommandError when gpg is missing."""
    home.mkdir(mode=0o700, parents=True)
    options = [
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        "rocmox lab <lab@invalid>",
        "rsa3072",
        "sign",
        "1d",
    ]
    _gpg(home, *options)
    listing = _gpg(home, "--list-keys", "--with-colons")
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    return SigningKey(home=home, fingerprint=fingerprint)


def publish(top: Path, *, version: str, key: SigningKey) -> None:
    """Put `version` under `top` as AMD serves it, and the key; versions stand beside each other."""
    _repository(top / "rocm" / "apt" / version, ROCM, version, key)
    _repository(top / "amdgpu" / version / "ubuntu", AMDGPU, version, key)
    (top / "rocm" / "rocm.gpg.key").write_text(_gpg(key.home, "--armor", "--export", key.fingerprint), encoding="utf-8")


def discard_key(key: SigningKey) -> None:
    """Stop gpg's agent and remove the key."""
    LocalMachine().run(["gpgconf", "--homedir", str(key.home), "--kill", "all"])
    shutil.rmtree(key.home)


def package_version(name: str, version: str) -> str:
    """AMD's scheme: 6.2.4 gives rocm-core 6.2.4.60204-139~24.04 and rocminfo 1.0.0.60204-139~24.04."""
    major, minor, patch = (int(part) for part in version.split("."))
    return f"{version if name == 'rocm-core' else '1.0.0'}.{major * 10000 + minor * 100 + patch}-139~24.04"


def _repository(root: Path, packages: dict[str, str], version: str, key: SigningKey) -> None:
    (root / "pool").mkdir(parents=True)
    stanzas = [_package(root, name, needs, version) for name, needs in packages.items()]
    index = root / "dists" / SUITE / "main" / "binary-amd64"
    index.mkdir(parents=True)
    text = "\n".join(stanzas).encode()
    (index / "Packages").write_bytes(text)
    (index / "Packages.gz").write_bytes(gzip.compress(text, mtime=0))
    release = [f"Origin: {ORIGIN}", f"Label: {ORIGIN}", f"Suite: {SUITE}", f"Codename: {SUITE}", "Architectures: amd64"]
    release += ["Components: main", "Date: Mon, 04 Nov 2024 12:00:00 UTC", "SHA256:"]
    for path in (index / "Packages", index / "Packages.gz"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        release.append(f" {digest} {path.stat().st_size} {path.relative_to(root / 'dists' / SUITE)}")
    path = root / "dists" / SUITE / "Release"
    path.write_text("\n".join(release) + "\n", encoding="utf-8")
    _gpg(key.home, "--batch", "--yes", "--clearsign", "--output", str(path.with_name("InRelease")), str(path))


def _package(root: Path, name: str, needs: str, version: str) -> str:
    """Build one .deb into the pool; its paragraph in the index."""
    fields = {"Package": name, "Version": package_version(name, version), "Architecture": "amd64"}
    fields |= {"Maintainer": "rocmox lab <lab@invalid>", "Description": f"stand-in for {name} in the lab"}
    if needs:
        fields["Depends"] = needs
    control = "".join(f"{field}: {value}\n" for field, value in fields.items())
    deb = root / "pool" / f"{name}_{fields['Version']}_amd64.deb"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text(control, encoding="utf-8")
        _content(tree, name, version)
        LocalMachine().run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)]).check()
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    return f"{control}Filename: {deb.relative_to(root)}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"


def _content(tree: Path, name: str, version: str) -> None:
    prefix = tree / "opt" / f"rocm-{version}"
    # Something of its own in each: dpkg takes a package without any for replaced by the next one.
    (prefix / "share" / "doc" / name).mkdir(parents=True)
    (prefix / "share" / "doc" / name / "README").write_text(f"a stand-in for {name}\n", encoding="utf-8")
    if name == "rocm-core":
        (tree / "opt" / "rocm").symlink_to(f"rocm-{version}")
        (prefix / ".info").mkdir()
        (prefix / ".info" / "version").write_text(f"{version}\n", encoding="utf-8")
    if name == "rocminfo":
        (prefix / "bin").mkdir()
        (prefix / "bin" / "rocminfo").write_text(ROCMINFO, encoding="utf-8")
        (prefix / "bin" / "rocminfo").chmod(0o755)


def _gpg(home: Path, *arguments: str) -> str:
    argv = ["gpg", "--homedir", str(home), "--no-tty", "--quiet", *arguments]
    return LocalMachine().run(argv).check(remedy="install gpg (package gnupg)").stdout
