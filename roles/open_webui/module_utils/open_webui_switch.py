"""Switch the release of Open WebUI that serves: smoke test, backup, link, wait for an answer, and the way back."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

DATABASE = "webui.db"
DISPOSABLE = frozenset({"cache"})  # downloaded models; large, and fetched again when missing
SPARE_BYTES = 256 * 1024**2
SMOKE_UNIT = "open-webui-smoke.service"


class ReleaseError(Exception):
    """What happened, why, and what to do now."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Where things are and how long to wait; `run` starts a process and returns its exit status and output."""

    root: Path
    release: str
    data: Path
    backups: Path
    unit: str
    user: str
    environment_files: tuple[str, ...]
    health_url: str
    start_seconds: int
    keep: int
    run: Callable[[list[str]], tuple[int, str]]
    clock: Callable[[], float] = time.time

    @property
    def link(self) -> Path:
        """Names the release in use."""
        return self.root / "current"

    @property
    def journal(self) -> Path:
        """Exists while an upgrade is under way."""
        return self.root / "upgrade.json"

    def current(self) -> str | None:
        """The release in use; None before the first one."""
        return self.link.readlink().name if self.link.is_symlink() else None


def run(argv: list[str]) -> tuple[int, str]:
    """A process and its whole output."""
    done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def switch_link(plan: Plan, release: str) -> None:
    """Atomic: a reader sees the old release or the new one."""
    fresh = plan.root / "current.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("venvs") / release)
    fresh.replace(plan.link)


def healthy(plan: Plan, url: str, unit: str) -> bool:
    """Wait until the service answers; give up early when systemd says that it stopped trying."""
    end = time.monotonic() + plan.start_seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True  # urlopen raises for any status of an error
        if plan.run(["systemctl", "show", "-P", "ActiveState", unit])[1].strip() in {"failed", "inactive"}:
            return False
        time.sleep(0.5)
    return False


