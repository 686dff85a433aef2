"""Print the llama-server units of this guest as JSON: which run, where they answer, and how each serves its model."""

import json
import re
import shlex
import subprocess
from pathlib import Path

UNITS = Path("/etc/systemd/system")
# What a bench takes over, by the option of llama-server.
OPTIONS = {
    "model": ("--model", "-m"),
    "split_mode": ("--split-mode", "-sm"),
    "gpu_layers": ("--n-gpu-layers", "--gpu-layers", "-ngl"),
    "ubatch": ("--ubatch-size", "-ub"),
    "threads": ("--threads", "-t"),
    "host": ("--host",),
    "port": ("--port",),
}


def main() -> None:
    """One entry for each unit."""
    services = [describe(path) for path in sorted(UNITS.glob("llama-server@*.service"))]
    measuring = show("rocmox-benchmark.service", "ActiveState") == "activating"
    print(json.dumps({"services": services, "measuring": measuring}))


def describe(path: Path) -> dict[str, object]:
    """`model` is empty for a unit that cannot be read."""
    text = path.read_text(encoding="utf-8")
    words = command(text)
    user = re.search(r"^User=(\S+)$", text, re.MULTILINE)
    chosen = {name: value for name, spellings in OPTIONS.items() if (value := argument(words, spellings))}
    host = chosen.pop("host", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - not bound, asked
    return {
        "unit": path.name,
        "user": user[1] if user else "root",
        "running": show(path.name, "ActiveState") in {"active", "activating", "reloading"},
        "enabled": show(path.name, "UnitFileState") == "enabled",
        "url": f"http://{host}:{chosen.pop('port', '8080')}",
        "model": "",
        "flash_attention": flash_attention(words),
        **chosen,
    }


def command(text: str) -> list[str]:
    """The words of ExecStart, as systemd reads them: joined lines, quotes, %% and $$."""
    found = re.search(r"^ExecStart=(.*)$", re.sub(r"\\\n\s*", " ", text), re.MULTILINE)
    try:
        words = shlex.split(found[1]) if found else []
    except ValueError:
        words = []
    return [word.replace("%%", "%").replace("$$", "$") for word in words]


def argument(words: list[str], spellings: tuple[str, ...]) -> str:
    """What follows an option; the last one counts, as for llama-server."""
    places = [place + 1 for place, word in enumerate(words[:-1]) if word in spellings]
    return words[places[-1]] if places else ""


def flash_attention(words: list[str]) -> str:
    """On for the bare switch of builds before b6325."""
    if not {"--flash-attn", "-fa"} & set(words):
        return "off"
    value = argument(words, ("--flash-attn", "-fa"))
    return value if value in {"on", "off", "auto"} else "on"


def show(unit: str, what: str) -> str:
    """One word of systemd's."""
    words = ["systemctl", "show", "--property", what, "--value", unit]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
