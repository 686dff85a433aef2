import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.facts.served import parse_unit, read_units
from rocmox.machine.captured import CapturedMachine

UNIT = """[Service]
ExecStart=/opt/llama.cpp/current/bin/llama-server \\
    "--model" "/var/lib/a model.gguf" \\
    "--host" "10.0.0.5" \\
    "--port" "8081" \\
    --api-key-file "${CREDENTIALS_DIRECTORY}/api-key"
User=llama
# SupplementaryGroups=none
SupplementaryGroups=render video
"""


def test_a_unit_tells_where_and_as_whom() -> None:
    unit = parse_unit("llama-server@tiny", UNIT)
    assert (unit.health_url, unit.user, unit.groups) == ("http://10.0.0.5:8081/health", "llama", ("render", "video"))
    assert unit.computes


ANY = "0.0.0.0"  # noqa: S104 - read, not listened on


@pytest.mark.parametrize(("host", "asked"), [(ANY, "127.0.0.1"), ("::", "[::1]"), ("10.0.0.5", "10.0.0.5")])
def test_any_address_is_asked_on_this_machine(host: str, asked: str) -> None:
    unit = parse_unit("open-webui", f"ExecStart=open-webui serve --host {host} --port 80\n")
    assert unit.health_url == f"http://{asked}:80/health"
    assert not unit.computes


@pytest.mark.parametrize("command", ["", "x --port", "x --port no", "x --port 0", "x --port 70000", "x 'open"])
def test_a_unit_without_a_port_has_its_reason(command: str) -> None:
    with pytest.raises(CannotLookError):
        parse_unit("open-webui", f"ExecStart={command}\n")


@given(st.text())
def test_any_text_is_a_unit_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(CannotLookError):
        assert parse_unit("open-webui", text).port


def test_installed_units_are_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("guest")
    folder = root / "etc" / "systemd" / "system"
    folder.mkdir(parents=True)
    (folder / "llama-server@tiny.service").write_text(UNIT)
    (folder / "llama-server@broken.service").write_text("[Service]\n")
    (folder / "llama-server@.service").write_text(UNIT)
    (folder / "other.service").write_text(UNIT)
    assert [unit.name for unit in read_units(CapturedMachine(root))] == ["llama-server@tiny"]
    assert read_units(CapturedMachine(tmp_path_factory.mktemp("empty"))) == []
