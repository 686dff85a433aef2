"""What stands between a patched build and the service: the patch knows the source, the card agrees with the processor.

Parts of the role run alone on folders of their own in the lab's guest, around stand-ins: without compiler and card.
"""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import BIN, ROOT, Run, environment, play
from tests.unit.engines.llamacpp.source.sources import CASES, COMMON

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]
WORK, INSTALLED, KEY = "/var/lib/llama-cpp-gates", "/opt/llama.cpp-gates", "stand-in"
BUILD = f"{WORK}/builds/{KEY}"
CUDA = f"{WORK}/source/ggml/src/ggml-cuda"
MMVQ = {"architecture": "gfx906", "compared": ["gfx906"], "words": ["--arch", "gfx906"], "identity": {}}
CARD = "  Device 0: AMD Radeon VII, gfx906:sramecc+:xnack- (0x906), VMM: no, Wave Size: 64"


def ad_hoc(module: str, words: str) -> str:
    done = subprocess.run(
        [BIN / "ansible", "-i", "inventory/lab", "llm1", "-m", f"ansible.builtin.{module}", "-a", words],
        cwd=ROOT,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    return done.stdout.partition("\n")[2].strip()


def comparison() -> str:
    """What the role's look finds of an earlier comparison."""
    return ad_hoc("shell", f"cat {BUILD}/comparison.json 2>/dev/null || true")


def part(name: str, *, card_visible: bool = True, **variables: Any) -> Run:
    """One part of the role, with what the parts before it would have found."""
    found = {
        "part": name,
        "llama_cpp_backend": "hip",
        "llama_cpp_work_directory": WORK,
        "llama_cpp_install_directory": INSTALLED,
        "llama_cpp_models_directory": f"{WORK}/models",
        "llama_cpp_build_user": "daemon",
        "llama_cpp_device_groups": ["video"],
        "llama_cpp_internal_build_key": KEY,
        "llama_cpp_internal_source": {"directory": f"{WORK}/source"},
        "llama_cpp_internal_plan": {"mmvq": MMVQ, "compared": MMVQ["compared"]},
        "llama_cpp_internal_toolchain": {"card_visible": card_visible},
        "llama_cpp_internal_decision": {"comparison": comparison()},
    }
    return play("-e", json.dumps({**found, **variables}), playbook="tests/end_to_end/llama_cpp_gates.yml")


def words_of(run: Run) -> str:
    return " ".join(run.output.split())


@pytest.fixture(scope="module", autouse=True)
def folders(request: pytest.FixtureRequest) -> None:
    """The lab's guest, with folders as the role leaves them after a build."""
    try:
        ad_hoc("command", "true")
    except subprocess.CalledProcessError:
        request.getfixturevalue("site")
    ad_hoc("shell", f"rm -rf {WORK} {INSTALLED}; install -d -o daemon {BUILD}; mkdir -p {INSTALLED}/builds/{KEY}/bin")


def stand_in_for_test_backend_ops(tmp_path: Path, outcome: str) -> None:
    program = tmp_path / "test-backend-ops"
    case = f"""printf '  %s(type_a=q4_K,type_b=f32,m=16,n=2): {outcome}\\n' "$3\""""
    program.write_text(f"#!/bin/sh\necho {shlex.quote(CARD)} >&2\n[ $5 = none ] || {case}\n", encoding="utf-8")
    ad_hoc("copy", f"src={program} dest={INSTALLED}/builds/{KEY}/bin/test-backend-ops mode=0755")


def test_without_a_card_the_play_says_what_is_not_proven() -> None:
    run = part("compare_build", card_visible=False)
    assert run.exit_status == 0, run.output
    assert "compile-proven only, not compared on a card: no GPU is visible in this guest" in words_of(run)
    assert ad_hoc("command", f"find {BUILD} -name comparison*") == ""


def test_kernels_that_compute_otherwise_stop_the_play(tmp_path: Path) -> None:
    stand_in_for_test_backend_ops(tmp_path, "[MUL_MAT] NMSE = 0.7 > 0.0005 FAIL")
    run = part("compare_build")
    assert run.exit_status != 0
    said = words_of(run)
    assert "The link `current` and the running service were not touched. Set llama_cpp_mmvq_patch: off" in said
    assert "1 comparisons of MUL_MAT fail, the first is MUL_MAT(type_a=q4_K,type_b=f32,m=16,n=2)" in said
    assert ad_hoc("command", f"find {BUILD} -name comparison.json") == ""


def test_kernels_that_agree_are_compared_once(tmp_path: Path) -> None:
    stand_in_for_test_backend_ops(tmp_path, "OK")
    first, second = part("compare_build"), part("compare_build")
    assert (first.exit_status, second.exit_status) == (0, 0), first.output
    assert second.changed["llm1"] == 0
    assert "MUL_MAT_ID" in ad_hoc("command", f"cat {BUILD}/comparison.json")


def test_going_back_shows_the_comparison_or_makes_up_for_it(tmp_path: Path) -> None:
    stand_in_for_test_backend_ops(tmp_path, "OK")
    kept = {"version": "b6170", "backend": "hip", "mmvq": "mmvq gfx906", "compared": ["gfx906"]}
    back = {"llama_cpp_rollback_to": KEY, "llama_cpp_found_kept_build": {"stdout": json.dumps(kept)}}
    ad_hoc("file", f"path={BUILD} state=absent")
    unseen = part("compare_build", **back, card_visible=False)
    assert "compile-proven only, not compared on a card" in words_of(unseen)
    made_up, shown = part("compare_build", **back), part("compare_build", **back)
    assert (made_up.exit_status, shown.exit_status) == (0, 0), made_up.output
    assert "Compare the patched kernels with" in words_of(made_up)
    assert f"cards when it was built ({BUILD}/comparison.json)" in words_of(shown)
    assert "AMD Radeon VII" in shown.output
    assert shown.changed["llm1"] == 0


def test_the_difference_is_shown_and_a_foreign_source_is_refused(tmp_path: Path) -> None:
    ad_hoc("command", f"mkdir -p {CUDA} {WORK}/libexec")
    (tmp_path / "common.cuh").write_text(COMMON, encoding="utf-8")
    (tmp_path / "foreign.cu").write_text("int foreign;\n", encoding="utf-8")
    ad_hoc("copy", f"src={tmp_path}/common.cuh dest={CUDA}/")
    ad_hoc("copy", f"src={CASES}/table.cu dest={CUDA}/mmvq.cu")
    known = part("plan_patch")
    assert known.exit_status == 0, known.output
    assert "+// rocmox mmvq " in known.output
    assert "rocmox" not in ad_hoc("command", f"cat {CUDA}/mmvq.cu")
    ad_hoc("copy", f"src={tmp_path}/foreign.cu dest={CUDA}/mmvq.cu")
    foreign = part("plan_patch")
    assert foreign.exit_status != 0
    said = words_of(foreign)
    assert "The mmvq patch was refused, and nothing was built; the running service was not touched." in said
    assert "each anchor must match once" in said
    assert "To build this version without the patch, set llama_cpp_mmvq_patch: off." in said
