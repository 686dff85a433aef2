"""The node watches its cards: the timer's service, metrics, what guests are told, the play's remedies, hooks on CRIT.

VMID 197 is ours. A node that site.yml had made watch before is left as site.yml left it.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.machine.container import ContainerMachine
from rocmox.machine.local import LocalMachine
from rocmox.machine.ssh import SshMachine
from rocmox.zipapp_builder import build
from rocmox_lab.faults import records, registry
from rocmox_lab.faults.target import target_of_lab
from tests.end_to_end.conftest import LAB, ROOT, play
from tests.exposition import Samples, parse_exposition

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

VMID = 197
HOOKED = "/root/on-crit"
PROGRAM = "/root/rocmox-told.pyz"
TIMER = "/etc/systemd/system/rocmox-health.timer"
METRICS = "/var/lib/prometheus/node-exporter/rocmox.prom"
HOOK = json.dumps({"gpu_health_on_crit_commands": [["sh", "-c", f'echo "$ROCMOX_CODES $ROCMOX_SUBJECTS" >> {HOOKED}']]})
CHECK = ("--limit", "pve_hosts")
CARD = "0000:03:00.0"


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[SshMachine]:
    """The lab's node, watching, with a hook that writes a line."""
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    machine = SshMachine(f"root@{lab['node_address']}", options=options)
    clear_faults()
    was_there = sh(machine, f"ls {TIMER} 2>/dev/null || true")
    done = play(*CHECK, "-e", HOOK, playbook="playbooks/check_health.yml")
    assert done.exit_status == 0, done.output[-3000:]
    yield machine
    clear_faults()
    sh(machine, f"rm -f {HOOKED}")
    if was_there:
        play(*CHECK, playbook="playbooks/check_health.yml")


@pytest.fixture(scope="module")
def guest(node: SshMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerMachine]:
    """A running unprivileged Debian 13 guest that holds the first card."""
    if "debian-13-standard" not in sh(node, "pveam list local"):
        sh(node, "pveam download local $(pveam available --section system | grep -o 'debian-13-standard[^ ]*')")
    template = re.search(r"\S*debian-13-standard\S*", sh(node, "pveam list local"))
    assert template
    settings = "--hostname watched --rootfs local:2 --unprivileged 1 --memory 256 --features nesting=1"
    sh(node, f"pct create {VMID} {template[0]} {settings} --dev0 /dev/dri/renderD128 && pct start {VMID}")
    machine = ContainerMachine(node, VMID)
    target = tmp_path_factory.mktemp("guest") / "rocmox.pyz"
    build(target)
    put(machine, target)
    yield machine
    sh(node, f"pct stop {VMID}; pct destroy {VMID}")


def put(machine: ContainerMachine, source: Path) -> None:
    machine.run(["sh", "-c", f"cat > {PROGRAM}"], stdin=source.read_bytes(), timeout_seconds=120).check()


def sh(machine: SshMachine, command: str) -> str:
    return machine.run(["sh", "-c", command], timeout_seconds=300).check().stdout


def clear_faults() -> None:
    records.clear_all(target_of_lab(LocalMachine(root="/"), LAB))


def set_fault(name: str, *words: str) -> None:
    fault = registry.find_fault(name)
    records.set_fault(target_of_lab(LocalMachine(root="/"), LAB), fault, fault.read(words))


def watch_once(node: SshMachine) -> None:
    """The timer's service runs to its end, and what follows it."""
    sh(node, "systemctl start rocmox-health.service && systemctl start rocmox-react.service")


def metrics(node: SshMachine) -> Samples:
    return parse_exposition(sh(node, f"cat {METRICS}"))


def told(guest: ContainerMachine) -> dict[str, tuple[str, str]]:
    """Subject → verdict and summary of what the check `node` says in the guest."""
    done = guest.run(["python3", "-I", PROGRAM, "health", "--json", "--only=node"])
    assert done.exit_status in {0, 1, 2}, done.stderr
    return {one["subject"]: (one["verdict"], one["summary"]) for one in json.loads(done.stdout)["results"]}


