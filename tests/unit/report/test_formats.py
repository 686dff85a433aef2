"""Every format of health results, with names that no machine should have."""

import dataclasses
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocmox.errors import CommandError
from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict, seen
from rocmox.health.run import run_checks
from rocmox.machine import Completed, Machine
from rocmox.machine.captured import CapturedMachine
from rocmox.report.formats import FORMATS, HealthReport, render
from rocmox.report.terminal import painted, shows_symbols, wants_colour
from tests.exposition import parse_exposition

HOSTILE = '"><script>alert(1)</script>\x00\x1b[31m\\\n{}\ud800 --> ]]> \'" & 0000:03:00.0'
SUITE = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"}


def result(verdict: Verdict, *, check: str = "driver", subject: str = "0000:03:00.0") -> Result:
    return Result(
        check=check,
        code=f"DRIVER_{verdict.value}",
        verdict=verdict,
        subject=subject,
        summary=f"it is {verdict.value}",
        evidence=(seen("/sys/x", HOSTILE),),
        remedy="Do `this` & that.",
    )


@pytest.fixture
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context(machine=CapturedMachine(tmp_path_factory.mktemp("nowhere")))


def report(context: Context, *results: Result) -> HealthReport:
    return HealthReport(context=context, results=results, at_seconds=1_700_000_000.0)


def test_junit_has_the_common_shape(nowhere: Context) -> None:
    other = result(Verdict.FAIL, check="link", subject=HOSTILE)
    root = ET.fromstring(render("junit", report(nowhere, *map(result, Verdict), other)))  # noqa: S314 - our own text
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("7", "3", "1")
    assert [suite.get("name") for suite in root] == ["driver", "link"]
    for suite in root:
        assert set(suite.attrib) == SUITE
        assert suite.get("tests") == str(len(suite))
        for case in suite:
            assert case.tag == "testcase"
            assert set(case.attrib) == {"classname", "name", "time"}
            assert [child.tag for child in case] in ([], ["failure"], ["error"], ["skipped"], ["system-out"])
    by_name = {str(case.get("name")): case for case in root[0]}
    kinds = {name.split()[0]: [child.tag for child in case] for name, case in by_name.items()}
    assert kinds == {
        "DRIVER_PASS": [],
        "DRIVER_WARN": ["system-out"],
        "DRIVER_FAIL": ["failure"],
        "DRIVER_CRIT": ["failure"],
        "DRIVER_NOT_APPLICABLE": ["skipped"],
        "DRIVER_UNKNOWN": ["error"],
    }
    failure = root[0][2][0]
    assert (failure.get("type"), failure.get("message")) == ("FAIL", "it is FAIL")
    assert "remedy: Do `this` & that." in str(failure.text)


def test_metrics_are_read_back(nowhere: Context) -> None:
    name = HOSTILE.replace("\ud800", "")
    results = [*map(result, Verdict), result(Verdict.WARN, subject=name), result(Verdict.WARN, subject=name)]
    found = parse_exposition(render("prometheus", report(nowhere, *results)) + "\n")
    verdicts = {
        verdict: found.value(
            "rocmox_check_verdict", check="driver", subject="0000:03:00.0", code=f"DRIVER_{verdict.value}"
        )
        for verdict in Verdict
    }
    assert verdicts == {
        Verdict.NOT_APPLICABLE: -1,
        Verdict.PASS: 0,
        Verdict.WARN: 1,
        Verdict.UNKNOWN: 2,
        Verdict.FAIL: 3,
        Verdict.CRIT: 4,
    }
    assert found.value("rocmox_check_verdict", check="driver", subject=name, code="DRIVER_WARN") == 1
    assert found.value("rocmox_health_verdict") == 4
    assert found.value("rocmox_health_timestamp_seconds") == 1_700_000_000
    assert found.value("rocmox_health_results", verdict="WARN") == 3


def test_metrics_name_the_cards(gpu_machine: Callable[[str], Machine]) -> None:
    context = Context(machine=gpu_machine("mi50x3"))
    found = parse_exposition(render("prometheus", report(context, *run_checks(context, only=["driver"]))) + "\n")
    assert found.value("rocmox_gpu_link_lanes", pci_address="0000:03:00.0") > 0
    assert found.value("rocmox_gpu_temperature_celsius", pci_address="0000:03:00.0", sensor="junction") > 0


def test_a_spoilt_exposition_is_refused() -> None:
    for text in ("a 1\n", "# TYPE a gauge\na 1\na 1\n", '# TYPE a gauge\na{b="c" 1\n', "# TYPE a gauge\na 1"):
        with pytest.raises(ValueError, match=r"."):
            parse_exposition(text)


def test_the_journal_has_priorities(nowhere: Context) -> None:
    lines = render("journal", report(nowhere, *map(result, Verdict))).split("\n")
    assert [line[:3] for line in lines] == ["<4>", "<3>", "<2>", "<4>", "<5>"]
    assert lines[-1] == "<5>rocmox health: CRIT"


def test_colour_and_symbols_are_added_and_nothing_else(nowhere: Context) -> None:
    plain = report(nowhere, *map(result, Verdict))
    marked = dataclasses.replace(plain, symbols=True)
    coloured = dataclasses.replace(marked, colour=True)
    assert "\x1b" not in render("table", marked)
    assert painted("✗ FAIL", Verdict.FAIL) in render("table", coloured)
    for verdict in Verdict:
        assert verdict.value in render("table", plain)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(Terminal())
    assert shows_symbols(Terminal())
    assert not wants_colour(io.StringIO())
    assert not shows_symbols(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())


class Tags(HTMLParser):
    """Tags of a page, and the addresses it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "xlink:href"}]


def tags_of(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


@given(st.text(max_size=60), st.sampled_from(list(Verdict)))
@settings(max_examples=20, deadline=None)
def test_whatever_a_name_is_each_format_holds(text: str, verdict: Verdict) -> None:
    hostile = Result(
        check="driver",
        code="DRIVER_X",
        verdict=verdict,
        subject=text,
        summary=text,
        evidence=(seen(text, text),),
        remedy=text,
    )
    context = Context(machine=_Empty(text))
    made = {name: render(name, report(context, hostile)) for name in FORMATS}
    assert json.loads(made["json"])["results"][0]["summary"] == text
    assert ET.fromstring(made["junit"]).get("tests") == "1"  # noqa: S314 - our own text
    assert parse_exposition(made["prometheus"] + "\n").value("rocmox_health_results", verdict=verdict.value) == 1
    assert tags_of(made["html"]).tags & {"script", "img", "iframe", "link", "object"} == set()


class _Empty:
    """A machine that shows nothing and has an odd name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def list_directory(self, path: str) -> list[str]:
        raise FileNotFoundError(2, "not here", path)

    def read_bytes(self, path: str) -> bytes:
        raise FileNotFoundError(2, "not here", path)

    def resolve_link(self, path: str) -> str:
        return path

    def exists(self, path: str) -> bool:
        return not path

    def run(self, argv: Sequence[str], **_more: object) -> Completed:
        raise CommandError(argv, exit_status=None, reason="nothing runs here")
