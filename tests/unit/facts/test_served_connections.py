import dataclasses
from pathlib import Path

from rocmox.facts.served import FOLDER, Served, to_json
from rocmox.facts.served_connections import read_connections
from rocmox.machine.captured import CapturedMachine
from tests.unit.facts.test_served import ANY, TINY


def guest(root: Path, *served: Served) -> CapturedMachine:
    folder = root / FOLDER.lstrip("/")
    folder.mkdir(parents=True)
    for one in served:
        (folder / f"{one.name}.json").write_text(to_json(one))
    return CapturedMachine(root)


def test_servers_of_models_are_connections_in_the_order_of_their_ports(tmp_path: Path) -> None:
    key = tmp_path / TINY.api_key_file.lstrip("/")
    key.parent.mkdir(parents=True)
    key.write_text("a-key\n")
    page = Served(engine="open_webui", name="page", unit="open-webui.service", host="10.0.0.5", port=80)
    open_to_all = dataclasses.replace(TINY, name="a", port=8082, api_key_file="", host=ANY)
    answer = read_connections(guest(tmp_path, open_to_all, TINY, page))
    assert answer["problems"] == []
    first, second = answer["connections"]
    assert first == {
        "url": "http://10.0.0.5:8081/v1",
        "api_key": "a-key",
        "probe": "http://10.0.0.5:8081/props",
    }
    assert second["api_key"] == ""
    assert ANY not in second["url"]  # another guest is told an address that it can reach


def test_a_key_that_cannot_be_read_and_an_earlier_unit_are_problems(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "llama-server@old.service").write_text("Environment=ROCMOX_CONFIGURATION=abc\n")
    answer = read_connections(guest(tmp_path, TINY))
    assert answer["connections"] == []
    assert "llama-server@tiny: its API key cannot be read: /etc/llama-server/api-key" in answer["problems"][0]
    assert "llama-server@old.service has no descriptor" in answer["problems"][1]
