import dataclasses

from rocmox_lab.pve.runtime.setup import interfaces_file, networkd_file
from tests.unit.rocmox_lab.pve.runtime.guests import NET0

STATIC = "auto eth0\niface eth0 inet static\n\taddress 10.99.0.100/24\n\tgateway 10.99.0.1\n"


def test_an_empty_file_gets_loopback_and_the_interface() -> None:
    assert interfaces_file.render("", [NET0]) == f"auto lo\niface lo inet loopback\n\n{STATIC}"


def test_writing_twice_changes_nothing() -> None:
    once = interfaces_file.render("# kept\nsource /etc/network/interfaces.d/*\n", [NET0])
    assert interfaces_file.render(once, [NET0]) == once
    assert "# kept" in once


def test_other_interfaces_stay() -> None:
    own = "auto wg0\niface wg0 inet manual\n\tpre-up wg-quick up wg0\n"
    assert own in interfaces_file.render(STATIC.replace("10.99.0.100", "192.0.2.1") + "\n" + own, [NET0])
    assert "192.0.2.1" not in interfaces_file.render(STATIC.replace("10.99.0.100", "192.0.2.1"), [NET0])


def test_dhcp_and_manual() -> None:
    network = dataclasses.replace(NET0, ip="dhcp", gateway=None, ip6="auto")
    text = interfaces_file.render("", [network])
    assert "iface eth0 inet dhcp\n" in text
    assert "iface eth0 inet6 auto\n" in text


def test_a_gateway_outside_the_network_gets_a_route_of_its_own() -> None:
    text = interfaces_file.render("", [dataclasses.replace(NET0, gateway="192.0.2.1")])
    assert "\tpost-up ip route add 192.0.2.1 dev eth0\n" in text
    assert interfaces_file.render(text, [NET0]).count("post-up") == 0


def test_networkd_file() -> None:
    text = networkd_file.render(dataclasses.replace(NET0, ip6="dhcp"))
    assert "Address = 10.99.0.100/24\nGateway = 10.99.0.1\nDHCP = ipv6\n" in text
    assert networkd_file.path(NET0) == "/etc/systemd/network/eth0.network"
