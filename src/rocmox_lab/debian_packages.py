"""Files of Debian packages of any suite, unpacked beside the system and never installed into it.

apt does the work, with lists, status and configuration of its own: it verifies signatures as ever, and this machine's
own packages stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rocmox.errors import CannotLookError
from rocmox.machine import Machine
from rocmox_lab.locks import locked
from rocmox_lab.recipe import read_apt_source

_TIMEOUT_SECONDS = 600
_COMPLETE = ".complete"


def unpack(machine: Machine, *, suite: str, names: Sequence[str], cache: Path) -> Path:
    """The folder that holds these packages' files (`…/usr/include/…`), fetched once and kept in `cache`.

    Dependencies are not followed. CannotLookError when this machine's archive is not Debian's, CommandError when a
    package is not in the suite.
    """
    key = hashlib.sha256("\n".join((suite, *sorted(names))).encode()).hexdigest()[:12]
    target = cache / "debian" / f"{suite}-{key}"
    if (target / _COMPLETE).exists():
        return target
    with locked(cache / "debian" / f".{suite}-{key}.lock"):
        if not (target / _COMPLETE).exists():  # another process, or thread, may have been first
            _fetch(machine, suite, names, target)
    return target


def _fetch(machine: Machine, suite: str, names: Sequence[str], target: Path) -> None:
    source = read_apt_source(machine)
    lines = source.lines(suite)
    if not lines:
        raise CannotLookError(
            f"this machine's apt knows no Debian mirror, so {', '.join(names)} of {suite} cannot be fetched",
            remedy="Add a Debian source to /etc/apt/sources.list.d.",
        )
    work = target.with_name(f".{target.name}")
    options = _private_apt(work, [lines[0]], source.options)
    machine.run(["apt-get", *options, "update", "-qq"], timeout_seconds=_TIMEOUT_SECONDS).check()
    # `apt-get download` writes into the working directory, so env changes into it first.
    machine.run(
        ["env", f"--chdir={work / 'debs'}", "apt-get", *options, "download", "-qq", *names],
        timeout_seconds=_TIMEOUT_SECONDS,
    ).check(remedy=f"`apt-cache policy` shows what {suite} offers.")
    for package in sorted((work / "debs").glob("*.deb")):
        machine.run(["dpkg-deb", "--extract", str(package), str(target)], timeout_seconds=_TIMEOUT_SECONDS).check()
    (target / _COMPLETE).touch()
    machine.run(["rm", "-rf", str(work)]).check()


def _private_apt(work: Path, sources: Sequence[str], settings: Sequence[str]) -> list[str]:
    for name in ("lists/partial", "archives/partial", "debs", "empty.d"):
        (work / name).mkdir(parents=True, exist_ok=True)
    (work / "status").touch()
    (work / "sources.list").write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")
    overridden = (
        f"Dir::Etc::sourcelist={work / 'sources.list'}",
        f"Dir::Etc::sourceparts={work / 'empty.d'}",
        f"Dir::Etc::preferencesparts={work / 'empty.d'}",
        f"Dir::State::lists={work / 'lists'}",
        f"Dir::State::status={work / 'status'}",
        f"Dir::Cache::archives={work / 'archives'}",
        f"Dir::Cache::pkgcache={work / 'pkgcache.bin'}",
        f"Dir::Cache::srcpkgcache={work / 'srcpkgcache.bin'}",
        "APT::Sandbox::User=root",
        "Acquire::Languages=none",
        *(setting.replace(' "', "=").rstrip('"') for setting in settings),
    )
    return [word for option in overridden for word in ("-o", option)]
