"""Releases of Open WebUI that fail on purpose: tiny wheels under its name, with a lock of their own."""

import base64
import hashlib
import zipfile
from pathlib import Path

VERSION = "99.0"
_SERVE = """
import http.server, os, pathlib, sqlite3, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

def app():
    data = pathlib.Path(os.environ["DATA_DIR"])
    if {stillborn} or data.name != "smoke":
        if not {stillborn}:
            with sqlite3.connect(data / "webui.db") as connection:
                connection.execute("DELETE FROM user")
                connection.execute("DELETE FROM auth")
            connection.close()
        sys.exit("this release was planted to fail")
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Health).serve_forever()
"""


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def plant(folder: Path, *, stillborn: bool) -> Path:
    """A wheel and `requirements.txt` in a folder; the wheel fails at once, or only once it has the real data."""
    folder.mkdir(parents=True)
    info = f"open_webui-{VERSION}.dist-info"
    files = {
        "open_webui/__init__.py": _SERVE.replace("{stillborn}", str(stillborn)).encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: open-webui\nVersion: {VERSION}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": b"[console_scripts]\nopen-webui = open_webui:app\n",
    }
    record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in files.items()) + f"{info}/RECORD,,\n"
    wheel = folder / f"open_webui-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, data)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "requirements.txt").write_text(f"open-webui=={VERSION} \\\n    --hash=sha256:{sha256}\n")
    return folder
