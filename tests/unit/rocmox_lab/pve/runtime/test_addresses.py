import json

from rocmox_lab.pve.runtime import addresses

OUTPUT = [
    {
        "ifname": "eth0",
        "address": "bc:24:11:00:00:01",
        "addr_info": [{"family": "inet", "local": "192.0.2.5", "prefixlen": 24}, {"family": "inet6"}],
    },
    {},
]


def test_interfaces_are_read_from_ips_json() -> None:
    (interface,) = addresses.parse(json.dumps(OUTPUT))
    assert (interface.name, interface.hwaddr) == ("eth0", "bc:24:11:00:00:01")
    assert [(each.address, each.prefix_length) for each in interface.addresses] == [("192.0.2.5", 24)]
