"""Drifts that the comparison must notice, one at a time; a unit's states come from a stand-in for systemctl."""

import hashlib
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[4] / "roles" / "_common" / "files" / "compare.py"
CONTENT = "x=1\n"
ME = pwd.getpwuid(os.getuid()).pw_name
SUM = hashlib.sha256(CONTENT.encode()).hexdigest()


def compare(desired: dict[str, object], path: str | None = None) -> dict[str, str]:
    environment = {**os.environ, **({"PATH": path} if path else {})}
    done = subprocess.run(
        [sys.executable, "-I", FILE],
        input=json.dumps(desired),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def stand_in(folder: Path, program: str, output: str) -> str:
    file = folder / program
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    file.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.fixture
def site(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "folder").mkdir(mode=0o755)
    (tmp_path / "file").write_text(CONTENT)
    (tmp_path / "file").chmod(0o644)
    (tmp_path / "link").symlink_to("file")
    return {
        "folders": [{"path": str(tmp_path / "folder"), "mode": "0755", "owner": ME}],
        "files": [{"path": str(tmp_path / "file"), "sha256": SUM, "mode": "0644", "owner": ME}],
        "links": [{"path": str(tmp_path / "link"), "target": "file"}],
        "absent": [str(tmp_path / "gone")],
        "users": [ME],
    }


def test_what_is_as_desired(site: dict[str, object]) -> None:
    assert compare(site) == {}


def test_nothing_desired() -> None:
    assert compare({}) == {}


@pytest.mark.parametrize(
    ("drift", "name", "reason"),
    [
        ("echo x=2 > file", "file", "has another content"),
        ("rm file", "file", "is not a file"),
        ("mv file other; ln -s other file", "file", "is not a file"),
        ("chmod 600 file", "file", "has mode 0600"),
        ("rmdir folder", "folder", "is not a folder"),
        ("chmod 700 folder", "folder", "has mode 0700"),
        ("ln -sfn elsewhere link", "link", "is not a link to file"),
        ("rm link", "link", "is not a link to file"),
        ("touch gone", "gone", "is there"),
        ("ln -s nowhere gone", "gone", "is there"),
    ],
)
def test_a_drift(site: dict[str, object], tmp_path: Path, drift: str, name: str, reason: str) -> None:
    subprocess.run(["sh", "-c", drift], cwd=tmp_path, check=True)
    assert compare(site) == {str(tmp_path / name): reason}


def test_another_owner(tmp_path: Path) -> None:
    other = "daemon"
    differences = compare({"folders": [{"path": str(tmp_path), "owner": other, "group": other}]})
    assert list(differences) == [str(tmp_path)]


def test_a_user_and_a_package_that_are_missing(tmp_path: Path) -> None:
    path = stand_in(tmp_path, "dpkg-query", "here installed\nremoved config-files")
    desired = {"users": ["no-such-user"], "packages": ["here", "removed", "never-heard-of"]}
    assert compare(desired, path) == {
        "no-such-user": "is not a user",
        "removed": "is not installed",
        "never-heard-of": "is not installed",
    }


@pytest.mark.parametrize(
    ("active", "enabled", "reload", "reason"),
    [
        ("active", "enabled", "no", None),
        ("activating", "enabled", "no", None),
        ("inactive", "enabled", "no", "is inactive"),
        ("failed", "enabled", "no", "is failed"),
        ("active", "disabled", "no", "is not enabled"),
        ("active", "enabled", "yes", "has a file that systemd has not read again"),
    ],
)
def test_a_unit(tmp_path: Path, active: str, enabled: str, reload: str, reason: str | None) -> None:
    shown = f"Id=a.timer\nNames=a.timer\nActiveState={active}\nUnitFileState={enabled}\nNeedDaemonReload={reload}\n"
    other = "\nId=b.service\nNames=b.service\nActiveState=inactive\nUnitFileState=static\nNeedDaemonReload=no"
    path = stand_in(tmp_path, "systemctl", shown + other)
    desired = {"units": [{"name": "a.timer", "active": True, "enabled": True}, {"name": "b.service"}]}
    assert compare(desired, path) == ({"a.timer": reason} if reason else {})


def test_a_machine_without_systemd_and_dpkg(tmp_path: Path) -> None:
    desired = {"units": [{"name": "a.timer", "active": True}], "packages": ["here"]}
    assert compare(desired, str(tmp_path)) == {"a.timer": "is unknown to systemd", "here": "is not installed"}
