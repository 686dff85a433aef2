"""playbooks/benchmark.yml in the lab's guest: refuses, measures, compares with the time before, and survives a kill."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rocmox.bench.history import Former, before, compare_with_former
from rocmox.bench.store import Run as BenchRun
from rocmox.bench.store import load_all
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine
from tests.end_to_end.conftest import BIN, ROOT, Run, environment, play
from tests.end_to_end.longer_model import packed
from tests.end_to_end.test_llama_cpp import UNIT, in_guest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]
PLAYBOOK = "playbooks/benchmark.yml"
MODEL = "/var/lib/llama-models/longer.gguf"
OTHER_PROGRAMS = "/opt/llama.cpp/other"
SMALL = {
    "benchmark_models": [MODEL],
    "benchmark_stop_service": True,
    "benchmark_threads": 1,  # two would wait for each other where other work shares the processors
    "benchmark_parallel": [1, 2],
    "benchmark_depths": [0],
    "benchmark_prompt_tokens": 128,
    "benchmark_batched_prompt_tokens": 32,
    "benchmark_generate_tokens": 64,
    "benchmark_repetitions": 5,
    "benchmark_on_slower": "fail",
}
LONG = 200
"""Repetitions that outlast the start of the next play."""
# A tenth of the time is left to the benches: what another guest's work or a throttling card does to them.
BRAKE = """
import os, pathlib, signal, time
def benches():
    for entry in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if entry.read_text().startswith(("llama-bench", "llama-batched")):
                yield int(entry.parent.name)
        except OSError:
            pass
def send(number):
    for process in benches():
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass
while True:
    send(signal.SIGSTOP); time.sleep(0.09); send(signal.SIGCONT); time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def guest(lab: dict[str, str], site: Run) -> Iterator[ContainerMachine]:
    """llm1 with a model that takes long enough to be measured."""
    assert site.exit_status == 0
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    machine = ContainerMachine(SshMachine(f"root@{lab['node_address']}", options=options), 101)
    machine.run(["sh", "-c", f"gzip -d > {MODEL} && chmod a+r {MODEL}"], stdin=packed()).check()
    yield machine
    machine.run(["rm", "-rf", MODEL, OTHER_PROGRAMS]).check()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def measured(guest: ContainerMachine, reports: Path) -> Run:
    """The first run of the play."""
    assert guest.exists(MODEL)
    return measure(reports)


def measure(reports: Path, **more: object) -> Run:
    variables = {**SMALL, "benchmark_reports_directory": str(reports), **more}
    return play("-e", json.dumps(variables), playbook=PLAYBOOK)


def newest(reports: Path) -> tuple[BenchRun, Former | None]:
    """The newest run on the controller, and what it was held against."""
    runs = load_all(reports / "llm1")
    return runs[-1], compare_with_former(runs[-1], before(runs[-1], runs))


def slower(reports: Path) -> list[str]:
    former = newest(reports)[1]
    return [pair.after.title() for pair in former.comparisons if pair.change == "slower"] if former else []


def is_as_it_was() -> bool:
    """The server runs again and nothing of the measurement is left in the guest."""
    left = in_guest("ls -d /var/lib/rocmox-benchmark /run/systemd/system/rocmox-benchmark.service 2>/dev/null || true")
    return (in_guest(f"systemctl is-active {UNIT}"), left) == ("active", "")


@contextmanager
def braked(guest: ContainerMachine) -> Iterator[None]:
    guest.run(["systemd-run", "--unit=brake", "python3", "-c", BRAKE]).check()
    try:
        yield
    finally:
        guest.run(["systemctl", "stop", "brake"]).check()


def is_measuring(guest: ContainerMachine) -> bool:
    """Whether the unit of a killed play runs, or begins to within five seconds."""
    for _ in range(10):
        state = guest.run(["systemctl", "show", "--property=ActiveState", "--value", "rocmox-benchmark"]).stdout.strip()
        if state == "activating":
            return True
        time.sleep(0.5)
    return False


def test_a_check_says_what_would_be_measured_and_changes_nothing(guest: ContainerMachine, reports: Path) -> None:
    assert guest.exists(MODEL)
    looked = play("--check", "--diff", playbook=PLAYBOOK)
    assert looked.exit_status == 0, looked.output[-4000:]
    assert looked.changed["llm1"] == 0
    said = " ".join(looked.output.split())
    assert "Would refuse, because llama-server@tiny.service runs and benchmark_stop_service is false" in said
    assert "/var/lib/llama-models/tiny" in said
    variables = json.dumps({**SMALL, "benchmark_reports_directory": str(reports)})
    allowed = play("--check", "--diff", "-e", variables, playbook=PLAYBOOK)
    assert (allowed.exit_status, allowed.changed["llm1"]) == (0, 0)
    assert f"Would stop llama-server@tiny.service, measure {MODEL}, start it again" in " ".join(allowed.output.split())
    assert is_as_it_was()


