"""`rocmox bench`: from stand-ins of llama.cpp's programs to pages."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.bench.store import load, load_all, to_dict
from rocmox.cli.main import main
from tests.unit.bench.test_judgements import QWEN3_A3B, RUN

BENCH = """#!/bin/sh
case "$*" in
*--help*) printf "%s\\n" "  -sm, --split-mode <none|layer|row>" "  -d, --n-depth <n>"; exit 0 ;;
*"-sm row"*) echo "error loading model: device does not support split buffers" >&2; exit 1 ;;
esac
cat "$(dirname "$0")/bench.json"
"""
BATCHED = """#!/bin/sh
for pl in 1 2 4; do
  echo '{"pp": 256, "tg": 128, "pl": '$pl', "speed_pp": 800.0, "speed_tg": '$((90 * pl))'.5, "n_ubatch": 512}'
done
"""
TEST = {
    "model_type": "llama 1B Q8_0",
    "model_size": 1_000_000_000,
    "model_n_params": 1_000_000_000,
    "n_ubatch": 512,
    "n_gpu_layers": 999,
    "split_mode": "layer",
    "type_k": "f16",
    "type_v": "f16",
    "flash_attn": False,
    "avg_ts": 0.0,
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("llama-bench", BENCH), ("llama-batched-bench", BATCHED)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "model.gguf").touch()
    set_speed(folder, 100.0)
    return folder


def set_speed(folder: Path, speed: float) -> None:
    tests = [
        {**TEST, "n_prompt": prompt, "n_gen": generate, "n_depth": depth, "samples_ts": [speed * share, speed, speed]}
        for prompt, generate in ((512, 0), (0, 128))
        for depth, share in ((0, 1.001), (4096, 0.999))
    ]
    (folder / "bench.json").write_text(json.dumps(tests))


def measure(programs: Path, store: Path, *more: str) -> int:
    argv = [
        "bench",
        "run",
        str(programs / "model.gguf"),
        "--llama",
        str(programs),
        "--store",
        str(store),
        "--depth",
        "0,4096",
        *more,
    ]
    return main(argv)


@pytest.fixture
def constructed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without cards: nothing of the one that runs the tests is read."""
    (tmp_path / "root/proc").mkdir(parents=True)
    (tmp_path / "root/proc/cpuinfo").write_text("model name\t: A CPU\ncpu MHz\t: 2000\nflags\t: avx2\n")
    monkeypatch.setenv("ROCMOX_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(
        "rocmox.engines.llamacpp.bench.run.measure_memory", lambda _: 2e10
    )  # copying 256 MiB takes seconds


@pytest.mark.usefixtures("constructed")
def test_a_run_is_stored_shown_and_drawn(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    assert measure(programs, store, "--split", "layer,row") == 0
    shown = capsys.readouterr()
    assert "decode 128, split layer, after 4096" in shown.out
    assert "split row gave no figures" in shown.err
    (run,) = load_all(store)
    assert len(run.measurements) == 10
    assert "does not support split buffers" in run.failures[0].reason
    assert run.surroundings.processor == "A CPU"
    page, markdown = tmp_path / "page.html", tmp_path / "page.md"
    assert main(["bench", "report", "--store", str(store), "--html", str(page), "--markdown", str(markdown)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 5
    assert "http://" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert "does not support split buffers" in markdown.read_text(encoding="utf-8")
    assert text.count('role="img" aria-label="') == 5
    assert "decode, tokens/s by requests at once. split layer: 90.5 at 1, 180.5 at 2, 360.5 at 4" in text
    assert "# llama 1B Q8_0 on local" in markdown.read_text(encoding="utf-8")


@pytest.mark.usefixtures("constructed")
def test_a_planted_regression_is_found(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for index, speed in enumerate((100.0, 100.5, 90.0)):
        set_speed(programs, speed)
        store = tmp_path / str(index)
        assert measure(programs, store) == 0
        paths += [str(path) for path in store.glob("*.json")]
    capsys.readouterr()
    assert main(["bench", "compare", paths[0], paths[1]]) == 0
    assert main(["bench", "compare", paths[0], paths[2], "--json"]) == 2
    document = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    slower = [one for one in document["comparisons"] if one["change"] == "slower"]
    assert len(slower) == 4
    assert all(one["ratio"] == pytest.approx(0.9, rel=0.01) for one in slower)


def outcome(words: list[str]) -> object:
    """The exit code, also of an option that argparse refuses."""
    try:
        return main(words)
    except SystemExit as end:
        return end.code


@pytest.mark.usefixtures("constructed")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "/no.gguf"], 64),
        (["run", "README.md", "--llama", "/nowhere"], 64),
        (["run", "m.gguf", "--split", "half"], 64),
        (["run", "m.gguf", "--parallel", "two"], 64),
        (["run", "m.gguf", "--repetitions", "0"], 64),
        (["compare", "none.json", "none.json"], 64),
        (["report", "--store", "/nowhere"], 64),
    ],
)
def test_wrong_input_is_said(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["bench", *words]) == code
    assert "rocmox" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 9}', '{"schema_version": 1}', "null"])
def test_a_file_that_is_no_run_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    assert main(["bench", "compare", str(path), str(path)]) == 64
    assert str(path) in capsys.readouterr().err


DAMAGE = [None, "", 0, -1, 1e308, [], {}, "x", [None], {"a": 1}, True]


def places(document: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document; of lists the first two."""
    entries = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document[:2])
        if before and isinstance(document, list)
        else ()
    )
    for key, value in entries:
        yield (*before, key)
        yield from places(value, (*before, key))


def test_a_run_that_somebody_edited_is_read_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong value in any place of a stored run never ends in a traceback."""
    whole = to_dict(dataclasses.replace(RUN, weights=QWEN3_A3B, settings={"split": "row"}))
    text = json.dumps(whole)
    (tmp_path / "before.json").write_text(text)
    codes = set()
    for number, place in enumerate(places(json.loads(text))):
        for value in DAMAGE[number % 2 :: 2]:
            document = json.loads(text)
            inner = document
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            (tmp_path / "after.json").write_text(json.dumps(document))
            for words in (["report", "after"], ["compare", "before", "after"]):
                codes.add(main(["bench", *words, "--store", str(tmp_path)]))
    assert codes == {0, 64}, capsys.readouterr().err[-2000:]


@pytest.mark.usefixtures("constructed")
def test_nothing_measured_is_unknown(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(programs, tmp_path / "store", "--split", "row") == 3
    assert "nothing could be measured" in capsys.readouterr().err
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.usefixtures("constructed")
def test_what_is_stored_is_what_is_read(programs: Path, tmp_path: Path) -> None:
    assert measure(programs, tmp_path / "store") == 0
    (path,) = (tmp_path / "store").glob("*.json")
    assert load(path) == load_all(tmp_path / "store")[0]
