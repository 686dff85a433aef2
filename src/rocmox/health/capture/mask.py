"""Replaces what identifies people and machines by numbered names, the same for the same everywhere in a capture."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable

_MAC = re.compile(r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:])")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_BOOT_ID = re.compile(r"\b[0-9a-f]{32}\b")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:.])")
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")
_HOME = re.compile(r"(?P<before>/home/)(?P<secret>[^/\s:\"']{1,64})")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_TOKEN = re.compile(r"\b(?:hf_|sk-|ghp_|gho_|github_pat_|glpat-|xox[abp]-|AKIA)[\w-]{12,}|\bPVEAPIToken=[^\s\"']+")
_SECRET = re.compile(
    r"(?P<before>(?:password|passwd|passphrase|secret|token|api[-_]?key|credentials?|authorization|bearer)"
    r"[\"']?(?:\s*[=:]\s*|\s+)[\"']?(?:basic\s+|bearer\s+)?)(?P<secret>[^\s\"',;]{3,})",
    re.IGNORECASE,
)
_SERIAL_IN_TEXT = re.compile(
    r"(?P<before>(?:SerialNumber|serial(?:[ _]?(?:number|no))?)\s*[:=]\s*)(?P<secret>[\w-]{4,})", re.IGNORECASE
)
_UNIQUE_ID = re.compile(r"(?<![0-9a-z])(?P<before>0x)?(?P<secret>[0-9a-f]{16})(?![0-9a-z])")
_SERIAL_FILE = re.compile(r"/(?:\w+_)?serial(?:_number)?$")
_COMMAND_FILE = re.compile(r"^/proc/\d+/(?:cmdline|comm|environ)$")
# Programs that rocmox serves or that hold cards on purpose: their names are the evidence.
_KNOWN_PROGRAMS = frozenset({"llama-server", "llama-bench", "ollama", "python3", "rocmox"})
_BROADCAST = "255.255.255.255"


class Mask:
    """`hosts` and `users` are names to hide; `unique_ids` hides the cards' ids, too."""

    def __init__(self, *, hosts: Iterable[str] = (), users: Iterable[str] = (), unique_ids: bool = False) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._unique_ids = unique_ids
        kinds = {**dict.fromkeys(hosts, "host"), **dict.fromkeys(users, "user")}
        names = sorted(kinds, key=lambda name: (-len(name), name))
        self._kinds = {name.lower(): kind for name, kind in kinds.items()}
        alternatives = "|".join(map(re.escape, names))
        self._names = re.compile(rf"(?<![\w.-])(?:{alternatives})(?![\w-])", re.IGNORECASE) if names else None

    def text(self, text: str) -> str:
        """The text without what identifies."""
        text = _PRIVATE_KEY.sub("masked-private-key", text)
        text = _TOKEN.sub(self._as("token"), text)
        for expression, kind in ((_SECRET, "secret"), (_SERIAL_IN_TEXT, "serial"), (_HOME, "user")):
            text = expression.sub(self._part(kind), text)
        text = _EMAIL.sub(self._as("mail"), text)
        text = _UUID.sub(self._uuid, text)
        text = _MAC.sub(self._mac, text)
        text = _BOOT_ID.sub(self._as("id"), text)
        text = _IPV4.sub(self._address, text)
        text = _IPV6.sub(self._address, text)
        if self._unique_ids:
            text = _UNIQUE_ID.sub(self._unique_id, text)
        return self._names.sub(self._name, text) if self._names else text

    def content(self, path: str, content: bytes) -> bytes:
        """A file's content; binary ones (gpu_metrics, config) stay, serial numbers and foreign commands go."""
        if _SERIAL_FILE.search(path):
            return b"masked\n"
        if _COMMAND_FILE.match(path):
            return self._command(content)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return content
        return content if "\0" in text else self.text(text).encode()

    def _command(self, content: bytes) -> bytes:
        """Only the program's name of a command line, and that only when it is one that serves."""
        program = content.partition(b"\0")[0].strip().decode(errors="replace").rpartition("/")[2]
        return f"{program if program in _KNOWN_PROGRAMS else self._alias('program', program)}\n".encode()

    def _alias(self, kind: str, secret: str) -> str:
        key = (kind, secret.lower())
        if key not in self._given:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._given[key] = f"{kind}-{self._counts[kind]}"
        return self._given[key]

    def _number(self, kind: str, secret: str) -> int:
        return int(self._alias(kind, secret).rpartition("-")[2])

    def _as(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda match: self._alias(kind, match[0])

    def _part(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda match: match["before"] + self._alias(kind, match["secret"])

    def _name(self, match: re.Match[str]) -> str:
        return self._alias(self._kinds[match[0].lower()], match[0])

    def _mac(self, match: re.Match[str]) -> str:
        number = self._number("mac", match[0].replace("-", ":"))
        return f"02:00:00:00:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"

    def _uuid(self, match: re.Match[str]) -> str:
        return f"00000000-0000-4000-8000-{self._number('uuid', match[0]):012d}"

    def _unique_id(self, match: re.Match[str]) -> str:
        return f"{match['before'] or ''}{0xFACE << 48 | self._number('unique', match['secret']):016x}"

    def _address(self, match: re.Match[str]) -> str:
        """Addresses become those kept for documentation (RFC 5737, RFC 3849)."""
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            return match[0]
        if match[0] == _BROADCAST or address.is_loopback or address.is_unspecified:
            return match[0]
        number = self._number("address", match[0])
        if address.version == 4:  # noqa: PLR2004 - IP's version
            return f"{('192.0.2', '198.51.100', '203.0.113')[number // 250 % 3]}.{number % 250 + 1}"
        return f"2001:db8::{number:x}"
