import subprocess
import sys

import pytest

from rocmox import __version__
from rocmox.cli import main as cli


def test_version_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rocmox {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    words = capsys.readouterr().out.split()
    assert [name for name in (*cli.COMMANDS, "lab") if name not in words] == []


def test_help_loads_no_command() -> None:
    show = "import sys; from rocmox.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stderr.split()
    commands = {f"rocmox.cli.{name.replace('-', '_')}" for name in cli.COMMANDS}
    assert "rocmox.cli.main" in loaded
    assert commands & {*loaded} == set()
    assert "rocmox_lab.cli.lab" not in loaded


@pytest.mark.parametrize(
    ("words", "said"), [([], "usage: rocmox COMMAND"), (["frobnicate"], "'frobnicate' is not a command")]
)
def test_wrong_usage_is_64(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 64
    written = capsys.readouterr()
    assert said in written.out + written.err


@pytest.mark.parametrize("name", [*cli.COMMANDS, "lab"])
def test_an_unknown_option_is_64(name: str) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--no-such-option"])
    assert stop.value.code == 64


def test_a_defect_is_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(words: list[str]) -> int:
        raise ZeroDivisionError(words)

    monkeypatch.setattr(cli, "_dispatch", broken)
    assert cli.main(["lab"]) == 70
    assert "defect of rocmox" in capsys.readouterr().err


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name, name="proxmoxer")

    monkeypatch.setattr(cli.importlib, "import_module", missing)
    assert cli.main(["containers"]) == 64
    assert "needs the Python package proxmoxer" in capsys.readouterr().err
