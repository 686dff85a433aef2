"""A real Vulkan build by the role in a Debian 13 guest: without a card, and computing on Mesa's software device.

VMID 177 is ours. llama.cpp does not take Mesa's software device (lavapipe) by itself; GGML_VK_VISIBLE_DEVICES makes it.
"""

import json
import time
from collections.abc import Iterator

import pytest

from rocmox.engines.llamacpp.serving.guest.tiny_model import SENTENCE
from tests.end_to_end.built_guest import PROGRAM, UNIT, BuiltGuest
from tests.end_to_end.conftest import Run

pytestmark = [pytest.mark.lab, pytest.mark.soak, pytest.mark.timeout(7200)]
B6170 = {"release": "0.3.16", "llama_cpp_version": "b6170", "llama_cpp_backend": "vulkan"}
VERDICT = "no GPU is visible to Vulkan in this guest"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/software-device.conf"
LONGER_THAN_RESTART_SECONDS = 8


@pytest.fixture(scope="module")
def guest(lab: dict[str, str]) -> Iterator[BuiltGuest]:
    guest = BuiltGuest(lab=lab, vmid=177, disk_gib=12)
    created = guest.play("create_containers")
    assert created.exit_status == 0, created.output[-3000:]
    yield guest
    guest.play("remove_site", remove_site_confirm="yes")


@pytest.fixture(scope="module")
def built(guest: BuiltGuest) -> Run:
    return guest.serve(**B6170, llama_cpp_require_gpu=False)


def flat(run: Run) -> str:
    return " ".join(run.output.split())


def test_it_is_built_and_the_processor_serves_where_that_is_allowed(built: Run, guest: BuiltGuest) -> None:
    assert built.exit_status == 0, built.output[-4000:]
    assert "it computes on the PROCESSOR" in flat(built)
    assert "libvulkan.so.1" in guest.run(f"ldd {PROGRAM}")
    assert "GGML_VULKAN=ON" in json.loads(guest.run("cat /opt/llama.cpp/current/build.json"))["options"]
    assert guest.answer() == SENTENCE


def test_where_a_card_is_required_it_says_so_once(built: Run, guest: BuiltGuest) -> None:
    assert built.exit_status == 0
    refused = guest.serve(**B6170)
    assert refused.exit_status != 0
    assert f"does not serve: its unit stopped: {VERDICT}." in flat(refused)
    assert "without a driver behind it" in flat(refused)
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    assert guest.state() == {"ActiveState": "failed", "NRestarts": "0", "ExecMainStatus": "69"}


def test_row_split_is_refused_before_anything_changes(built: Run, guest: BuiltGuest) -> None:
    assert built.exit_status == 0
    refused = guest.serve(**B6170, llama_cpp_split_mode="row")
    assert refused.exit_status != 0
    assert "split_mode row does not exist in llama.cpp's Vulkan backend" in flat(refused)
    assert not any(refused.changed.values())


def test_it_computes_on_a_vulkan_device(built: Run, guest: BuiltGuest) -> None:
    assert built.exit_status == 0
    lines = "[Service]\\nEnvironment=GGML_VK_VISIBLE_DEVICES=0\\n"
    guest.run(f"mkdir -p {DROP_IN.rpartition('/')[0]}; printf '{lines}' >{DROP_IN}")
    guest.run(f"systemctl daemon-reload; systemctl reset-failed {UNIT}; journalctl --rotate --vacuum-time=1s")
    served = guest.serve(**B6170)
    assert served.exit_status == 0, served.output[-4000:]
    assert "PROCESSOR" not in served.output
    journal = guest.run(f"journalctl --unit {UNIT} --output cat")
    assert "using device Vulkan0 (llvmpipe" in journal
    assert "offloaded 3/3 layers to GPU" in journal
    assert guest.answer() == SENTENCE
    again = guest.serve(**B6170)
    assert (again.exit_status, any(again.changed.values())) == (0, False), again.output[-3000:]
