import json
from pathlib import Path

import pytest

from rocmox.cli.main import main
from rocmox.errors import UsageError
from rocmox.report.output import parse_output, write_whole


def test_a_format_may_stand_before_the_file() -> None:
    assert (parse_output("html=/a/b").format, parse_output("html=/a/b").path) == ("html", Path("/a/b"))
    assert (parse_output("/a/x=b").format, parse_output("/a/x=b").path) == (None, Path("/a/x=b"))


def test_the_file_is_whole_and_readable(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "one")
    write_whole(tmp_path / "a", "two\ud800")
    assert (tmp_path / "a").read_text() == "two?"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_place_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        write_whole(tmp_path / "not" / "here", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(tmp_path / "folder", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_plain_file_takes_the_place_of_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["health", "--only=services", f"--machine=capture:{tmp_path}", "--format=json"]
    assert main([*words, f"--output={tmp_path}/a.json"]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "a.json").read_text())["verdict"] == "NOT_APPLICABLE"
    assert main([*words, f"--output=junit={tmp_path}/a.xml"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "NOT_APPLICABLE"
    assert (tmp_path / "a.xml").read_text().startswith("<?xml")


def test_a_name_that_no_encoding_has_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "\udcff\x1b[31m"
    odd.mkdir()
    for name in ("table", "json", "journal"):
        assert main(["health", "--only=driver", f"--machine=capture:{odd}", f"--format={name}"]) == 3
        shown = capsys.readouterr()
        assert "\x1b" not in shown.out + shown.err
