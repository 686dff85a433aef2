"""Masquerading for the lab, in an nftables table of its own, and a pass through foreign FORWARD chains.

A packet is forwarded when every base chain of the hook lets it pass: an `accept` in our table does not overrule a DROP
policy that Docker or ufw put into iptables' FORWARD chain. Where such a chain exists, two rules marked with the lab's
name go to its head; where none exists, none is made. Nobody behind the machine reaches into the lab: its node takes
root's password over SSH, its mirror takes what builds put into the compiler cache.
"""

from __future__ import annotations

import re

from rocmox.machine import Machine
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import LabState

_IPTABLES_VARIANTS = ("iptables-nft", "iptables-legacy")


def ruleset(table: str, *, bridge: str, subnet: str) -> str:
    """Nft script that (re)makes the table in one transaction."""
    return f"""\
table ip {table}
delete table ip {table}
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {subnet} ip daddr != {subnet} masquerade
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{bridge}" accept
        oifname "{bridge}" ct state established,related accept
        oifname "{bridge}" drop
    }}
}}
"""


def forward_rules(bridge: str, comment: str) -> tuple[tuple[str, ...], ...]:
    """The rules for a foreign FORWARD chain, without `-I FORWARD`."""
    mark = ("-m", "comment", "--comment", comment, "-j", "ACCEPT")
    return (
        ("-i", bridge, *mark),
        ("-o", bridge, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", *mark),
    )


def ensure_firewall(machine: Machine, state: LabState) -> None:
    """Set up the lab's rules; doing it again changes nothing."""
    places = LabPlaces(name=state.name)
    script = ruleset(places.firewall_table, bridge=state.bridge, subnet=state.subnet)
    machine.run(["nft", "-f", "-"], stdin=script.encode()).check(
        remedy="The kernel needs nf_tables with NAT (`nft list tables` must work)."
    )
    for variant in _IPTABLES_VARIANTS:
        if not _has_forward_chain(machine, variant):
            continue
        for rule in forward_rules(state.bridge, places.firewall_table):
            if machine.run([variant, "-w", "-C", "FORWARD", *rule]).exit_status:
                machine.run([variant, "-w", "-I", "FORWARD", *rule]).check()


def remove_firewall(machine: Machine, places: LabPlaces) -> None:
    """Take the lab's table and its marked rules away; nothing else."""
    if machine.run(["nft", "list", "table", "ip", places.firewall_table]).exit_status == 0:
        machine.run(["nft", "delete", "table", "ip", places.firewall_table]).check()
    for variant in _IPTABLES_VARIANTS:
        if not _has_forward_chain(machine, variant):
            continue
        for rule in forward_rules(places.bridge, places.firewall_table):
            while machine.run([variant, "-w", "-D", "FORWARD", *rule]).exit_status == 0:
                pass


def marked_rules(machine: Machine, mark: str) -> list[str]:
    """Rules of any lab (or one lab) in nftables and legacy iptables, as they are printed."""
    printed = machine.run(["nft", "list", "ruleset"]).stdout.splitlines()
    if machine.exists("/proc/net/ip_tables_names") and machine.read_bytes("/proc/net/ip_tables_names").strip():
        printed += machine.run(["iptables-legacy-save"]).stdout.splitlines()
    return [line.strip() for line in printed if re.search(mark, line)]


def _has_forward_chain(machine: Machine, variant: str) -> bool:
    """Whether somebody made the chain; asking iptables would make it."""
    if variant == "iptables-nft":
        return machine.run(["nft", "list", "chain", "ip", "filter", "FORWARD"]).exit_status == 0
    names = "/proc/net/ip_tables_names"
    return machine.exists(names) and b"filter" in machine.read_bytes(names).split()
