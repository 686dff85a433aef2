"""Generated wishes: sites of up to three containers, every field within what Proxmox VE takes."""

from typing import Any

from hypothesis import strategies as st

from .worlds import CARDS

ADDRESSES = [card.pci_address for card in CARDS]
VMIDS = st.integers(100, 104)
Entry = dict[str, Any]


def entry(vmid: int) -> st.SearchStrategy[Entry]:
    """One entry of `gpu_containers`; `unprivileged` follows from the VMID, since nothing changes it later."""
    return st.fixed_dictionaries(
        {
            "vmid": st.just(vmid),
            "hostname": st.sampled_from([f"guest{vmid}", f"renamed{vmid}.example.org"]),
            "gpus": st.one_of(
                st.just("all"), st.just("gfx906"), st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=2)
            ),
            "cores": st.integers(1, 64),
            "memory_mib": st.integers(16, 65536),
            "disk_gib": st.integers(1, 5),
            "storage": st.just("local"),
            "template": st.just("debian-12-standard"),
            "unprivileged": st.just(vmid % 4 != 0),
            "nameserver": st.sampled_from(["", "192.0.2.1", "192.0.2.1 192.0.2.2"]),
            "nesting": st.booleans(),
            "onboot": st.booleans(),
        },
        optional={"ip": st.sampled_from(["dhcp", f"192.0.2.{vmid}/24"])},
    )


def site() -> st.SearchStrategy[list[Entry]]:
    """Up to three containers with different VMIDs."""
    chosen = st.lists(VMIDS, unique=True, max_size=3)
    return chosen.flatmap(lambda vmids: st.tuples(*(entry(vmid) for vmid in vmids)).map(list))


def grown_from(first: list[Entry], second: list[Entry]) -> list[Entry]:
    """The second site with disks that do not shrink."""
    sizes = {wish["vmid"]: wish["disk_gib"] for wish in first}
    return [wish | {"disk_gib": max(wish["disk_gib"], sizes.get(wish["vmid"], 0))} for wish in second]
