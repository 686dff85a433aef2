"""Wait until a llama-server answers as it should; say why when it does not.

`python3 - UNIT URL KEY_FILE TIMEOUT_SECONDS CARDS < await_server.py`, inside the guest; CARDS is `required`, `desired`
or `none`. Ready means: /health answers 200, a request without the key is refused, one with it is answered, and cards
that are required have been found. Ends early when the unit has failed. Prints one JSON object:
`{"ready", "waited_seconds", "why", "remedy", "journal", "on_processor"}`.
"""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

JOURNAL_LINES = 40  # shown when it does not serve
JOURNAL_SECONDS = 3.0  # given to journald to bring a known cause

# start_on_cards.py's verdict and causes; the words of rocBLAS, HIP and llama.cpp behind it.
NO_GPU = re.compile(
    r"no GPU is visible to (?P<stack>\w+) in this guest|Could not initialize Tensile host: No devices found"
    r"|failed to initialize ROCm|no ROCm-capable device is detected|ggml_vulkan: No devices found|no usable GPU found"
)
FOUND_CAUSES = re.compile(r"^(?:Likely cause|What now): .+$", re.MULTILINE)
USUAL_CAUSES = (
    "Likely causes: the container has no /dev/kfd or /dev/dri/renderD nodes (`pct config VMID`: devN lines); their gid "
    "is not this guest's render or video group, or the service user is not a member; the node's amdgpu driver is not "
    "loaded; this ROCm is too old or too new for driver or card (`rocmox compatibility`); HIP_VISIBLE_DEVICES or "
    "HSA_OVERRIDE_GFX_VERSION is set wrongly. `rocmox health` on the node names the broken link."
)

# What a journal shows, what it means, what to do now.
KNOWN_FAILURES = (
    (
        r"Cannot read .*TensileLibrary|TensileLibrary.*No such file",
        "this ROCm's rocBLAS has no kernels for the card",
        "gfx906 is in rocBLAS up to ROCm 6.3: install rocm_version 6.2.4.",
    ),
    (
        r"out of memory|cudaMalloc failed|unable to allocate",
        "the model, its context and its buffers do not fit into the memory of the cards",
        (
            "Lower context_tokens or parallel, or quantise the cache (cache_type_k and cache_type_v q8_0 with "
            "flash_attention: true)."
        ),
    ),
    (
        r"[Aa]ddress already in use|couldn't bind|Cannot assign requested address",
        "the address or port cannot be bound",
        "Set llama_cpp_listen_address to an address of this guest and the model's port to a free one.",
    ),
    (
        r"error: invalid argument|error while handling argument|unrecognized argument",
        "this version of llama-server does not take one of the arguments",
        "Compare the model's extra_arguments with `llama-server --help` of this version.",
    ),
    (
        r"failed to load model|error loading model|unknown model architecture|invalid magic",
        "the model cannot be loaded",
        "Check that the file is a complete GGUF whose architecture this llama.cpp version knows.",
    ),
)


def main(unit: str, url: str, key_file: str, timeout_seconds: float, cards: str) -> None:
    """Poll until something is certain; the whole wait is bounded by `timeout_seconds`."""
    key = Path(key_file).read_text(encoding="utf-8").split()[0]
    started = time.monotonic()
    why = f"it did not answer within {timeout_seconds:g} s"
    while time.monotonic() - started < timeout_seconds:
        if status(f"{url}/health") == HTTPStatus.OK:
            why = guard_problem(url, key) or (card_problem(journal_of(unit)) if cards == "required" else "")
            break
        if not alive(unit):
            why = "its unit stopped"
            break
        time.sleep(0.25)
    answer = report(unit, why, waited_seconds=time.monotonic() - started)
    print(json.dumps({**answer, "on_processor": cards != "none" and bool(card_problem(journal_of(unit)))}))


def answers_now(unit: str, url: str, key_file: str, cards: str) -> dict[str, object]:
    """Whether it answers as it should at this moment, without waiting."""
    try:
        key = Path(key_file).read_text(encoding="utf-8").split()[0]
    except (OSError, IndexError):
        return {"ready": False, "on_processor": False}
    on_processor = cards != "none" and bool(card_problem(journal_of(unit)))
    ready = status(f"{url}/health") == HTTPStatus.OK and not guard_problem(url, key)
    return {"ready": ready and not (on_processor and cards == "required"), "on_processor": on_processor}


def guard_problem(url: str, key: str) -> str:
    """Empty when the key opens what it should and nothing else does; /health and /v1/models are open by design."""
    if status(f"{url}/props", key="wrong-" + "0" * 16) != HTTPStatus.UNAUTHORIZED:
        return "it answers without the API key"
    return "" if status(f"{url}/props", key=key) == HTTPStatus.OK else "it refuses its own API key"


def card_problem(journal: str) -> str:
    """Newer builds serve from the processor when ROCm shows no card: a hundred times slower, and not asked for."""
    return "it computes on the processor" if NO_GPU.search(journal) else ""


def report(unit: str, why: str, *, waited_seconds: float) -> dict[str, object]:
    """The answer, with the cause as far as the journal shows a known one."""
    journal, cause, remedy = last_words(unit) if why else ("", "", "")
    return {
        "ready": not why,
        "waited_seconds": round(waited_seconds, 1),
        "why": f"{why}: {cause}" if why and cause else why,
        "remedy": remedy or f"Read `journalctl -u {unit}` in the guest.",
        "journal": journal.splitlines()[-JOURNAL_LINES:],
    }


def last_words(unit: str) -> tuple[str, str, str]:
    """Its journal, cause and remedy; journald may read a dead process's output later than systemd's words about it."""
    until = time.monotonic() + JOURNAL_SECONDS
    while True:
        journal = journal_of(unit)
        cause, remedy = explain(journal)
        if cause or time.monotonic() > until:
            return journal, cause, remedy
        time.sleep(0.25)


def explain(journal: str) -> tuple[str, str]:
    """Cause and remedy of the first known failure, empty when there is none."""
    if unseen := NO_GPU.search(journal):
        found = " ".join(FOUND_CAUSES.findall(journal))
        return f"no GPU is visible to {unseen['stack'] or 'ROCm'} in this guest", found or USUAL_CAUSES
    for pattern, cause, remedy in KNOWN_FAILURES:
        if re.search(pattern, journal):
            return cause, remedy
    return "", ""


def status(url: str, *, key: str = "") -> int:
    """The HTTP status, 0 when nobody answers; never through a proxy."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:  # noqa: S310 - http only
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def alive(unit: str) -> bool:
    """Whether its process runs; one that waits for systemd's next attempt does not."""
    shown = output(["systemctl", "show", "--property", "ActiveState", "--property", "SubState", unit])
    return not re.search(r"ActiveState=(failed|inactive)|SubState=auto-restart", shown)


def journal_of(unit: str) -> str:
    """What the unit's last run wrote, and what systemd wrote about it."""
    run = output(["systemctl", "show", "--property", "InvocationID", "--value", unit]).strip()
    either = [f"_SYSTEMD_INVOCATION_ID={run}", "+", f"INVOCATION_ID={run}"]
    return output(["journalctl", "--no-pager", "--output", "cat", *either])


def output(argv: list[str]) -> str:
    """Standard output of a command."""
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5])
