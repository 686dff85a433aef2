"""Fresh SSH host keys for a guest whose template carries sshd (`PVE::LXC::Setup::rewrite_ssh_host_keys`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime.id_map import IdMap
from rocmox_lab.pve.runtime.setup import guest_root
from rocmox_lab.pve.runtime_protocol import Log

_KINDS = ("ed25519", "ecdsa", "rsa")


def replace(root: str, id_map: IdMap, hostname: str, log: Log) -> None:
    """Make new keys on the node and put them where the template's were; a guest without sshd gets none."""
    if not Path(root, "usr/sbin/sshd").exists():
        return
    files: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in _KINDS:
            files |= _generate(Path(folder), kind, hostname, log)

    def inside() -> None:
        for old in Path("/etc/ssh").glob("ssh_host_*"):
            old.unlink()
        for name, text in files.items():
            guest_root.write(f"/etc/ssh/{name}", text, mode=0o644 if name.endswith(".pub") else 0o600)

    guest_root.run_inside(root, id_map, inside)


def _generate(folder: Path, kind: str, hostname: str, log: Log) -> dict[str, str]:
    name = f"ssh_host_{kind}_key"
    log(f"Creating SSH host key '{name}' - this may take some time ...")
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{hostname}", "-f", str(folder / name)]
    machine = LocalMachine()
    machine.run(command).check()
    fingerprint = machine.run(["ssh-keygen", "-lf", str(folder / f"{name}.pub")]).check().stdout.split()
    log(f"done: {fingerprint[1]} root@{hostname}")
    return {each: (folder / each).read_text() for each in (name, f"{name}.pub")}
