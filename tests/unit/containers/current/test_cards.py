import json

import pytest

from rocmox.containers.current.cards import cards_from_report
from rocmox.containers.plan.cards import DesiredDevice, desired_devices
from rocmox.errors import UsageError

ENTRY = {
    "pci_address": "0000:03:00.0",
    "architecture": "gfx906",
    "card_path": "/dev/dri/card1",
    "render_path": "/dev/dri/renderD128",
    "vbios": "113-D1631700-111",
}


def test_the_report_is_found_among_what_a_terminal_mixes_in() -> None:
    text = f"Warning: Permanently added\r\n{json.dumps({'gpus': [ENTRY]})}\r\nrocmox: a word on stderr\r\n"
    assert [card.render_path for card in cards_from_report(text)] == ["/dev/dri/renderD128"]


@pytest.mark.parametrize("text", ["", "python3: not found", '{"cards": []}', '{"gpus": [{"pci": 1}]}'])
def test_anything_else_is_shown(text: str) -> None:
    with pytest.raises(UsageError, match="not what `rocmox gpus --json` prints"):
        cards_from_report(text)


def test_a_card_brings_kfd_and_both_its_nodes() -> None:
    cards = cards_from_report(json.dumps({"gpus": [ENTRY]}))
    assert desired_devices(cards) == (
        DesiredDevice(path="/dev/kfd", group="render"),
        DesiredDevice(path="/dev/dri/renderD128", group="render"),
        DesiredDevice(path="/dev/dri/card1", group="video"),
    )
    assert desired_devices(()) == ()
