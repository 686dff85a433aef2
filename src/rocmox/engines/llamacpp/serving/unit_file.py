"""The systemd unit of one model: llama-server's options by version, and the words of the unit around them.

Part of plan_role.py.
"""

import hashlib
import json
from typing import Any

from rocmox.engines.llamacpp.build_numbers import FLASH_ATTENTION_VALUE, JINJA
from rocmox.engines.llamacpp.serving.instances import is_on

Settings = dict[str, Any]

FOLDER = "/etc/systemd/system"
BEFORE = """# Ansible managed
[Unit]
Description=llama.cpp server for {name}
Documentation=https://github.com/ggml-org/llama.cpp/tree/master/tools/server
Wants=network-online.target
After=network-online.target
# A model that does not load will not load the fourth time either.
StartLimitIntervalSec=600
StartLimitBurst=3

[Service]
"""
# ruff: noqa: E501 - the unit as it is
ON_CARDS = """# Becomes llama-server when there is a card. Without one it ends with 69, and another attempt would end no better.
ExecStart=/usr/bin/python3 -I {install}/libexec/start_on_cards.py {backend} \\
    {without_cards} {install}/current/bin/llama-server \\
"""
ON_PROCESSOR = """ExecStart={install}/current/bin/llama-server \\
"""
AFTER = """    --api-key-file "${{CREDENTIALS_DIRECTORY}}/api-key"
# What this configuration consists of besides the file you read (build, model, key file); the role restarts the
# service when the running process carries another value, however the play ended the last time.
Environment=ROCMOX_CONFIGURATION={configuration}
Restart=on-failure
RestartPreventExitStatus=69
RestartSec=5
TimeoutStopSec=30

LoadCredential=api-key:{api_key_file}
User={user}
Group={user}
SupplementaryGroups={groups}
# The driver pins the buffers it shares with the cards.
LimitMEMLOCK=infinity
OOMScoreAdjust=200

# /dev/kfd and /dev/dri stay visible. In an unprivileged guest systemd may not attach a device filter of its own and
# goes on without; there the container's device list alone decides.
PrivateDevices=no
DevicePolicy=closed
DeviceAllow=/dev/kfd rw
DeviceAllow=char-drm rw
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def unit_name(model: Settings) -> str:
    """The unit that serves a model."""
    return f"llama-server@{model['name']}.service"


def server_options(settings: Settings, model: Settings, *, backend: str, build_number: int) -> dict[str, str]:
    """Options that take a value."""
    options = {
        "--model": model["file"],
        "--alias": model["name"],
        "--host": settings["listen_address"],
        "--port": model["port"],
        "--ctx-size": model["context_tokens"],
        "--parallel": model["parallel"],
        "--cache-type-k": model["cache_type_k"],
        "--cache-type-v": model["cache_type_v"],
    }
    if backend != "cpu":
        options |= {"--n-gpu-layers": model["gpu_layers"], "--split-mode": model["split_mode"]}
    if model["tensor_split"]:
        options["--tensor-split"] = ",".join(map(str, model["tensor_split"]))
    if build_number >= FLASH_ATTENTION_VALUE:
        options["--flash-attn"] = "on" if is_on(model["flash_attention"]) else "off"
    return {name: str(value) for name, value in options.items()}


def server_switches(model: Settings, *, build_number: int) -> list[str]:
    """Options without a value."""
    switches = ["--metrics", "--no-webui"]
    if build_number >= JINJA:
        switches.append("--jinja")
    if is_on(model["flash_attention"]) and build_number < FLASH_ATTENTION_VALUE:
        switches.append("--flash-attn")
    return switches


def server_words(settings: Settings, model: Settings, *, backend: str, build_number: int) -> list[list[str]]:
    """The command line, one option for each line of the unit."""
    options = server_options(settings, model, backend=backend, build_number=build_number)
    single = [*server_switches(model, build_number=build_number), *map(str, model["extra_arguments"])]
    return [*([name, value] for name, value in options.items()), *([word] for word in single)]


def unit_text(settings: Settings, model: Settings, *, backend: str, build_number: int, configuration: str = "") -> str:
    """The unit's file."""
    start = ON_PROCESSOR if backend == "cpu" else ON_CARDS
    words = server_words(settings, model, backend=backend, build_number=build_number)
    values = {
        "name": model["name"],
        "install": settings["install_directory"],
        "backend": backend,
        "without_cards": "refuse" if is_on(settings["require_gpu"]) else "allow",
        "configuration": configuration,
        "api_key_file": settings["api_key_file"],
        "user": settings["service_user"],
        "groups": " ".join(map(str, settings["device_groups"])),
    }
    lines = "".join(f"    {' '.join(map(quoted, line))} \\\n" for line in words)
    return BEFORE.format(**values) + start.format(**values) + lines + AFTER.format(**values)


def configuration_of(text: str, build_key: str, key_mtime: float) -> str:
    """By what a running process is known: the unit without this value, the build, and the time of the key's file."""
    return hashlib.sha256(json.dumps([text, build_key, key_mtime]).encode()).hexdigest()


def quoted(text: str) -> str:
    """A word of ExecStart as systemd.syntax(7) and systemd.service(5) have it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
