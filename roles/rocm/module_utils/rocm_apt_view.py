"""Apt with lists, cache, sources and preferences of its own: it looks at sources that the machine does not have yet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}


class AptView:
    """A private copy of apt's state under one temporary directory; nothing outside of it changes."""

    def __init__(self, top: Path, *, without: set[str], certificates: list[str], proxy: str) -> None:
        """`without` names files in sources.list.d and preferences.d that are left out of the copy."""
        self.top = top
        top.chmod(0o755)  # apt fetches as the user _apt
        for name in ("sources", "preferences", "cache/archives/partial"):
            (top / name).mkdir(parents=True)
        shutil.copytree(
            "/var/lib/apt/lists", top / "lists", ignore=shutil.ignore_patterns("lock", "partial", "auxfiles")
        )
        (top / "lists" / "partial").mkdir()
        for kind, there in (("sources", "/etc/apt/sources.list.d"), ("preferences", "/etc/apt/preferences.d")):
            for path in Path(there).glob("*"):
                if path.name not in without and path.is_file():
                    shutil.copy(path, top / kind / path.name)
        settings = {
            "Dir::State::lists": f"{top}/lists",
            "Dir::Cache": f"{top}/cache",
            "Dir::Etc::sourceparts": f"{top}/sources",
            "Dir::Etc::preferencesparts": f"{top}/preferences",
            "Debug::NoLocking": "1",
            "Debug::pkgDPkgPM": "1",  # dpkg is named and never run
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
        }
        if certificates:
            system = BUNDLE.read_text(encoding="utf-8") if BUNDLE.exists() else ""
            (top / "authorities.pem").write_text(system + "\n".join(certificates), encoding="utf-8")
            settings["Acquire::https::CaInfo"] = f"{top}/authorities.pem"
        if proxy:
            settings["Acquire::http::Proxy"] = settings["Acquire::https::Proxy"] = proxy
        self._options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of apt's programs on this view."""
        environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        argv = [program, *self._options, *arguments]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    def fetch(self, url: str) -> tuple[bytes, str]:
        """One file by apt's own way (its proxies, authorities and methods): its content, or why there is none."""
        target = self.top / "fetched"
        done = self.run("/usr/lib/apt/apt-helper", "download-file", url, str(target))
        if done.returncode or not target.exists():
            return b"", complaints(done) or "no answer"
        return target.read_bytes(), ""

    def update(self) -> str:
        """Fetch the lists of all sources; empty, or what apt complains about."""
        done = self.run("apt-get", "update")
        return (complaints(done) or "apt-get update failed") if done.returncode else ""

    def origins(self, uri: str) -> set[str]:
        """What the source at `uri` calls itself (`Origin` of its Release file)."""
        return {words[1] for words in self._targets(uri) if words[1]}

    def packages_of(self, uri: str) -> list[dict[str, str]]:
        """The paragraphs of the package index of one source."""
        found = []
        for path, _ in self._targets(uri):
            text = self.run("/usr/lib/apt/apt-helper", "cat-file", path).stdout
            unfolded = re.sub(r"\n[ \t]+", " ", text)
            paragraphs = (paragraph for paragraph in unfolded.split("\n\n") if paragraph.strip())
            found += [dict(line.partition(": ")[::2] for line in paragraph.splitlines()) for paragraph in paragraphs]
        return found

    def _targets(self, uri: str) -> list[list[str]]:
        wanted = ["Created-By: Packages", f"Repo-URI: {uri.rstrip('/')}/"]
        listed = self.run("apt-get", "indextargets", "--format", "$(FILENAME)|$(ORIGIN)", *wanted).stdout
        return [line.split("|") for line in listed.splitlines() if "|" in line]


def complaints(done: subprocess.CompletedProcess[str]) -> str:
    """The error lines of apt, joined."""
    lines = re.findall(r"^(?:E|W): *(.+)$", done.stdout + "\n" + done.stderr, re.MULTILINE)
    return "; ".join(dict.fromkeys(line.strip() for line in lines))


def size_in(text: str, pattern: str) -> int:
    """A size in bytes that apt-get announces, such as `4,123 MB`; 0 when it announces none."""
    found = re.search(rf"(?:{pattern}) ([\d.,]+) (B|kB|MB|GB)", text)
    return int(float(found[1].replace(",", "")) * UNITS[found[2]]) if found else 0
