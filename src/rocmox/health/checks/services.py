"""The services that should answer do: their `/health` pages, asked on the machine itself."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.health.context import Context, Service
from rocmox.health.probes.run import run_probe
from rocmox.health.result import Evidence, Reporter, Result, Verdict, not_applicable

LEVEL = 1
_CHECK = "services"
_TIMEOUT_SECONDS = 10
_OK = 200
_LOADING = 503  # what a server answers while it loads a model


def run(context: Context) -> Iterator[Result]:
    """One result per service."""
    installed = (Service(name=one.unit_name, url=one.health_url) for one in context.served)
    services = [*installed, *context.services]
    for unit in context.undescribed:
        yield Reporter(_CHECK).unknown(
            "SERVICE_UNDESCRIBED", unit.unit.removesuffix(".service"), unit.summary, remedy=unit.remedy
        )
    if not services and not context.undescribed:
        reason = "nothing is served here (no descriptor in /etc/rocmox/served), and no --service was named"
        yield not_applicable(_CHECK, context.machine.name, reason)
    for service in services:
        yield _judge(service, context)


def _judge(service: Service, context: Context) -> Result:
    question = {"url": service.url, "timeout_seconds": _TIMEOUT_SECONDS}
    answer = run_probe(context.machine, "http_get", question, timeout_seconds=_TIMEOUT_SECONDS + 10)
    status = answer["status"]
    value = answer["reason"] if status is None else f"{status} {answer['body'].strip()}"
    code, verdict, summary, remedy = _verdict(service, status)
    return Result(
        check=_CHECK,
        code=code,
        verdict=verdict,
        subject=service.name,
        summary=summary,
        evidence=(Evidence(source=service.url, value=value),),
        remedy=remedy,
    )


def _verdict(service: Service, status: int | None) -> tuple[str, Verdict, str, str]:
    journal = f"Read `systemctl status {service.name}` and `journalctl -u {service.name} -n 50`."
    if status is None:
        return "SERVICE_SILENT", Verdict.FAIL, f"{service.name} does not answer", journal
    if status == _OK:
        return "SERVICE_OK", Verdict.PASS, f"{service.name} answers", ""
    if status == _LOADING:
        wait = "Wait until the model is loaded and ask again. " + journal
        return "SERVICE_LOADING", Verdict.FAIL, f"{service.name} is not ready yet", wait
    return "SERVICE_BROKEN", Verdict.FAIL, f"{service.name} answers with status {status}", journal