def test_it_refuses_while_a_server_runs(guest: ContainerMachine) -> None:
    assert guest.exists(MODEL)
    refused = play(playbook=PLAYBOOK)
    assert refused.exit_status != 0
    assert refused.changed["llm1"] == 0
    assert "benchmark_stop_service=true" in " ".join(refused.output.split())


def test_it_measures_and_leaves_nothing(measured: Run, reports: Path) -> None:
    assert measured.exit_status == 0, measured.output[-4000:]
    assert sorted(path.suffix for path in (reports / "llm1").iterdir()) == [".html", ".json", ".md"]
    run, former = newest(reports)
    assert (run.surroundings.machine, len(run.measurements), former) == ("llm1", 2 + 2 * 2, None)
    assert (run.failures, run.surroundings.cards) == ((), ())
    assert "GGML_NATIVE=OFF" in run.surroundings.engine.options
    assert is_as_it_was()


def test_a_second_run_is_held_against_the_first(measured: Run, reports: Path) -> None:
    """The play ends with an error exactly when something is slower beyond the noise: other work may make it so."""
    assert measured.exit_status == 0
    again = measure(reports)
    run, former = newest(reports)
    assert former
    assert (former.differences, len(former.comparisons)) == ((), len(run.measurements))
    assert (again.exit_status != 0) == bool(slower(reports)), again.output[-4000:]
    assert "Against " in next(iter(sorted((reports / "llm1").glob("*.md"), reverse=True))).read_text()


def test_a_slower_run_ends_the_play(measured: Run, guest: ContainerMachine, reports: Path, tmp_path: Path) -> None:
    """Against the first run alone: where two equal runs differ by a factor, not even this would be beyond noise."""
    assert measured.exit_status == 0
    (tmp_path / "llm1").mkdir()
    shutil.copy(min((reports / "llm1").glob("*.json")), tmp_path / "llm1")
    with braked(guest):
        done = measure(tmp_path, benchmark_parallel=[1], benchmark_repetitions=3)
    assert done.exit_status != 0, done.output[-4000:]
    assert "slower than in" in done.output
    found = slower(tmp_path)
    assert {"bench: prefill 128, split layer, 1 thread", "bench: decode 64, split layer, 1 thread"} & set(found)
    assert is_as_it_was()


@pytest.mark.soak
def test_an_equal_run_does_not_end_it(measured: Run, reports: Path, tmp_path: Path) -> None:
    """Five pairs of equal runs on a machine that does nothing else: none is called slower."""
    assert measured.exit_status == 0
    assert reports.exists()
    codes = [measure(tmp_path).exit_status for _ in range(6)]
    assert codes == [0] * 6


@pytest.mark.soak
def test_another_build_is_not_compared(measured: Run, guest: ContainerMachine, reports: Path) -> None:
    """The same programs braked, in a folder whose build.json names another option: slower, and not held against it."""
    assert measured.exit_status == 0
    copy = f"cp -aL /opt/llama.cpp/current {OTHER_PROGRAMS} && sed -i 's/GGML_NATIVE=OFF/GGML_NATIVE=ON/' "
    guest.run(["sh", "-c", f"{copy} {OTHER_PROGRAMS}/build.json"]).check()
    with braked(guest):
        done = measure(reports, benchmark_programs=f"{OTHER_PROGRAMS}/bin")
    assert done.exit_status == 0, done.output[-4000:]
    assert "Not comparable with" in done.output
    assert "GGML_NATIVE=OFF → GGML_NATIVE=ON" in done.output
    page = max((reports / "llm1").glob("*.html")).read_text(encoding="utf-8")
    assert "not comparable" in page


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [0.5, 3, 8])
def test_a_killed_play_goes_on(guest: ContainerMachine, tmp_path: Path, seconds: float) -> None:
    """Killed while it measures: the unit measures on, the next play waits for it and brings its results home."""
    variables = {**SMALL, "benchmark_reports_directory": str(tmp_path), "benchmark_repetitions": LONG}
    words = [BIN / "ansible-playbook", "-i", "inventory/lab", PLAYBOOK, "-e", json.dumps(variables)]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("TASK [benchmark : Measure (minutes"):
                time.sleep(seconds)
                os.killpg(process.pid, signal.SIGKILL)
                break
    assert not list(tmp_path.rglob("*.json"))
    measuring = is_measuring(guest)
    again = measure(tmp_path, benchmark_on_slower="warn")
    assert again.exit_status == 0, again.output[-4000:]
    runs = load_all(tmp_path / "llm1")
    assert len(runs) == 1
    assert len(runs[0].measurements[0].samples) == (LONG if measuring else SMALL["benchmark_repetitions"])
    assert is_as_it_was()
