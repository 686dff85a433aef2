"""The lab's API and commands against everything that was recorded of a real Proxmox VE, with the fake runtime."""

from __future__ import annotations

import pytest

from tests.contract.replay import KINDS, RECORDED, main


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_the_lab_answers_as_recorded(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind by itself agrees in 95 of 100 cases of its scope; `make contract` names those that do not."""
    file = RECORDED / f"{kind}-8.4.jsonl"
    if not file.exists():
        pytest.skip("../shared/data/pve is not here")
    status = main([str(file)])
    printed = capsys.readouterr().out
    assert status == 0, printed[-4000:]
    assert "agree " in printed.splitlines()[-1]
