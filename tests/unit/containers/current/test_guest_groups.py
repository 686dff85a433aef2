from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.guest_groups import parse_guest_groups


def test_ids_by_guest() -> None:
    text = "101 render:x:993:ollama\r\n101 video:x:44:\r\nlxc-attach: 102: no\r\n102 video:x:44:\r\n"
    assert parse_guest_groups(text) == {101: GroupIds(render=993, video=44)}


def test_nothing_read_is_nothing_known() -> None:
    assert parse_guest_groups("") == {}
