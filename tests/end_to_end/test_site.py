"""site.yml from an empty node, through a kill, to a finished site that a second run leaves alone."""

import subprocess

import pytest

from tests.end_to_end.conftest import BIN, LAB, CheckOfEmptySite, Run, play, play_until_killed, seeded

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]


def test_check_of_an_empty_site_passes_and_changes_nothing(check_of_empty_site: CheckOfEmptySite) -> None:
    assert check_of_empty_site.run.exit_status == 0, check_of_empty_site.run.output[-4000:]
    assert "llm1" in check_of_empty_site.run.output
    assert check_of_empty_site.containers == ""
    assert "vztmpl" not in check_of_empty_site.templates


def test_a_killed_site_converges(killed_site: int, site: Run) -> None:
    assert killed_site >= 5
    assert site.exit_status == 0


def test_a_second_run_changes_nothing(site: Run) -> None:
    assert site.exit_status == 0
    # Other tests on this node remove sites of their own, and with the last one rocmox's checks leave the node.
    finished = play()
    assert finished.exit_status == 0, finished.output[-4000:]
    again = play()
    assert again.exit_status == 0, again.output[-4000:]
    assert set(again.changed.values()) == {0}, again.output[-6000:]


def test_check_of_a_finished_site_changes_nothing(site: Run) -> None:
    assert site.exit_status == 0
    check = play("--check", "--diff")
    assert check.exit_status == 0, check.output[-4000:]
    assert set(check.changed.values()) == {0}, check.output[-6000:]


def test_a_question_is_answered(site: Run) -> None:
    assert site.exit_status == 0
    answer = subprocess.run(
        [BIN / "rocmox", "lab", "ask", "--name", LAB, "Are you there?"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert answer.stdout.strip()


@pytest.mark.soak
@pytest.mark.timeout(14400)
def test_ten_kills_converge(lab: dict[str, str]) -> None:
    assert lab["name"] == LAB
    moments = sorted(seeded().sample(range(3, 220), 10))
    begun = [play_until_killed(moment) for moment in moments]
    final = play()
    print(f"killed after tasks {begun}; then exit status {final.exit_status}, changed {final.changed}")
    assert final.exit_status == 0, final.output[-6000:]
    assert set(play().changed.values()) == {0}
