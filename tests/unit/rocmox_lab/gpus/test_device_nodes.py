from rocmox_lab.gpus.nodes import DeviceNode, device_nodes
from rocmox_lab.gpus.profiles import profile_named


def test_a_bmc_takes_card0() -> None:
    nodes = {node.path: node for node in device_nodes(profile_named("mi50x3"))}
    assert nodes["/dev/kfd"] == DeviceNode(path="/dev/kfd", major=235, minor=0, group="render", mode=0o660)
    assert [path for path in nodes if "card" in path] == [f"/dev/dri/card{n}" for n in range(4)]
    assert [nodes[f"/dev/dri/renderD{n}"].minor for n in (128, 129, 130)] == [128, 129, 130]
    assert nodes["/dev/dri/card1"].group == "video"


def test_no_card_has_no_node() -> None:
    assert device_nodes(profile_named("none")) == []
