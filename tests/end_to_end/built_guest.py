"""A guest in which a role builds llama.cpp for real: by wish and checksum, and what it then serves."""

import dataclasses
import json
import urllib.request
from typing import Any

from tests.end_to_end.conftest import Run, on_node, play
from tests.hip_matrix import sources

UNIT = "llama-server@tiny.service"
PROGRAM = "/opt/llama.cpp/current/bin/llama-server"
ANSWER_SECONDS = 600  # Mesa's software device compiles each shader at its first use


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuiltGuest:
    """Guest `vmid` of this lab; it is created and removed by the playbooks."""

    lab: dict[str, str]
    vmid: int
    disk_gib: int

    @property
    def address(self) -> str:
        return f"{self.lab['gateway'].rpartition('.')[0]}.{self.vmid}"

    def play(self, name: str, **variables: Any) -> Run:
        """Run `playbooks/NAME.yml` on this guest."""
        place = {"ip": f"{self.address}/24", "gateway": self.lab["gateway"], "bridge": "vmbr0", "storage": "local"}
        size = {"cores": 2, "memory_mib": 8192, "disk_gib": self.disk_gib, "template": "debian-13-standard"}
        entry = {
            "vmid": self.vmid,
            "hostname": f"built{self.vmid}",
            "gpus": "all",
            "unprivileged": True,
            **place,
            **size,
        }
        wish = {"gpu_containers": [entry], "proxmox_vmid": self.vmid, **variables}
        return play("-e", json.dumps(wish), playbook=f"playbooks/{name}.yml", timeout_seconds=10000)

    def serve(self, release: str, **variables: Any) -> Run:
        """Build and serve this llama-cpp-python release's llama.cpp; commit and checksum come from the matrix."""
        (source,) = [one for one in sources.load_versions() if one.release == release]
        name = sources.archive(source).name
        wish = {
            "llama_cpp_source": "archive",
            "llama_cpp_commit": sources.commit(source),
            "llama_cpp_archive_url": "{{ lab_mirror_url }}/sources/" + name,
            "llama_cpp_archive_sha256": source.sha256,
            "llama_cpp_source_subdirectory": name.removesuffix(".tar.gz") + "/vendor/llama.cpp",
        }
        return self.play("serve_models", **(wish | variables))

    def run(self, command: str) -> str:
        """What a shell command prints in the guest."""
        return on_node(self.lab, "pct", "exec", str(self.vmid), "--", "sh", "-c", command)

    def state(self) -> dict[str, str]:
        """ActiveState, NRestarts and ExecMainStatus of the tiny model's unit."""
        lines = self.run(f"systemctl show -p ActiveState,NRestarts,ExecMainStatus {UNIT}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def answer(self, port: int = 8080, key: str | None = None) -> str:
        """What the served model says; the key of the role unless another is given."""
        key = self.run("cat /etc/llama-server/api-key").strip() if key is None else key
        question = {"temperature": 0, "messages": [{"role": "user", "content": "Are you there?"}]}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        url = f"http://{self.address}:{port}/v1/chat/completions"
        request = urllib.request.Request(url, json.dumps(question).encode(), headers)
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as reply:  # noqa: S310 - http, made above
            return str(json.load(reply)["choices"][0]["message"]["content"])
