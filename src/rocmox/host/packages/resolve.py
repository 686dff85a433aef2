"""What apt's sources offer: the driver's exact version, its key, headers and kernels. Changes nothing."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from pathlib import Path

from rocmox.errors import RefusedError
from rocmox.facts.kernels import headers_packages, release_of, series, version_key
from rocmox.facts.openpgp import armor
from rocmox.facts.packages import parse_depends, parse_policy
from rocmox.host.desired import DesiredHost
from rocmox.host.packages.apt_view import AptView
from rocmox.host.state import HostState
from rocmox.machine import Machine

DRIVER = "amdgpu-dkms"
FIRMWARE = "amdgpu-dkms-firmware"
_TEMPORARY = "/var/tmp"  # noqa: S108 - lists of a distribution are too large for a /tmp in memory


@dataclasses.dataclass(frozen=True, kw_only=True)
class Offer:
    """`version` of the driver, its key as an armoured keyring, kernel → name of its headers' package, and complaints.

    `newest_kernel` is what the series' meta package would bring; `kernel_packages` its package and that of its headers.
    """

    version: str = ""
    keyring: str = ""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    newest_kernel: str = ""
    kernel_packages: dict[str, str] = dataclasses.field(default_factory=dict)
    complaints: tuple[str, ...] = ()


def ask(machine: Machine, state: HostState, desired: DesiredHost, *, kernels: tuple[str, ...] = ()) -> Offer:
    """Ask the sources; `kernels` are further ones whose packages matter. RefusedError says what is not to be had."""
    with tempfile.TemporaryDirectory(dir=_TEMPORARY, prefix="rocmox-apt-") as top:
        view = AptView(machine, Path(top), proxy=desired.apt_proxy)
        key = view.add_source(desired)
        complaints = view.update()
        version = _driver_version(view, desired, complaints)
        newest = newest_of_series(view, state)
        wanted = tuple(dict.fromkeys((*state.may_boot, *kernels, *([newest] if newest else []))))
        headers, packages = _packages_of(view, state, wanted)
        return Offer(
            version=version,
            keyring=armor(key),
            headers=headers,
            newest_kernel=newest,
            kernel_packages=packages,
            complaints=complaints,
        )


def _driver_version(view: AptView, desired: DesiredHost, complaints: tuple[str, ...]) -> str:
    host = desired.apt_url.partition("://")[2].partition("/")[0]
    ours = [line for line in complaints if desired.apt_url in line or host in line]
    origins = view.origins(desired.apt_url)
    if not origins:
        raise RefusedError(
            f"apt cannot read {desired.apt_url} {desired.apt_suite}: {'; '.join(ours or complaints) or 'no answer'}",
            remedy="`404` and `no Release file` mean a version or suite that does not exist "
            "(amdgpu_host_release, amdgpu_host_apt_suite), a signature names the key; else look at the "
            "network and amdgpu_host_apt_proxy.",
        )
    if origins != {desired.apt_origin}:
        raise RefusedError(
            f"{desired.apt_url} calls itself {', '.join(sorted(origins))}, not {desired.apt_origin}: "
            "the pin would not hold",
            remedy="Set amdgpu_host_apt_origin to what your mirror's Release file says.",
        )
    offered = offered_versions(view.run("apt-cache", "madison", DRIVER).stdout, desired.apt_url)
    if not offered or (desired.package_version and desired.package_version not in offered):
        raise RefusedError(
            f"{desired.apt_url} offers {DRIVER} {', '.join(offered) or 'not at all'}"
            + (f", and {desired.package_version} is desired" if desired.package_version else ""),
            remedy="Set amdgpu_host_package_version to an offered version, or leave it empty for the newest.",
        )
    return desired.package_version or offered[0]


def offered_versions(madison: str, url: str) -> tuple[str, ...]:
    """Versions that this source offers in `apt-cache madison`, the newest first as apt sorts them."""
    rows = (line.split("|") for line in madison.splitlines() if line.count("|") == 2)  # noqa: PLR2004
    here = [row[1].strip() for row in rows if row[2].strip().startswith(url.rstrip("/") + " ")]
    return tuple(dict.fromkeys(here))


def newest_of_series(view: AptView, state: HostState) -> str:
    """The kernel that the meta package of the running series would bring now; empty when there is no such package."""
    running = series(state.running)
    names = (f"proxmox-kernel-{running}", f"pve-kernel-{running}")
    show = view.run("apt-cache", "show", "--no-all-versions", *names).stdout
    groups = [group for paragraph in show.split("\n\n") for group in parse_depends(paragraph)]
    releases = [release for group in groups for package in group if (release := release_of(package))]
    return max(releases, key=version_key, default="")


def _packages_of(view: AptView, state: HostState, kernels: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Kernel → package of its headers, kernel → its own package; the signed one first, as the meta package takes it."""
    headers = {kernel: headers_packages(kernel, pve_major=state.pve_major) for kernel in kernels}
    images = {
        kernel: (f"proxmox-kernel-{kernel}-signed", f"proxmox-kernel-{kernel}", f"pve-kernel-{kernel}")
        for kernel in kernels
    }
    asked = [name for names in (*headers.values(), *images.values()) for name in names]
    policies = parse_policy(view.run("apt-cache", "policy", *asked).stdout) if asked else {}

    def offered(names: tuple[str, ...]) -> str:
        return next((name for name in names if name in policies and policies[name].candidate), "")

    return (
        {kernel: name for kernel, names in headers.items() if (name := offered(names))},
        {kernel: name for kernel, names in images.items() if (name := offered(names))},
    )


def check_headers(state: HostState, offer: Offer, kernel: str) -> None:
    """RefusedError when the kernel that shall boot has no headers and none can be had."""
    if kernel not in state.with_headers and kernel not in offer.headers:
        names = headers_packages(kernel, pve_major=state.pve_major)
        raise RefusedError(
            f"no source offers headers for kernel {kernel} (asked for {' and '.join(names)}), "
            "so no module can be built",
            remedy="Check the Proxmox sources (no-subscription, or enterprise): `apt update` must succeed. "
            "Headers of an old kernel vanish from them: then upgrade the kernel first.",
        )


def rocm_of(package_version: str) -> str:
    """`"1:6.8.5.60204-2070769.24.04"` → `"6.2.4"`; empty for a version of another form."""
    match = re.search(r"\.(\d{5,6})-", package_version)
    if not match:
        return ""
    number = int(match[1])
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
