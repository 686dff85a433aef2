"""`rocmox bench` on the lab's CPU build: every table and plot filled by a real run, and the page looked at."""

import dataclasses
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from rocmox.bench.history import compare_with_former
from rocmox.bench.store import Run as BenchRun
from rocmox.bench.store import load_all, save
from rocmox.engines.engine import MeasurementPlan
from rocmox.engines.llamacpp.bench.run import run_plan
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine
from rocmox.report.bench import HEADINGS, run_rows, to_markdown
from rocmox.report.bench_page import to_html
from tests.end_to_end.chat_browser import CHROMIUM, FLAGS
from tests.end_to_end.conftest import ROOT, Run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]
MODELS = "/var/lib/llama-models"
PLAN = MeasurementPlan(
    model="",
    programs="/opt/llama.cpp/current/bin",
    split_modes=("layer",),
    parallel=(1, 2, 4),
    depths_tokens=(0, 256),
    prompt_tokens=64,
    generate_tokens=16,
    batched_prompt_tokens=32,
    repetitions=3,
    batched_repetitions=2,
    threads=1,  # two would wait for each other where other work shares the processors
)


@pytest.fixture(scope="module")
def guest(lab: dict[str, str], site: Run) -> ContainerMachine:
    assert site.exit_status == 0
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    return ContainerMachine(SshMachine(f"root@{lab['node_address']}", options=options), 101)


@pytest.fixture(scope="module")
def runs(guest: ContainerMachine, tmp_path_factory: pytest.TempPathFactory) -> list[BenchRun]:
    store = tmp_path_factory.mktemp("bench")
    # the role puts a part of the checksum into the name
    (name,) = [name for name in guest.list_directory(MODELS) if name.startswith("tiny-") and name.endswith(".gguf")]
    plan = dataclasses.replace(PLAN, model=f"{MODELS}/{name}")
    for _ in range(2):
        save(run_plan(plan, guest, tell=print, timeout_seconds=600), store)
    return load_all(store)


def test_both_benches_fill_every_column(runs: list[BenchRun]) -> None:
    run = runs[-1]
    assert len(run.measurements) == 2 * 2 + 2 * 3
    assert run.failures == ()
    assert all(one.tokens_per_second > 0 for one in run.measurements)
    assert all(len(one.samples) == PLAN.repetitions for one in run.measurements if one.tool == "llama-bench")
    assert run.surroundings.engine.commit
    assert run.surroundings.processor
    assert all(row[HEADINGS.index("of the limit")].endswith("%") for row in run_rows(run))
    assert "tiny" in to_markdown(run) or "llama" in to_markdown(run)


def test_the_page_shows_every_table_and_plot(runs: list[BenchRun]) -> None:
    page_file = ROOT / "artifacts/bench.html"
    page_file.parent.mkdir(exist_ok=True)
    page_file.write_text(to_html(runs[-1], compare_with_former(runs[-1], runs[:-1]), runs), encoding="utf-8")
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.on("console", lambda message: errors.append(message.text))
        page.on("request", lambda request: errors.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(page_file.as_uri())
        assert page.locator(".plots svg").count() == 7
        assert page.locator("tbody tr").count() == 2 * len(runs[-1].measurements)
        page.screenshot(path=ROOT / "artifacts/bench.png", full_page=True)
        browser.close()
    assert errors == []
    assert Path(ROOT / "artifacts/bench.png").stat().st_size > 0
