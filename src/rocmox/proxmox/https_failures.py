"""proxmoxer's and requests' exceptions → rocmox's, with what, where, why and what now."""

from __future__ import annotations

import requests
from proxmoxer.core import ResourceException
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from rocmox.errors import MachineError, RefusedError, RocmoxError
from rocmox.proxmox.api import Endpoint
from rocmox.proxmox.failures import LostAnswerError, from_text, not_permitted, refused_login

# What stands in front of the API got no answer from the node behind it, which may have done the work: 595 and 596 are
# pveproxy's (AnyEvent::HTTP's pseudo codes for a failed and a broken connection), 50x those of a proxy in between.
PASSING_STATUSES = frozenset({502, 503, 504, 595, 596, 599})
_SHOW_FINGERPRINT = "openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem"


def translate_http(error: ResourceException, endpoint: Endpoint, account_name: str, path: str) -> RocmoxError:
    """An HTTP status of 400 or more as rocmox says it. PVE puts its text into the reason phrase."""
    text = _text_of(error)
    where = f"{endpoint.address}{path}"
    if error.status_code == 401:  # noqa: PLR2004 - HTTP's number is its name
        return refused_login(endpoint.address, account_name, text)
    if error.status_code == 403:  # noqa: PLR2004
        return not_permitted(where, account_name, text)
    if error.status_code in PASSING_STATUSES:
        return LostAnswerError(
            f"{where}: {error.status_code} {text}: the proxy in front of the API got no answer from the node",
            remedy="Wait until the node is back (`systemctl status pvedaemon pveproxy` there), then run again: a run "
            "goes on from what it finds.",
        )
    return from_text(where, text, prefix=f"{error.status_code} ")


def translate_transport(error: requests.exceptions.RequestException, endpoint: Endpoint) -> RocmoxError:
    """No HTTP answer at all: wrong certificate, nobody there, no answer in time."""
    why = _innermost(error)
    if "ingerprint" in why:
        return RefusedError(
            f"{endpoint.address} shows another certificate than the one pinned in pve_api_fingerprint",
            remedy=f"Compare with `{_SHOW_FINGERPRINT}` on the node itself; "
            "correct pve_api_fingerprint if it was renewed.",
        )
    if is_certificate_trouble(error):
        return RefusedError(
            f"the certificate of {endpoint.address} is not trusted: {why}",
            remedy=f"Pin it: pve_api_fingerprint is what `{_SHOW_FINGERPRINT}` prints on the node.",
        )
    kind = MachineError if _was_never_sent(error) else LostAnswerError
    return kind(
        f"no answer from {endpoint.address}: {why}",
        remedy="Check pve_api_host, the network, and `systemctl status pveproxy` on the node.",
    )


def is_certificate_trouble(error: requests.exceptions.RequestException) -> bool:
    """Whether TLS failed for the certificate; a connection that ends amid TLS is an SSLError too (`EOF occurred`)."""
    text = str(error)
    return isinstance(error, requests.exceptions.SSLError) and ("ertificate" in text or "CERTIFICATE" in text)


def _was_never_sent(error: requests.exceptions.RequestException) -> bool:
    """Whether no connection came about; any later failure leaves open what Proxmox VE has done."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _text_of(error: ResourceException) -> str:
    """PVE's words; field errors of a 400 are added as `field: text`."""
    text = str(error.content).strip()
    errors = error.errors if isinstance(error.errors, dict) else {}
    fields = "; ".join(f"{name}: {' '.join(str(why).split())}" for name, why in errors.items() if name != "errors")
    if fields:
        text = text.split(" - {")[0]
    return f"{text} {fields}".strip()


def _innermost(error: BaseException) -> str:
    """Requests wraps urllib3 wraps the socket: the reason is at the bottom."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off"
    text = str(error)
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, BaseException):
        text = str(reason)
    return text.rpartition(": ")[2].rstrip(")") if "HTTPSConnection" in text else text
