from rocmox_lab.pve.runtime.setup import names
from rocmox_lab.pve.runtime.setup.names import Resolver
from tests.unit.rocmox_lab.pve.runtime.guests import GPU1, changed

NODE = Resolver(search=("example.org",), servers=("192.0.2.53",))


def test_the_nodes_resolver() -> None:
    text = "# x\nsearch a.example b.example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"
    assert names.parse_resolv_conf(text) == Resolver(
        search=["a.example", "b.example"], servers=["192.0.2.1", "192.0.2.2"]
    )


def test_a_guest_inherits_what_it_does_not_set() -> None:
    assert names.resolver_of(GPU1, NODE) == NODE
    own = names.resolver_of(changed(nameserver="192.0.2.9 192.0.2.10"), NODE)
    assert own == Resolver(search=("example.org",), servers=("192.0.2.9", "192.0.2.10"))


def test_resolv_conf() -> None:
    assert names.resolv_conf_text(NODE) == "search example.org\nnameserver 192.0.2.53\n"


def test_hosts_name_the_guest_by_its_address() -> None:
    assert names.hosts_section(GPU1, NODE).splitlines()[-1] == "10.99.0.100 gpu1.example.org gpu1"
    assert names.hosts_section(changed(hostname="a.b.c"), NODE).splitlines()[-1] == "10.99.0.100 a.b.c a"
    assert names.hosts_section(changed(networks=()), Resolver()).splitlines()[-1] == "127.0.1.1 gpu1"
