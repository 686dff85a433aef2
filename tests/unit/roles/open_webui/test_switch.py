"""The switch of a release: what is copied, what goes back, and what a failure says."""

import dataclasses
import importlib.util
import json
import sqlite3
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[4] / "roles" / "open_webui" / "module_utils" / "open_webui_switch.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("open_webui_switch", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


switch = load()


@dataclasses.dataclass(kw_only=True)
class Guest:
    """A guest with release `old` in use; `bad` names releases that fail, by place: smoke or service."""

    root: Path
    calls: list[str] = dataclasses.field(default_factory=list)
    bad: dict[str, str] = dataclasses.field(default_factory=dict)
    spoils: bool = False

    @property
    def data(self) -> Path:
        return self.root / "state" / "data"

    def run(self, argv: list[str]) -> tuple[int, str]:
        self.calls.append(" ".join(argv))
        starts = argv[:2] == ["systemctl", "start"]
        if starts and self.spoils and self.plan("new").current() == "new":
            self.database("migrated by new")
        return (0, "the last words") if argv[0] == "journalctl" else (0, "")

    def healthy(self, plan: object, _url: str, unit: str) -> bool:
        if unit == switch.SMOKE_UNIT:
            return self.bad.get(plan.release) != "smoke"
        return self.bad.get(plan.current()) != "service"

    def plan(self, release: str, keep: int = 2) -> object:
        return switch.Plan(
            root=self.root / "opt",
            release=release,
            data=self.data,
            backups=self.root / "backups",
            unit="open-webui.service",
            user="root",
            environment_files=("/etc/open-webui/settings.env",),
            health_url="http://127.0.0.1:8080/health",
            start_seconds=1,
            keep=keep,
            run=self.run,
            clock=lambda: 0.0,
        )

    def database(self, text: str | None = None) -> str:
        with sqlite3.connect(self.data / "webui.db") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS chat (text TEXT)")
            if text is not None:
                connection.execute("DELETE FROM chat")
                connection.execute("INSERT INTO chat VALUES (?)", [text])
            found = connection.execute("SELECT text FROM chat").fetchone()[0]
        connection.close()
        return str(found)


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guest:
    made = Guest(root=tmp_path)
    for release in ("old", "new"):
        (tmp_path / "opt" / "venvs" / release).mkdir(parents=True)
    (made.data / "uploads").mkdir(parents=True)
    (made.data / "uploads" / "a.txt").write_text("kept")
    (made.data / "cache").mkdir()
    (made.data / "cache" / "model.bin").write_text("large")
    made.database("written by old")
    switch.switch_link(made.plan("old"), "old")
    monkeypatch.setattr(switch, "healthy", made.healthy)
    monkeypatch.setattr(switch.shutil, "chown", lambda *_: None)
    return made


def test_the_first_release_is_linked_and_left_to_be_started(tmp_path: Path) -> None:
    fresh = Guest(root=tmp_path)
    (tmp_path / "opt").mkdir()
    assert switch.ensure(fresh.plan("new"), check=False)["changed"] is True
    assert fresh.plan("new").current() == "new"
    assert fresh.calls == []


def test_the_release_in_use_stays(guest: Guest) -> None:
    assert switch.ensure(guest.plan("old"), check=False)["changed"] is False
    assert guest.calls == []


def test_check_mode_tells_and_touches_nothing(guest: Guest) -> None:
    found = switch.ensure(guest.plan("new"), check=True)
    assert (found["changed"], found["diff"]["before"], found["diff"]["after"]) == (True, "old\n", "new\n")
    assert guest.plan("new").current() == "old"
    assert guest.calls == []


def test_an_upgrade_copies_the_data_of_the_stopped_service(guest: Guest) -> None:
    found = switch.ensure(guest.plan("new"), check=False)
    backup = Path(found["backup"])
    assert guest.plan("new").current() == "new"
    assert sorted(path.name for path in backup.iterdir()) == ["uploads", "webui.db"]
    stop, start = (guest.calls.index(f"systemctl {verb} open-webui.service") for verb in ("stop", "start"))
    assert any("systemd-run" in call for call in guest.calls[:stop])
    assert stop < start
    assert not (guest.root / "opt" / "upgrade.json").exists()


def test_a_release_that_fails_on_the_copy_never_meets_the_service(guest: Guest) -> None:
    guest.bad = {"new": "smoke"}
    with pytest.raises(
        switch.ReleaseError, match=r"new does not start on a copy[\s\S]*old continues to serve"
    ) as caught:
        switch.ensure(guest.plan("new"), check=False)
    assert "the last words" in str(caught.value)
    assert guest.plan("new").current() == "old"
    assert not any("open-webui.service" in call and "systemctl" in call for call in guest.calls)
    assert not (guest.root / "state" / "smoke").exists()


def test_a_release_that_fails_in_service_goes_back_with_its_data(guest: Guest) -> None:
    guest.bad, guest.spoils = {"new": "service"}, True
    with pytest.raises(switch.ReleaseError, match="old serves again, with the data of before"):
        switch.ensure(guest.plan("new"), check=False)
    assert guest.plan("new").current() == "old"
    assert guest.database() == "written by old"
    assert (guest.data / "cache" / "model.bin").read_text() == "large"
    assert guest.calls[-1] == "systemctl start open-webui.service"


def test_an_interrupted_upgrade_goes_back_first(guest: Guest) -> None:
    plan = guest.plan("new")
    plan.backups.mkdir()
    backup = switch.back_up(plan, "old")
    plan.journal.write_text(json.dumps({"previous": "old", "wished": "new", "backup": str(backup)}))
    switch.switch_link(plan, "new")
    guest.database("half migrated")
    found = switch.ensure(guest.plan("old"), check=False)
    assert found["changed"] is True
    assert plan.current() == "old"
    assert guest.database() == "written by old"
    assert not plan.journal.exists()


def test_no_room_for_the_backup_stops_before_anything(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "SPARE_BYTES", 1 << 60)
    with pytest.raises(switch.ReleaseError, match=r"backup before the upgrade needs .* Nothing was changed"):
        switch.ensure(guest.plan("new"), check=False)
    assert guest.calls == []


def test_old_backups_and_releases_are_pruned(guest: Guest) -> None:
    for name in ("20200101T000000Z-a", "20200102T000000Z-b"):
        (guest.root / "backups" / name).mkdir(parents=True)
    (guest.root / "opt" / "venvs" / "older").mkdir()
    switch.ensure(guest.plan("new", keep=1), check=False)
    assert len(list((guest.root / "backups").iterdir())) == 1
    assert sorted(path.name for path in (guest.root / "opt" / "venvs").iterdir()) == ["new", "old"]
