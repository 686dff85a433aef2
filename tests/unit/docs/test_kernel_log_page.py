"""docs/reference/checks/kernel_log.md has a row for every code of an event, with its severities, meaning and remedy."""

import re
from pathlib import Path

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rules import GPU_RULES, bus, host
from rocmox.health.kernel_log.rules.fault import VM_FAULT_KERNEL
from rocmox.health.kernel_log.words import words_for

PAGES = Path(__file__).parents[3] / "docs" / "reference" / "checks"
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| ([A-Z, ]+) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def test_the_page_names_every_code() -> None:
    severities: dict[str, set[Severity]] = {VM_FAULT_KERNEL: {Severity.FAIL}}
    for rule in (*GPU_RULES, *bus.RULES, *host.RULES):
        severities.setdefault(rule.code, set()).add(rule.severity)
    expected = {
        (
            code,
            ", ".join(severity.name for severity in sorted(found) if severity),
            words_for(code).meaning,
            words_for(code).remedy,
        )
        for code, found in severities.items()
        if found != {Severity.ATTR}
    }
    page = (PAGES / "kernel_log.md").read_text(encoding="utf-8")
    rows = {match.groups() for match in ROW.finditer(page.partition("## Codes of events")[2])}
    assert rows == expected
    details = {code for code, found in severities.items() if found == {Severity.ATTR}}
    assert sorted(code for code in details if f"`{code}`" not in page) == []


def test_the_pages_name_the_checks_own_codes() -> None:
    for name in ("kernel_log", "mes"):
        source = (Path(__file__).parents[3] / "src/rocmox/health/checks" / f"{name}.py").read_text(encoding="utf-8")
        page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        own = set(re.findall(rf'"({name.upper()}_[A-Z_]+[A-Z])"', source))
        assert sorted(code for code in own - {"MES_KIQ"} if f"`{code}`" not in page) == []
    queues = (Path(__file__).parents[3] / "src/rocmox/health/queues.py").read_text(encoding="utf-8")
    mes = (PAGES / "mes.md").read_text(encoding="utf-8")
    assert sorted(code for code in set(re.findall(r'"(QUEUES_[A-Z_]+[A-Z])"', queues)) if f"`{code}`" not in mes) == []
