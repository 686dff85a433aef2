import contextlib
import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.facts.served import (
    FOLDER,
    BenchSettings,
    Served,
    parse_descriptor,
    read_served,
    read_undescribed,
    to_json,
)
from rocmox.machine.captured import CapturedMachine

TINY = Served(
    engine="llama_cpp",
    name="tiny",
    unit="llama-server@tiny.service",
    host="10.0.0.5",
    port=8081,
    api_path="/v1",
    guarded_path="/props",
    api_key_file="/etc/llama-server/api-key",
    computes=True,
    user="llama",
    groups=("render", "video"),
    model_file="/var/lib/a model.gguf",
    backend="hip",
    bench=BenchSettings(programs="/opt/llama.cpp/current/bin", split_mode="layer", gpu_layers="999"),
)


def test_a_descriptor_tells_where_and_as_whom() -> None:
    served = parse_descriptor(to_json(TINY), where="tiny.json")
    assert served == TINY
    assert (served.health_url, served.unit_name) == ("http://10.0.0.5:8081/health", "llama-server@tiny")
    assert json.loads(to_json(TINY))["schema_version"] == 1


ANY = "0.0.0.0"  # noqa: S104 - read, not listened on


@pytest.mark.parametrize(("host", "asked"), [(ANY, "127.0.0.1"), ("::", "[::1]"), ("10.0.0.5", "10.0.0.5")])
def test_any_address_is_asked_on_this_machine(host: str, asked: str) -> None:
    page = Served(engine="open_webui", name="open-webui", unit="open-webui.service", host=host, port=80)
    assert page.health_url == f"http://{asked}:80/health"
    assert not page.computes


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"port": 0}, "port 0"),
        ({"port": 70000}, "port 70000"),
        ({"port": "8080"}, "port '8080'"),
        ({"port": True}, "port True"),
        ({"host": ""}, "engine, name, unit and host"),
        ({"computes": "yes"}, "computes"),
        ({"user": 7}, "user is a text"),
        ({"model_file": None}, "paths"),
        ({"bench": []}, "bench"),
        ({"colour": "red"}, "colour"),
        ({"schema_version": 2}, "schema version 2, and this rocmox reads 1"),
        ({"schema_version": None}, "schema version None"),
    ],
)
def test_a_descriptor_that_is_none_has_its_reason(changes: dict[str, object], why: str) -> None:
    document = {**json.loads(to_json(TINY)), **changes}
    if changes.get("bench") == []:
        why = "attribute"
    with pytest.raises(CannotLookError, match=why):
        parse_descriptor(json.dumps(document), where="tiny.json")


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_a_descriptor_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(CannotLookError):
        assert parse_descriptor(text, where="x").port


def test_what_is_served_is_read_from_the_descriptors_alone(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER.lstrip("/")
    folder.mkdir(parents=True)
    (folder / "llama_cpp-tiny.json").write_text(to_json(TINY))
    (folder / "llama_cpp-second.json").write_text(to_json(dataclasses.replace(TINY, name="second")))
    (folder / "notes.txt").write_text("not a descriptor")
    assert [one.name for one in read_served(CapturedMachine(tmp_path))] == ["second", "tiny"]
    (folder / "broken.json").write_text("{")
    with pytest.raises(CannotLookError, match=r"/etc/rocmox/served/broken\.json"):
        read_served(CapturedMachine(tmp_path))


def test_units_of_an_earlier_rocmox_are_not_taken_for_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "etc/systemd/system"
    assert read_undescribed(CapturedMachine(tmp_path), []) == []
    folder.mkdir(parents=True)
    unit = "[Service]\nExecStart=/opt/llama.cpp/current/bin/llama-server\nEnvironment=ROCMOX_CONFIGURATION=abc\n"
    (folder / "llama-server@tiny.service").write_text(unit)
    (folder / "llama-server@.service").write_text(unit)
    (folder / "open-webui.service").write_text("ExecStart=/opt/open-webui/current/bin/open-webui serve --port 80\n")
    (folder / "other.service").write_text("[Service]\nExecStart=/usr/bin/other\n")
    found = read_undescribed(CapturedMachine(tmp_path), [])
    assert [(one.unit, one.computes) for one in found] == [
        ("llama-server@tiny.service", True),
        ("open-webui.service", False),
    ]
    assert "playbooks/serve_models.yml" in found[0].remedy
    assert [one.unit for one in read_undescribed(CapturedMachine(tmp_path), [TINY])] == ["open-webui.service"]
