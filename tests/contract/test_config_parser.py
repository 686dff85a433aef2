"""The parser of /etc/pve/lxc/VMID.conf against what PVE's own made of good and odd lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rocmox_lab.pve import properties
from rocmox_lab.pve.guests.config import ConfigFiles, GuestConfig, parse, render
from rocmox_lab.pve.node import Node, Settings
from tests.contract.replay import RECORDED

CASES = RECORDED / "config-parser.json"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="../shared/data/pve is not here")


@pytest.fixture
def files(tmp_path: Any) -> ConfigFiles:
    return ConfigFiles(Node(tmp_path, settings=Settings(runtime="fake")))


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CASES.read_text(encoding="utf-8"))
    return found


def as_pve(files: ConfigFiles, config: GuestConfig) -> dict[str, Any]:
    shown: dict[str, Any] = files.shown(config.values)
    raw = {"lxc": [list(entry) for entry in config.current.raw]} if config.current.raw else {}
    return {**shown, **raw}


def test_odd_lines_are_read_as_pve_reads_them(files: ConfigFiles) -> None:
    for case in recorded()["bad_lines"]:
        config = parse(f"arch: amd64\n{case['line']}\n", files.options, vmid=101)
        expected = {
            key: value for key, value in case["parsed"].items() if key not in {"pending", "snapshots", "digest"}
        }
        assert as_pve(files, config) == expected, case["line"]
        assert [text.strip() for text in config.warnings] == [text.strip() for text in case["warnings"]], case["line"]


def test_a_whole_file_is_read_and_written_as_pve_does(files: ConfigFiles) -> None:
    case = recorded()
    config = parse(case["written"], files.options)
    assert render(config) == case["written"]
    expected = {key: value for key, value in case["parsed"].items() if key not in {"pending", "snapshots", "digest"}}
    found = as_pve(files, config)
    expected["description"] = expected["description"].rstrip("\n") + "\n"
    assert found == expected


def test_device_strings_are_parsed_as_pve_parses_them(files: ConfigFiles) -> None:
    entry = files.options.property_of("dev0")
    assert entry is not None
    for case in recorded()["dev_strings"]:
        error = case["error"]
        if isinstance(error, str) and error.startswith("Path"):
            continue  # raised behind the parser
        found, message, errors = outcome(case["in"], entry["format"])
        assert message == (error["msg"] if isinstance(error, dict) else error), case["in"]
        assert errors == (error["errors"] if isinstance(error, dict) else {}), case["in"]
        expected = case["parse_device"] or {}
        assert found == {key: str(value) for key, value in expected.items()}, case["in"]


def outcome(text: str, description: properties.Format) -> tuple[dict[str, str], str | None, dict[str, str]]:
    try:
        return properties.parse(text, description), None, {}
    except properties.PropertyStringError as error:
        return {}, error.message, error.errors