def last_words(plan: Plan, unit: str) -> str:
    """The end of what the unit logged, for the error message."""
    return plan.run(["journalctl", "-u", unit, "-n", "15", "-o", "cat", "--no-pager"])[1].strip()[-1500:]


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy of a database in use (SQLite's online backup)."""
    with (
        contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


@contextlib.contextmanager
def scratch(plan: Plan) -> Iterator[Path]:
    """A data directory with a copy of the database, owned by the service user."""
    folder = plan.data.parent / "smoke"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        if (plan.data / DATABASE).exists():
            copy_database(plan.data / DATABASE, folder / DATABASE)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, plan.user, plan.user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def smoke_test(plan: Plan) -> None:
    """Start the new release on a copy of the database; the service in use goes on serving. Raises ReleaseError."""
    port = free_port()
    with scratch(plan) as folder:
        program = f"{plan.root}/venvs/{plan.release}/bin/open-webui"
        serve = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
        files = [f"--property=EnvironmentFile=-{path}" for path in plan.environment_files]
        inside = [f"--property=WorkingDirectory={folder}", "--", "/usr/bin/env", f"DATA_DIR={folder}"]
        plan.run(["systemctl", "reset-failed", SMOKE_UNIT])
        status, said = plan.run(
            ["systemd-run", f"--unit={SMOKE_UNIT}", f"--property=User={plan.user}", *files, *inside, *serve]
        )
        try:
            if status != 0 or not healthy(plan, f"http://127.0.0.1:{port}/health", SMOKE_UNIT):
                raise ReleaseError(
                    f"Release {plan.release} does not start on a copy of the data, so the service was not touched and "
                    f"{plan.current()} continues to serve. Until the cause is fixed, set open_webui_version back. "
                    f"Its last words:\n{said.strip()}\n{last_words(plan, SMOKE_UNIT)}"
                )
        finally:
            plan.run(["systemctl", "stop", SMOKE_UNIT])
            plan.run(["systemctl", "reset-failed", SMOKE_UNIT])


def kept_entries(folder: Path) -> list[Path]:
    """What a backup holds of the data directory."""
    return [entry for entry in sorted(folder.iterdir()) if entry.name not in DISPOSABLE]


def require_space(plan: Plan) -> None:
    """Raises ReleaseError when the copy of the data has no room."""
    files = [file for entry in kept_entries(plan.data) for file in (entry, *entry.rglob("*")) if file.is_file()]
    needed = sum(file.stat().st_size for file in files) + SPARE_BYTES
    free = shutil.disk_usage(plan.backups).free
    if free < needed:
        raise ReleaseError(
            f"The backup before the upgrade needs {needed >> 20} MiB in {plan.backups} ( {free >> 20} MiB free). "
            "Nothing was changed. Make room, or let open_webui_backup_directory point to a larger place."
        )


def copy_entries(source: Path, target: Path) -> None:
    """A copy with owners, modes and times; files share their blocks where the file system can."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for entry in kept_entries(source):
        subprocess.run(["cp", "-a", "--reflink=auto", str(entry), f"{target}/"], check=True)


def back_up(plan: Plan, previous: str) -> Path:
    """A copy of the data of the stopped service; it gets its name when it is complete."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(plan.clock()))
    target = plan.backups / f"{stamp}-{previous}"
    partial = plan.backups / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    copy_entries(plan.data, partial)
    shutil.rmtree(target, ignore_errors=True)
    return partial.rename(target)


def roll_back(plan: Plan) -> str:
    """Link and data as the journal says they were, old release started; the release that serves again."""
    before = json.loads(plan.journal.read_text())
    plan.run(["systemctl", "stop", plan.unit])
    for entry in kept_entries(plan.data):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    copy_entries(Path(before["backup"]), plan.data)
    switch_link(plan, before["previous"])
    plan.run(["systemctl", "reset-failed", plan.unit])
    plan.run(["systemctl", "start", plan.unit])
    if not healthy(plan, plan.health_url, plan.unit):
        raise ReleaseError(
            f"{before['previous']} does not answer either after going back. Data of before the upgrade: "
            f"{before['backup']}. Last words:\n{last_words(plan, plan.unit)}"
        )
    plan.journal.unlink()
    return str(before["previous"])


def upgrade(plan: Plan, previous: str) -> Path:
    """From the release in use to the desired one; the backup. Raises ReleaseError after going back."""
    plan.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_space(plan)
    smoke_test(plan)
    plan.run(["systemctl", "stop", plan.unit])
    backup = back_up(plan, previous)
    note = plan.root / "upgrade.json.new"
    note.write_text(json.dumps({"previous": previous, "desired": plan.release, "backup": str(backup)}))
    note.replace(plan.journal)
    switch_link(plan, plan.release)
    plan.run(["systemctl", "start", plan.unit])
    if not healthy(plan, plan.health_url, plan.unit):
        words = last_words(plan, plan.unit)
        roll_back(plan)
        raise ReleaseError(
            f"Release {plan.release} did not come up (no answer at {plan.health_url}, limit {plan.start_seconds} s). "
            f"{previous} serves again, with the data of before ({backup} holds a copy). Until the cause is fixed, set "
            f"open_webui_version back. Last words of {plan.release}:\n{words}"
        )
    plan.journal.unlink()
    return backup


def prune(plan: Plan, previous: str) -> None:
    """Keep the newest backups, the release in use and the newest former ones."""
    backups = sorted(entry for entry in plan.backups.iterdir() if not entry.name.startswith("."))
    for old in backups[: -max(plan.keep, 1)]:
        shutil.rmtree(old)
    others = [entry for entry in (plan.root / "venvs").iterdir() if entry.name not in {plan.release, previous}]
    for old in sorted(others, key=lambda entry: entry.stat().st_mtime, reverse=True)[max(plan.keep - 1, 0) :]:
        shutil.rmtree(old)


def ensure(plan: Plan, *, check: bool) -> dict[str, object]:
    """Make the desired release the one in use; what changed, in Ansible's words."""
    previous = plan.current()
    interrupted = plan.journal.exists()
    diff = {"before": f"{previous}\n", "after": f"{plan.release}\n", "before_header": str(plan.link)}
    found: dict[str, object] = {"changed": False, "previous": previous or "", "diff": diff}
    if previous == plan.release and not interrupted:
        return found
    if check:
        return {**found, "changed": True}
    if interrupted:
        previous = roll_back(plan)
    if previous in {None, plan.release}:
        switch_link(plan, plan.release)
        return {**found, "changed": True}
    backup = upgrade(plan, previous)
    prune(plan, previous)
    return {**found, "changed": True, "previous": previous, "backup": str(backup)}
