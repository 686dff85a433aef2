import json
from pathlib import Path

import pytest

from rocmox.errors import UsageError
from rocmox.health.context import Context, Service
from rocmox.health.request import context_for, parse_service


def request(host_facts: str | None = None, vmid: int | None = None) -> Context:
    return context_for(machine_address="local", device_user=None, host_facts=host_facts, vmid=vmid, services=[])


def test_a_service() -> None:
    assert parse_service("a=http://h:1/health?x=y") == Service(name="a", url="http://h:1/health?x=y")


@pytest.mark.parametrize("text", ["", "a", "a=", "=http://h", "a=ftp://h", "a=h:1"])
def test_a_service_of_another_form_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        parse_service(text)


def test_facts_and_vmid_belong_together() -> None:
    with pytest.raises(UsageError, match="belong together"):
        request(vmid=101)


@pytest.mark.parametrize("content", ["", "{", "\x00"])
def test_facts_that_are_no_json_are_wrong_usage(tmp_path: Path, content: str) -> None:
    (tmp_path / "facts").write_text(content)
    with pytest.raises(UsageError, match="--host-facts"):
        request(str(tmp_path / "facts"), 101)


def test_facts_are_read(tmp_path: Path) -> None:
    container = {"vmid": 101, "devices": []}
    (tmp_path / "facts").write_text(json.dumps({"constructed": False, "gpus": [], "containers": [container]}))
    context = request(str(tmp_path / "facts"), 101)
    assert context.passthrough is not None
    assert (context.passthrough.vmid, context.passthrough.devices) == (101, ())
