"""Every path on the node that the role writes to. Removal goes by this list and by the ledger."""

from __future__ import annotations

STATE = "/var/lib/rocmox/host"
LEDGER = f"{STATE}/ledger.json"
DESIRED = f"{STATE}/wish.json"  # the name that it has on sites since 0.1
UPGRADE = f"{STATE}/upgrade.json"
LAST_UPGRADE = f"{STATE}/last-upgrade.json"

PYTHON = "/usr/bin/python3 -I"  # before PROGRAM in hooks and units
PROGRAM = "/usr/local/lib/rocmox/host.pyz"
REBOOT_PROGRAM = "/run/rocmox/host.pyz"  # still there when removal has taken PROGRAM; a reboot forgets it
KEYRING = "/etc/apt/keyrings/amdgpu.asc"
SOURCE = "/etc/apt/sources.list.d/amdgpu.sources"
PREFERENCES = "/etc/apt/preferences.d/amdgpu"
APT_HOOK = "/etc/apt/apt.conf.d/99rocmox-host"
MODULE_OPTIONS = "/etc/modprobe.d/rocmox-amdgpu.conf"
GRUB_SETTINGS = "/etc/default/grub.d/rocmox.cfg"
KERNEL_COMMAND_LINE = "/etc/kernel/cmdline"

POSTINST = "/etc/kernel/postinst.d/dkms-rocmox"
HEADER_POSTINST = "/etc/kernel/header_postinst.d/dkms-rocmox"
POSTRM = "/etc/kernel/postrm.d/dkms-rocmox"
# dkms' own hooks end a package's installation when a build fails; ours run them and go on.
DKMS_HOOKS = ("/etc/kernel/postinst.d/dkms", "/etc/kernel/header_postinst.d/dkms")

TRIAL_UNIT = "rocmox-kernel-trial.service"
GUESTS_UNIT = "rocmox-kernel-guests.service"
UNITS = "/etc/systemd/system"
