"""Compare patched kernels with the processor's results on the cards of this guest, by upstream's test-backend-ops.

`compare_on_card.py PROGRAMS_DIRECTORY RESULT ARCHITECTURE…`: every kind of card with one of these architectures is
asked once. RESULT is a JSON file, written only when all agree; else the last line says what did not, and the exit
status is 1. A program that skips everything reports success as well, so comparisons are counted, not statuses alone.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

OPERATIONS = ("MUL_MAT", "MUL_MAT_ID")  # where mmvq computes; the second is a mixture of experts
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# `Device 0: AMD Radeon VII, gfx906:sramecc+ (0x906), VMM: no`; before b4567 `compute capability 9.0`, as every gfx9.
DEVICE = re.compile(r"^\s*Device (\d+): (.+?), (gfx\w+|compute capability [\d.]+)", re.MULTILINE)
ANY_GFX9 = "compute capability 9.0"


def main(programs: str, result: str, *architectures: str) -> int:
    """The exit status; the comparisons themselves go to standard output."""
    program = f"{programs}/test-backend-ops"
    cards = patched_cards(run([program, "test", "-o", OPERATIONS[0], "-b", "none"], show=False)[1], architectures)
    if not cards:
        print(f"no GPU of {' or '.join(architectures)} is visible to ROCm in this guest, and /dev/kfd opens")
        return 1
    passed: dict[str, int] = {}
    for name, card in cards.items():
        for operation in OPERATIONS:
            status, shown = run([program, "test", "-o", operation, "-b", name], show=True)
            problem = disagreement(shown, operation, status)
            if problem:
                print(f"{card} ({name}): {problem}")
                return 1
            passed[f"{card}: {operation}"] = len(outcomes(shown, operation, "OK"))
    partial = Path(f"{result}.partial")
    partial.write_text(json.dumps({"compared": passed}) + "\n", encoding="utf-8")
    partial.replace(result)
    print(f"as the processor computes: {passed}")
    return 0


def patched_cards(shown: str, architectures: tuple[str, ...]) -> dict[str, str]:
    """Backend name → card, the first of every kind that the patch is for."""
    cards: dict[str, str] = {}
    for number, name, architecture in DEVICE.findall(shown):
        kind = f"{name}, {architecture}"
        if (architecture in architectures or architecture == ANY_GFX9) and kind not in cards.values():
            cards[f"ROCm{number}"] = kind
    return cards


def disagreement(shown: str, operation: str, status: int) -> str:
    """What is wrong with one run, empty when all agrees."""
    failed = outcomes(shown, operation, "FAIL")
    if failed:
        return f"{len(failed)} comparisons of {operation} fail, the first is {operation}({failed[0]})"
    if status != 0:
        return f"test-backend-ops ended with status {status} while it compared {operation}"
    if not any("type_a=q" in parameters for parameters in outcomes(shown, operation, "OK")):
        return f"test-backend-ops compared no {operation} of a quantised matrix"
    return ""


def outcomes(shown: str, operation: str, word: str) -> list[str]:
    """The parameters of every comparison with this outcome; a failed one has numbers between the two."""
    return re.findall(rf"\b{operation}\((.*)\):[^\n]*\b{word}\b", shown)


def run(argv: list[str], *, show: bool) -> tuple[int, str]:
    """Exit status and what was printed, without colours; shown while it comes, so that progress can be watched."""
    lines: list[str] = []
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            lines.append(COLOURS.sub("", line))
            if show:
                print(lines[-1], end="", flush=True)
    return process.returncode, "".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