def hooked(node: SshMachine) -> list[str]:
    return sh(node, f"cat {HOOKED} 2>/dev/null || true").splitlines()


def test_the_timer_runs_the_checks(node: SshMachine) -> None:
    assert sh(node, "systemctl is-active rocmox-health.timer rocmox-kernel-log.service").split() == ["active"] * 2
    for _ in range(60):
        if sh(node, f"test -e {METRICS} && echo there || true"):
            break
        time.sleep(1)
    found = metrics(node)
    assert found.value("rocmox_health_verdict") == 0
    assert found.value("rocmox_check_verdict", check="driver", subject=CARD, code="DRIVER_OK") == 0


def test_a_guest_is_told_and_cannot_lead_back(node: SshMachine, guest: ContainerMachine) -> None:
    watch_once(node)
    ((verdict, summary),) = told(guest).values()
    assert verdict == "PASS"
    assert summary.startswith("the node found nothing wrong")
    stat = guest.run(["stat", "--format=%U %a", "/run/rocmox/host-health.json"]).check().stdout
    assert stat.split() == ["root", "444"]
    guest.run(
        ["sh", "-c", "rm /run/rocmox/host-health.json && ln -s /etc/hostname /run/rocmox/host-health.json"]
    ).check()
    before = sh(node, "cat /etc/hostname")
    watch_once(node)
    assert sh(node, "cat /etc/hostname") == before
    assert [verdict for verdict, _ in told(guest).values()] == ["PASS"]


def test_a_fault_reaches_everyone_and_the_hook_fires_once(node: SshMachine, guest: ContainerMachine) -> None:
    set_fault("gpu-tree", "what=hot", "card=0")
    watch_once(node)
    watch_once(node)
    assert metrics(node).value("rocmox_check_verdict", check="thermal", subject=CARD, code="THERMAL_CRITICAL") == 4
    verdict, summary = told(guest)[CARD]
    assert verdict == "CRIT"
    assert "THERMAL_CRITICAL" in summary
    assert hooked(node) == [f"THERMAL_CRITICAL {CARD}"]
    loud = sh(node, "journalctl -u rocmox-react.service -p crit -o cat --no-pager")
    assert f"CRIT THERMAL_CRITICAL {CARD}" in loud


def test_the_play_ends_with_the_remedy(node: SshMachine) -> None:
    done = play(*CHECK, "-e", HOOK, playbook="playbooks/check_health.yml")
    assert done.exit_status != 0
    assert "THERMAL_CRITICAL" in done.output
    assert "Stop the load now" in done.output
    assert len(hooked(node)) == 1


def test_what_is_over_is_forgotten_and_acted_upon_again(node: SshMachine, guest: ContainerMachine) -> None:
    clear_faults()
    watch_once(node)
    assert [verdict for verdict, _ in told(guest).values()] == ["PASS"]
    set_fault("gpu-tree", "what=hot", "card=0")
    watch_once(node)
    assert len(hooked(node)) == 2
    clear_faults()


def test_it_can_be_taken_away(node: SshMachine) -> None:
    done = play(playbook="tests/end_to_end/watch_no_more.yml")
    assert done.exit_status == 0, done.output[-3000:]
    assert (ROOT / "playbooks/remove_site.yml").read_text().count("gpu_health_state: absent") == 1
    units = " ".join(f"/etc/systemd/system/rocmox-{name}.*" for name in ("health", "react", "kernel-log"))
    left = sh(node, f"ls -d {units} /usr/local/bin/rocmox /var/lib/rocmox/health.* 2>/dev/null || true")
    assert left == ""
    assert (
        sh(node, "systemctl is-active rocmox-health.timer rocmox-kernel-log.service || true").split()
        == ["inactive"] * 2
    )
