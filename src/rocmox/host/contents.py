"""What the files on the node hold. Pure text."""

from __future__ import annotations

from rocmox.host import places
from rocmox.host.wish import HostWish

_PYTHON = "/usr/bin/python3 -I"


def preferences(wish: HostWish, version: str) -> str:
    """apt_preferences(5): the driver and its firmware in exactly one version, nothing else of AMD's source."""
    return (
        "# The role amdgpu_host wrote this: of AMD's source the driver and its firmware, in exactly this version.\n"
        f"Package: amdgpu-dkms amdgpu-dkms-firmware amdgpu-dkms-headers\nPin: version {version}\nPin-Priority: 1001\n\n"
        f"Package: *\nPin: release o={wish.apt_origin}\nPin-Priority: -1\n"
    )


def kernel_hook(event: str) -> str:
    """A hook of /etc/kernel: the kernel's release is its first argument; it never ends the package's installation."""
    return f"""#!/bin/sh
# The role amdgpu_host wrote this. It stands in for dkms' own hook (see `dpkg-statoverride --list`),
# which would leave a kernel package half configured when a module does not compile.
if [ -f {places.PROGRAM} ]; then
    {_PYTHON} {places.PROGRAM} host kernel-hook {event} "$1" || true
fi
exit 0
"""


def apt_hook() -> str:
    """apt.conf(5): headers that came after their kernel have no hook of their own; this one builds then."""
    command = f"if [ -f {places.PROGRAM} ]; then {_PYTHON} {places.PROGRAM} host kernel-hook after-apt || true; fi"
    return f'// The role amdgpu_host wrote this.\nDPkg::Post-Invoke {{ "{command}"; }};\n'


def module_options(wish: HostWish) -> str:
    """modprobe.d(5)."""
    words = " ".join(f"{name}={value}" for name, value in wish.module_options)
    return f"# The role amdgpu_host wrote this.\noptions amdgpu {words}\n"


def grub_settings(words: tuple[str, ...]) -> str:
    """A part of /etc/default/grub: grub-mkconfig reads the directory after the file."""
    joined = " ".join(words)
    return f'# The role amdgpu_host wrote this.\nGRUB_CMDLINE_LINUX="${{GRUB_CMDLINE_LINUX}} {joined}"\n'


def unit(kind: str) -> str:
    """The two units of a kernel on trial: one judges before the guests start, one sees to it that they run."""
    judges = kind == places.TRIAL_UNIT
    what = "Judge the kernel on trial" if judges else "Start the guests that ran before the change of kernel"
    after = (
        "local-fs.target pve-cluster.service pvedaemon.service" if judges else f"{places.TRIAL_UNIT} pve-guests.service"
    )
    # Nobody logs in, and no guest looks for its cards, before it is known whether this kernel stays.
    before = "Before=pve-guests.service ssh.service\n" if judges else ""
    return f"""# The role amdgpu_host wrote this.
[Unit]
Description={what} (rocmox)
ConditionPathExists={places.UPGRADE}
After={after}
{before}
[Service]
Type=oneshot
ExecStart={_PYTHON} {places.PROGRAM} host trial {"judge" if judges else "guests"}
TimeoutStartSec=10min

[Install]
WantedBy=multi-user.target
"""
