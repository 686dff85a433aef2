"""Ask a freshly built llama-server one question and compare the answer, letter by letter.

`smoke_test.py CARDS PROGRAMS_DIRECTORY [WORD…]`; the words go to llama-server as they are. The model is `tiny_model`'s,
which answers every prompt with one sentence: a build that miscomputes, or cards that garble what they copy to each
other, give another one. CARDS is `required`, `optional` or `none`: whether a build that sees no card fails, is let
pass as untested there, or has nothing to do with cards. Exits with 0 when the build may be installed; else
llama-server's own output and the last line say why.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import tiny_model  # lies beside this file in the guest

# rocBLAS before it counts devices (up to b5904), HIP later, Vulkan, and llama.cpp's own remark.
NO_CARD = re.compile(
    r"Could not initialize Tensile host: No devices found|no ROCm-capable device|failed to initialize ROCm"
    r"|ggml_vulkan: No devices found|no usable GPU found"
)
NO_CARD_VERDICT = (
    "no GPU is visible to {stack} in this guest. Check that the container has its devices (`pct config VMID`), that "
    "the groups render and video may open them, and that the node's amdgpu driver is loaded; to build without a card, "
    "set llama_cpp_require_gpu: false."
)
START_SECONDS = 120  # the first start on a card loads its code objects


def main(cards: str, programs: str, *words: str) -> int:
    """The exit status; what was found goes to standard output."""
    with tempfile.TemporaryDirectory() as directory:
        model, log = Path(directory, "tiny.gguf"), Path(directory, "log")
        tiny_model.write(model)
        port = free_port()
        argv = [f"{programs}/llama-server", "--model", str(model), "--host", "127.0.0.1", "--port", str(port), *words]
        with log.open("wb") as stream, subprocess.Popen(argv, stdout=stream, stderr=stream) as server:
            try:
                answer = ask(server, f"http://127.0.0.1:{port}")
            finally:
                server.terminate()
        shown = log.read_text(encoding="utf-8", errors="replace")
    print(shown)
    return judge(cards, answer, shown)


def judge(cards: str, answer: str, shown: str) -> int:
    """The exit status for an answer and what llama-server printed beside it; the last line says it in words."""
    passed = answer == tiny_model.SENTENCE
    if cards != "none" and NO_CARD.search(shown):
        stack = "Vulkan" if "ggml_vulkan" in shown else "ROCm"
        if cards == "required":
            print(f"smoke test failed: {NO_CARD_VERDICT.format(stack=stack)}")
            return 1
        where = "passed on the processor alone" if passed else "not possible"
        print(f"smoke test {where}: no GPU is visible to {stack} in this guest")
        return 0
    if passed:
        print(f"smoke test passed: {answer!r}")
        return 0
    print(f"smoke test failed: the answer is {answer!r}, {tiny_model.SENTENCE!r} is expected")
    return 1


def ask(server: "subprocess.Popen[bytes]", url: str) -> str:
    """The answer to one question; why there is none, when the server ends or stays silent."""
    question = {"temperature": 0, "messages": [{"role": "user", "content": "Do you compute as you should?"}]}
    body, headers = json.dumps(question).encode(), {"Content-Type": "application/json"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            return f"(llama-server ended with status {server.returncode})"
        try:
            request = urllib.request.Request(f"{url}/v1/chat/completions", body, headers)  # noqa: S310 - http, see main
            with opener.open(request, timeout=START_SECONDS) as answer:
                return str(json.load(answer)["choices"][0]["message"]["content"])
        except (urllib.error.URLError, ConnectionError):  # not listening yet, or 503 while it loads
            time.sleep(0.1)
    return f"(none within {START_SECONDS} s)"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
