"""The matrix and the document of `rocmox p2p`."""

import itertools

from rocmox.health.p2p.pair import Pair, PairVerdict
from rocmox.health.p2p.run import PeerReport
from rocmox.health.result import Evidence, Verdict, not_applicable
from rocmox.report.p2p import to_json, to_text

NAMES = ("0000:03:00.0", "0000:06:00.0")


def verdict(source: str, destination: str) -> PairVerdict:
    pair = Pair(source=source, destination=destination, source_device=NAMES.index(source), destination_device=0)
    if source == NAMES[0]:
        return PairVerdict(
            pair=pair, verdict=Verdict.PASS, code="P2P_OK", summary="arrives", bytes_per_second=12.94e9, largest_bytes=9
        )
    return PairVerdict(
        pair=pair,
        verdict=Verdict.CRIT,
        code="P2P_DATA_CORRUPT",
        summary="unchanged",
        remedy="Serve nothing.",
        damage="unchanged",
        evidence=(Evidence(source="copies compared", value="1 of 64 KiB; 1 wrong"),),
    )


REPORT = PeerReport(pairs=tuple(itertools.starmap(verdict, itertools.permutations(NAMES, 2))))


def test_the_matrix_goes_from_source_to_destination() -> None:
    lines = to_text(REPORT).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["from", "\\", "to", *NAMES],
        [NAMES[0], "·", "PASS", "12.9", "GB/s"],
        [NAMES[1], "CRIT", "DATA_CORRUPT", "·"],
    ]
    assert lines[-2:] == ["→ Serve nothing.", "verdict: CRIT"]
    assert f"CRIT P2P_DATA_CORRUPT {NAMES[1]} -> {NAMES[0]}: unchanged" in lines


def test_the_document_names_every_pair() -> None:
    document = to_json("local", REPORT)
    assert (document["schema_version"], document["machine"], document["verdict"]) == (1, "local", "CRIT")
    good, bad = document["pairs"]
    assert (good["source"], good["destination"], good["verdict"], good["code"]) == (*NAMES, "PASS", "P2P_OK")
    assert good["bytes_per_second"] == 12_940_000_000
    assert (bad["bytes_per_second"], bad["damage"], bad["remedy"]) == (None, "unchanged", "Serve nothing.")
    assert bad["evidence"] == [{"source": "copies compared", "value": "1 of 64 KiB; 1 wrong"}]


def test_without_pairs_the_reason_stands_there() -> None:
    report = PeerReport(why_none=not_applicable("p2p", "local", "there is one card"))
    assert to_text(report).splitlines() == ["P2P_NOT_APPLICABLE: there is one card", "verdict: NOT_APPLICABLE"]
    document = to_json("local", report)
    assert (document["verdict"], document["pairs"], document["reason"]) == ("NOT_APPLICABLE", [], "there is one card")
