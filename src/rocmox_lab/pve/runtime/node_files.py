"""Hook files that LXC on the node calls; pve-container's package installs the same at the same places.

The runtime writes them itself at first use, so that node images and the package tree cannot disagree.
"""

from __future__ import annotations

from pathlib import Path

import rocmox
from rocmox.files import write_whole

_TREE = Path(rocmox.__file__).parents[1]
_HOOK = f"""#!/bin/sh
# Written by rocmox: see rocmox_lab.pve.runtime.hook
case "$LXC_NAME" in ''|*[!0-9]*) exit 0;; esac
PYTHONPATH={_TREE} exec /usr/bin/python3 -S -s -m rocmox_lab.pve.runtime.hook %s "$@"
"""
_AUTODEV = """#!/bin/sh
# Written by rocmox: binds the nodes that the pre-start hook made into the guest's /dev (as lxc-pve-autodev-hook does).
# Runs in the guest's namespaces: plain shell, nothing of the node's Python is needed there.
case "$LXC_NAME" in ''|*[!0-9]*) exit 0;; esac
set -e
cd "/var/lib/lxc/$LXC_NAME/passthrough" 2>/dev/null || exit 0
[ -d dev ] || exit 0
find dev -type c -o -type b | while read -r device; do
    mkdir -p "$LXC_ROOTFS_MOUNT/${device%/*}"
    : > "$LXC_ROOTFS_MOUNT/$device"
    mount --bind "$device" "$LXC_ROOTFS_MOUNT/$device"
done
"""
_HOOKS = Path("usr/share/lxc/hooks")
_COMMON_CONFIG = "\n".join(
    f"lxc.hook.{moment} = /{_HOOKS}/lxc-pve-{name}-hook"
    for moment, name in (("pre-start", "prestart"), ("autodev", "autodev"), ("post-stop", "poststop"))
)


def ensure(root: Path = Path("/")) -> None:
    """Write whichever file is missing or differs."""
    files = {
        _HOOKS / "lxc-pve-prestart-hook": _HOOK % "pre-start",
        _HOOKS / "lxc-pve-autodev-hook": _AUTODEV,
        _HOOKS / "lxc-pve-poststop-hook": _HOOK % "post-stop",
        Path("usr/share/lxc/lxcnetaddbr"): _HOOK % "net-up",
        Path("usr/share/lxc/config/common.conf.d/01-pve.conf"): _COMMON_CONFIG + "\n",
    }
    for relative, text in files.items():
        path = root / relative
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, mode=0o644 if path.suffix == ".conf" else 0o755, durable=False)
