from rocmox.health.result import Evidence, Result, Verdict
from rocmox.report.health import remedies, to_json, to_text

RESULTS = [
    Result(check="driver", code="DRIVER_OK", verdict=Verdict.PASS, subject="0000:03:00.0", summary="fine"),
    Result(
        check="services",
        code="SERVICE_SILENT",
        verdict=Verdict.FAIL,
        subject="open-webui",
        summary="open-webui does not answer",
        evidence=(Evidence(source="http://h", value="refused"),),
        remedy="Read the journal.",
    ),
]


def test_the_document_is_the_contracts() -> None:
    document = to_json("local", RESULTS)
    assert (document["schema_version"], document["verdict"]) == (1, "FAIL")
    assert document["results"][1] == {
        "check": "services",
        "code": "SERVICE_SILENT",
        "verdict": "FAIL",
        "subject": "open-webui",
        "summary": "open-webui does not answer",
        "evidence": ({"source": "http://h", "value": "refused"},),
        "remedy": "Read the journal.",
    }


def test_only_what_is_broken_has_a_remedy() -> None:
    assert remedies(RESULTS) == ["FAIL SERVICE_SILENT open-webui: open-webui does not answer. Read the journal."]


def test_the_text_ends_with_the_verdict() -> None:
    assert to_text(RESULTS).splitlines()[-1] == "verdict: FAIL"
