"""A signed apt repository of AMD's layout, so that the role `rocm` can be tried where repo.radeon.com is out of reach.

Real .deb files carry the names, dependencies and version scheme of ROCm's packages and next to nothing inside; a
throw-away key signs. Layout: `rocm/apt/VERSION` and `amdgpu/VERSION/ubuntu`, suite noble, key at `rocm/rocm.gpg.key`
(rocm-install-on-linux, docs/install/native-install/ubuntu.rst).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from rocmox_lab.apt_repository import Package, SigningKey, Suite, build_package, write_index

SUITE = Suite(origin="repo.radeon.com", name="noble", component="main")
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


def publish(top: Path, *, version: str, key: SigningKey) -> None:
    """Put `version` under `top` as AMD serves it, and the key; versions stand beside each other."""
    _repository(top / "rocm" / "apt" / version, ROCM, version, key)
    _repository(top / "amdgpu" / version / "ubuntu", AMDGPU, version, key)
    (top / "rocm" / "rocm.gpg.key").write_text(key.public(), encoding="utf-8")


def package_version(name: str, version: str) -> str:
    """AMD's scheme: 6.2.4 gives rocm-core 6.2.4.60204-139~24.04 and rocminfo 1.0.0.60204-139~24.04."""
    major, minor, patch = (int(part) for part in version.split("."))
    return f"{version if name == 'rocm-core' else '1.0.0'}.{major * 10000 + minor * 100 + patch}-139~24.04"


def _repository(root: Path, packages: dict[str, str], version: str, key: SigningKey) -> None:
    paragraphs = [_package(root, name, needs, version) for name, needs in packages.items()]
    write_index(root, SUITE, paragraphs, key)


def _package(root: Path, name: str, needs: str, version: str) -> str:
    """Build one .deb into the pool; its paragraph in the index."""
    fields = {"Depends": needs} if needs else {}
    package = Package(name=name, version=package_version(name, version), architecture="amd64", fields=fields)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _content(tree, name, version)
        return build_package(package, tree, root / "pool")


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
