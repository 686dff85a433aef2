"""A bench that ends before its time, a disk that is full, input that makes no sense: said, and nothing is lost."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from rocmox.bench.store import StoreError, load_all, save, write_whole
from rocmox.cli.main import main
from tests.unit.bench.test_judgements import RUN
from tests.unit.cli.test_bench_command import BATCHED, BENCH, TEST, measure, set_speed

# What a program does after it wrote `bench.json` so far.
ENDINGS = {
    "crash": 'head -c $(($(wc -c < "$0.json") * 6 / 10)) "$0.json"; echo "ROCm error: out of memory" >&2; exit 1',
    "signal": 'head -c $(($(wc -c < "$0.json") * 6 / 10)) "$0.json"; kill -SEGV $$',
    "cut off": 'head -c $(($(wc -c < "$0.json") * 6 / 10)) "$0.json"',
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "root/proc").mkdir(parents=True)
    (tmp_path / "root/proc/cpuinfo").write_text("model name\t: A CPU\ncpu MHz\t: 2000\nflags\t: avx2\n")
    monkeypatch.setenv("ROCMOX_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr("rocmox.engines.llamacpp.bench.run.measure_memory", lambda _: 2e10)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "model.gguf").touch()
    program(folder / "llama-bench", BENCH)
    program(folder / "llama-batched-bench", BATCHED)
    set_speed(folder, 100.0)
    return folder


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def help_then(ending: str) -> str:
    return BENCH[: BENCH.index('*"-sm row"')] + f"esac\n{ending}\n"


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=list(ENDINGS))
def test_figures_of_a_bench_that_ends_early_are_kept(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    (programs / "llama-bench.json").write_text((programs / "bench.json").read_text())
    program(programs / "llama-bench", help_then(ending))
    assert measure(programs, tmp_path / "store") == 0
    (run,) = load_all(tmp_path / "store")
    assert [one.tool for one in run.measurements] == ["llama-bench"] * 2 + ["llama-batched-bench"] * 6
    (failure,) = run.failures
    assert failure.label == "split layer"
    assert ("out of memory" in failure.reason) == ("exit 1" in ending)
    shown = capsys.readouterr()
    assert "split layer: 2 figures, then it failed" in shown.err
    assert "Without figures" in _report(tmp_path, capsys)


def test_what_llama_bench_says_only_when_it_is_verbose(programs: Path, tmp_path: Path) -> None:
    """As the newest build ends for `-sm row`: the reason stands between general lines, and only with -v."""
    lines = ["llama_model_load: error loading model: device ROCm0 does not support split buffers"]
    lines += ["llama_model_load_from_file_impl: failed to load model"]
    spoken = 'case "$*" in *" -v") printf "%s\\n" ' + " ".join(f'"{line}"' for line in lines) + " >&2 ;; esac"
    refusing = f'*"-sm row"*) {spoken}; echo "llama_bench: error: failed to load model" >&2; exit 1 ;;\nesac'
    program(
        programs / "llama-bench", BENCH[: BENCH.index('*"-sm row"')] + refusing + '\ncat "$(dirname "$0")/bench.json"\n'
    )
    assert measure(programs, tmp_path / "store", "--split", "layer,row") == 0
    (run,) = load_all(tmp_path / "store")
    assert run.failures[0].reason.splitlines()[-2:] == ["llama_bench: error: failed to load model", lines[0]]


def test_requests_at_once_that_do_not_fit_leave_the_others(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs / "llama-batched-bench", BATCHED.replace("1 2 4", "1 2") + "echo no slot >&2; exit 1\n")
    assert measure(programs, tmp_path / "store") == 0
    (run,) = load_all(tmp_path / "store")
    assert sorted({one.parallel for one in run.measurements if one.tool == "llama-batched-bench"}) == [1, 2]
    assert run.failures[0].label == "split layer, several at once"
    assert "no slot" in capsys.readouterr().err or "no slot" in run.failures[0].reason


def test_rows_that_were_lost_are_asked_for_again(programs: Path, tmp_path: Path) -> None:
    """As the newest build on a busy machine: it ends well, and every other time without its rows."""
    losing = f'#!/bin/sh\necho x >> "$0.count"\n[ $(($(wc -l < "$0.count") % 2)) = 0 ] || exit 0\n{BATCHED}'
    program(programs / "llama-batched-bench", losing)
    assert measure(programs, tmp_path / "store", "--parallel", "1,2,4") == 0
    (run,) = load_all(tmp_path / "store")
    assert run.failures == ()
    assert {len(one.samples) for one in run.measurements if one.tool == "llama-batched-bench"} == {3}
    program(programs / "llama-batched-bench", "#!/bin/sh\n")
    assert measure(programs, tmp_path / "silent") == 0
    assert "wrote no result" in load_all(tmp_path / "silent")[0].failures[0].reason


def test_rounds_that_differ_are_joined_by_what_they_measured(programs: Path, tmp_path: Path) -> None:
    counting = BATCHED.replace("for pl in 1 2 4", 'echo x >> "$0.count"; for pl in $(seq $(wc -l < "$0.count"))')
    program(programs / "llama-batched-bench", counting)
    assert measure(programs, tmp_path / "store", "--parallel", "1") == 0
    (run,) = load_all(tmp_path / "store")
    several = [one for one in run.measurements if one.tool == "llama-batched-bench" and one.phase == "decode"]
    assert [(one.parallel, len(one.samples)) for one in several] == [(1, 3), (2, 2), (3, 1)]


@pytest.mark.parametrize("speed", ["0", "-1", "1e999", '"fast"', "null"])
def test_what_is_no_speed_is_refused(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], speed: str
) -> None:
    tests = json.dumps([{**TEST, "n_prompt": 0, "n_gen": 128, "samples_ts": [777]}]).replace("777", speed)
    (programs / "bench.json").write_text(tests)
    assert measure(programs, tmp_path / "store") == 3
    assert "llama-bench wrote something else than its JSON" in capsys.readouterr().err


def test_a_full_disk_costs_no_figures_and_harms_no_store(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    before = save(RUN, store).read_bytes()
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 1:  # the probe before measuring still fits
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    assert measure(programs, store) == 2
    shown = capsys.readouterr()
    assert "decode 128, split layer" in shown.out
    assert "No space left on device" in shown.err
    assert [path.read_bytes() for path in store.iterdir()] == [before]


@pytest.mark.parametrize("more", [(), ("--search",)])
def test_a_store_that_cannot_be_written_is_said_before_anything_is_measured(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    assert measure(programs, tmp_path / "file/store", *more) == 64
    assert "cannot be written" in capsys.readouterr().err


def test_a_run_cut_off_by_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="No space left"):
        write_whole(tmp_path / "run.json", "x" * 10_000)
    assert list(tmp_path.iterdir()) == []


def test_rpc_needs_programs_that_know_it(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(programs, tmp_path / "store", "--rpc", "127.0.0.1:50052") == 64
    assert "GGML_RPC=ON" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="64"):
        measure(programs, tmp_path / "store", "--rpc", "nonsense")


def test_runs_without_anything_in_common_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = dataclasses.replace(RUN.measurements[0], model="qwen2 7B Q8_0", samples=(3.0,))
    paths = [str(save(run, tmp_path)) for run in (RUN, dataclasses.replace(RUN, measurements=(other,)))]
    assert main(["bench", "compare", *paths]) == 64
    said = capsys.readouterr().err
    assert "llama 70B" in said
    assert "qwen2 7B" in said


def _report(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["bench", "report", "--store", str(folder / "store")]) == 0
    return capsys.readouterr().out
