"""Only like is compared with like: the last run of the same surroundings, and what changed where there is none."""

import dataclasses
import json
from pathlib import Path

import pytest

from rocmox.bench.history import before, compare_with_former
from rocmox.bench.store import Run, save
from rocmox.cli.main import main
from rocmox.report.bench import to_json, to_markdown
from rocmox.report.bench_page import to_html
from tests.unit.bench.test_judgements import AROUND, DECODE, MI50, RUN

ENGINE = AROUND.engine


def run(hour: int, speed: float, **around: object) -> Run:
    return dataclasses.replace(
        RUN,
        started=f"2026-01-01T{hour:02}:00:00+00:00",
        measurements=(dataclasses.replace(DECODE, samples=(speed, speed * 1.001, speed * 0.999)),),
        surroundings=dataclasses.replace(AROUND, **around),  # type: ignore[arg-type]
    )


def test_the_last_run_of_the_same_machine_counts() -> None:
    runs = [run(1, 10), run(2, 5, engine=dataclasses.replace(ENGINE, version="b9999")), run(3, 8, machine="other")]
    now = run(4, 9)
    former = compare_with_former(now, before(now, runs))
    assert former
    assert (former.run, former.differences) == (runs[0], ())
    assert [pair.change for pair in former.comparisons] == ["slower"]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"engine": dataclasses.replace(ENGINE, version="b4447")}, "llama.cpp's version: b4447 → b6170"),
        ({"kernel": "6.8.12-9-pve"}, "kernel: 6.8.12-9-pve → 6.8.12-1-pve"),
        ({"cards": ()}, "cards: none → Instinct MI50 (0000:03:00.0), "),
        (
            {"engine": dataclasses.replace(ENGINE, options=("GGML_CUDA_FORCE_CUBLAS=ON",))},
            "llama.cpp's options: GGML_CUDA_FORCE_CUBLAS=ON → none",
        ),
        ({"engine": dataclasses.replace(ENGINE, name="vLLM")}, "engine: vLLM → llama.cpp"),
        ({"rocm": None}, "rocm: unknown → 6.2.4"),
    ],
)
def test_another_machine_is_said_to_be_one(changed: dict[str, object], line: str) -> None:
    now = run(4, 5)
    former = compare_with_former(now, [run(1, 10, **changed)])
    assert former
    assert any(one.startswith(line) for one in former.differences), former.differences
    assert {pair.change for pair in former.comparisons} == {"not comparable"}
    shown = to_markdown(now, former)
    assert "## Not comparable with 2026-01-01 01:00" in shown
    assert "-50.0 %" in shown
    document = to_json(now, former)["former"]
    assert (document["comparable"], bool(document["differences"])) == (False, True)
    assert "not comparable" in to_html(now, former, [former.run, now])


@pytest.mark.parametrize(("kernel", "code"), [("6.8.12-1-pve", 2), ("6.14.8-2-pve", 0)])
def test_the_guard_fires_for_a_slower_run_of_the_same_machine_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kernel: str, code: int
) -> None:
    save(run(1, 10), tmp_path)
    newest = save(run(2, 8, kernel=kernel), tmp_path)
    assert main(["bench", "report", "--store", str(tmp_path), "--fail-on-slower", "--json"]) == code
    shown = capsys.readouterr()
    assert json.loads(shown.out)["former"]["comparable"] == (code == 2)
    assert ("slower than in" if code else "Not comparable with 2026-01-01 01:00") in shown.err
    assert main(["bench", "compare", "2026-01-01T010000Z", newest.name, "--store", str(tmp_path)]) == 2


def test_cards_that_were_taken_away_are_named() -> None:
    other = dataclasses.replace(MI50, pci_address="0000:06:00.0")
    lines = run(1, 10, cards=(MI50, other)).surroundings.differences(run(2, 10, cards=(MI50,)).surroundings)
    assert lines == ["cards: Instinct MI50 (0000:06:00.0) → none"]
