"""`rocmox p2p`: words in, one document out, exit code by the worst pair."""

import json

import pytest

from rocmox.cli.exit_codes import FAIL, PASS, USAGE
from rocmox.cli.main import main
from tests.stand_in import TWO_CARDS, StandIn


def test_json_stands_alone_on_standard_output(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.be(f"mode=no-copy {TWO_CARDS}")
    assert main(["p2p", "--json"]) == FAIL
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert {pair["code"] for pair in document["pairs"]} == {"P2P_DATA_CORRUPT"}
    assert "pair 1 of 2" in printed.err


def test_one_card_is_no_failure(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.be("devices=0000:03:00.0")
    assert main(["p2p"]) == PASS
    assert "P2P_NOT_APPLICABLE" in capsys.readouterr().out


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "3601"])
def test_a_limit_that_is_none(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["p2p", f"--limit={limit}"]) == USAGE
    assert "give seconds between 0 and 3600" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--limit", "x"], ["--level", "1"], ["x"]])
def test_wrong_words_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["p2p", *words])
    assert stopped.value.code == USAGE
