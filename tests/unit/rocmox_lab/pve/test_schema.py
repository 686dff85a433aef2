from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocmox_lab.pve.answers import BadParameterError
from rocmox_lab.pve.schema import generate, load
from rocmox_lab.pve.validate import check_parameters, normalize


def test_literal_names_win_and_a_volume_keeps_its_slash() -> None:
    schema = load("8.4")
    found = schema.find("GET", "/nodes/pve/storage/local/content/local:vztmpl/x.tar.zst")
    assert found is not None
    assert found[1] == {"node": "pve", "storage": "local", "volume": "local:vztmpl/x.tar.zst"}
    assert schema.match("/cluster/nextid")[0] == "/cluster/nextid"
    assert schema.find("GET", "/nodes/pve/foo") is None
    assert schema.find("GET", "/") is not None


def test_indexed_parameters_end_where_pve_ends() -> None:
    create = load("8.4").method("POST", "/nodes/{node}/lxc")
    assert create is not None
    assert create.property_of("dev255") is not None
    assert create.property_of("dev256") is None
    assert create.property_of("net00") is None
    assert create.property_of("entrypoint") is None
    modern = load("9.2").method("POST", "/nodes/{node}/lxc")
    assert modern is not None
    assert modern.property_of("entrypoint") is not None


def test_every_bad_parameter_is_named() -> None:
    create = load("8.4").method("POST", "/nodes/{node}/lxc")
    assert create is not None
    with pytest.raises(BadParameterError) as caught:
        check_parameters(
            create, {"node": "pve", "vmid": "100", "memory": "x", "dev0": "kfd", "foo": "1", "tags": {"a": 1}}
        )
    assert caught.value.errors is not None
    assert sorted(caught.value.errors) == ["dev0", "foo", "memory", "ostemplate", "tags"]
    assert caught.value.errors["tags"] == "type check ('string') failed - got HASH"


def test_json_values_become_text() -> None:
    assert [normalize(value) for value in (True, False, 7, 0.5, ["a", True])] == ["1", "0", "7", "0.5", ["a", "1"]]


def test_tables_are_made_without_words_for_people(tmp_path: Path) -> None:
    method = {
        "description": "secret prose",
        "parameters": {
            "properties": {
                "description": {"type": "string", "description": "prose", "default": "some long text"},
                "format": {"type": "string", "description": "prose", "format_description": "prose"},
                "dev[n]": {"format": {"path": {"format": "pve-lxc-dev-string", "description": "prose"}}},
            }
        },
        "returns": {"type": "string", "description": "prose"},
    }
    source, target = tmp_path / "dump.json", tmp_path / "table.json"
    source.write_text(json.dumps({"paths": {"/x": {"GET": method}}}), encoding="utf-8")
    assert generate.main([str(source), str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert "prose" not in text
    assert "long text" not in text
    assert json.loads(text)["GET /x"]["parameters"]["properties"] == {
        "description": {"type": "string"},
        "format": {"type": "string"},
        "dev[n]": {"format": {"path": {"format": "pve-lxc-dev-string"}}},
    }
