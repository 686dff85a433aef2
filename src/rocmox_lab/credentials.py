"""Keys of a lab: the machine's SSH key, the node's host key, its certificate, root's password. Made once, kept."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import ssl
from pathlib import Path

from rocmox.files import write_whole
from rocmox.machine import Machine
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import LabState

_CERTIFICATE_DAYS = "730"  # as pvecm's own certificate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Credentials:
    """Texts to be placed in the node, and the fingerprint its clients pin."""

    authorized_key: str
    host_private_key: str
    host_public_key: str
    certificate: str
    certificate_key: str
    password_hash: str
    """crypt(5) SHA-512."""
    fingerprint: str
    """SHA-256 of the certificate, upper-case hex with colons, as PVE shows it."""


def ensure_credentials(machine: Machine, state: LabState, directory: Path | None = None) -> Credentials:
    """Make what is missing, in the lab's own directory unless told; CommandError when ssh-keygen or openssl fails."""
    directory = directory or LabPlaces(name=state.name).secrets
    directory.mkdir(mode=0o700, exist_ok=True)
    client_key = _ssh_key(machine, directory / "id_ed25519", f"rocmox lab {state.name}")
    host_key = _ssh_key(machine, directory / "host_ed25519", state.node)
    host_public_key = host_key.with_suffix(".pub").read_text()
    names = f"{state.node_address},{state.node}.{state.name}.rocmox.internal"
    write_whole(Path(state.known_hosts), f"{names} {host_public_key}", mode=0o600)
    password_hash = _password_hash(machine, Path(state.root_password_file))
    certificate = _certificate(machine, directory, state)
    return Credentials(
        authorized_key=client_key.with_suffix(".pub").read_text(),
        host_private_key=host_key.read_text(),
        host_public_key=host_public_key,
        certificate=certificate.read_text(),
        certificate_key=certificate.with_suffix(".key").read_text(),
        password_hash=password_hash,
        fingerprint=fingerprint_of(certificate.read_text()),
    )


def fingerprint_of(certificate_pem: str) -> str:
    """SHA-256 of a PEM certificate as PVE writes it: `AB:CD:…`."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate_pem)).digest()
    return digest.hex(":").upper()


def _ssh_key(machine: Machine, path: Path, comment: str) -> Path:
    if not path.with_suffix(".pub").exists():
        new = path.with_name(f".{path.name}.new")
        for leftover in (new, new.with_name(f"{new.name}.pub")):
            leftover.unlink(missing_ok=True)
        machine.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(new)]).check()
        new.replace(path)
        new.with_name(f"{new.name}.pub").replace(path.with_suffix(".pub"))
    return path


def _password_hash(machine: Machine, password_file: Path) -> str:
    if not password_file.exists():
        write_whole(password_file, secrets.token_urlsafe(18) + "\n", mode=0o600)
    hash_file = password_file.with_name(f"{password_file.name}_hash")
    if not hash_file.exists():
        password = password_file.read_text().strip()
        hashed = machine.run(["openssl", "passwd", "-6", "-stdin"], stdin=password.encode()).check().stdout
        write_whole(hash_file, hashed, mode=0o600)
    return hash_file.read_text().strip()


def _certificate(machine: Machine, directory: Path, state: LabState) -> Path:
    certificate = directory / "pve-ssl.pem"
    if not certificate.exists():
        new = certificate.with_name(".pve-ssl.pem.new")
        subject_names = f"subjectAltName=DNS:{state.node},DNS:localhost,IP:{state.node_address},IP:127.0.0.1"
        machine.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", _CERTIFICATE_DAYS),
                *("-subj", f"/O=rocmox lab/CN={state.node}", "-addext", subject_names),
                *("-keyout", str(certificate.with_suffix(".key")), "-out", str(new)),
            ]
        ).check()
        certificate.with_suffix(".key").chmod(0o600)
        new.replace(certificate)
    return certificate
