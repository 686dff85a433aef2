"""Hold the lab to recorded answers of a real Proxmox VE: `python -m tests.contract.replay [--pve 8.4] [FILE…]`.

Every file starts from a fresh set-up, in a folder with the fake runtime or, with `--lab NAME`, on a lab's node. The
last line is `agree N of M in scope, K out of scope`; every difference comes with its reason. Without files, and without
`../shared/data/pve`, it says so and ends with 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.contract import replay_commands, replay_http
from tests.contract.lab_world import LabWorld
from tests.contract.recording import BrokenRecordError, is_command, parse_record, read_lines
from tests.contract.tree_world import TreeWorld
from tests.contract.verdict import Verdict, report
from tests.contract.world import NotReplayedError, World

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "pve"
KINDS = ("transcripts", "pvesh", "pct")


def replay(path: Path, *, pve: str, lab: str | None = None) -> list[Verdict]:
    """One file against a fresh set-up: a tree with the fake runtime, or the node of a running lab.

    What cannot be replayed (a file, a line, a login, a call) is a difference with its reason.
    """
    try:
        lines = read_lines(path)
    except BrokenRecordError as error:
        return [_not_replayed(path.name, "the whole file", str(path), str(error))]
    fresh: World = LabWorld(lab) if lab else TreeWorld(pve=pve)
    try:
        upids: dict[str, str] = {}
        calls = replay_http.Replay(fresh, path.name, pve, upids)
        commands = replay_commands.Replay(fresh, path.name, pve, upids)
        return [_replay_line(path.name, number, line, calls, commands) for number, line in lines]
    finally:
        fresh.close()


def _replay_line(
    file: str, number: int, line: str, calls: replay_http.Replay, commands: replay_commands.Replay
) -> Verdict:
    try:
        record = parse_record(line)
    except BrokenRecordError as error:
        return _not_replayed(file, f"line {number}", line[:80], str(error))
    run = commands.run if is_command(record) else calls.run
    call = (
        " ".join(record["argv"]) if is_command(record) else f"{record['request']['method']} {record['request']['path']}"
    )
    try:
        return run(record)
    except NotReplayedError as error:
        return _not_replayed(file, record["case"], call, str(error))
    except Exception as error:  # noqa: BLE001 - one strange record must not hide what the others say
        what = f"the replay does not know what to do with line {number}: {type(error).__name__}: {error}"
        return _not_replayed(file, record["case"], call, what)


def _not_replayed(file: str, case: str, call: str, why: str) -> Verdict:
    return Verdict(file=file, case=case, call=call, lines=("not replayed",), why=why)


def main(argv: list[str] | None = None) -> int:
    """Replay, print, and fail below 95 %."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.replay", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pve", default="8.4", choices=("8.4", "9.2"))
    parser.add_argument("--lab", help="a running lab whose node is called pve, instead of the fake runtime")
    parser.add_argument("--verbose", action="store_true", help="also wordings and what is out of scope")
    parser.add_argument("--least", type=float, default=0.95, help="share that must agree")
    options = parser.parse_args(argv)
    files = options.files or [path for kind in KINDS if (path := RECORDED / f"{kind}-{options.pve}.jsonl").exists()]
    if not files:
        print(f"no recorded answers of {options.pve} here (../shared/data/pve), and no file was named")
        return 0
    verdicts = [verdict for path in files for verdict in replay(path, pve=options.pve, lab=options.lab)]
    print(report(verdicts, verbose=options.verbose))
    inside = [entry for entry in verdicts if entry.out is None]
    return 0 if sum(entry.agrees for entry in inside) >= options.least * len(inside) else 1


if __name__ == "__main__":
    sys.exit(main())
