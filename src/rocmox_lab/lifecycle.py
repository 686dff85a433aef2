"""`rocmox lab up`: each step looks first, so a run after a kill goes on where it was.

Order: preflight → state (subnet) → images and mirror → node's files → bridge and firewall → namespace → node → services
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rocmox.errors import RefusedError
from rocmox.machine import Machine
from rocmox_lab import namespace, network, node, preflight, refresh, services
from rocmox_lab.credentials import Credentials, ensure_credentials
from rocmox_lab.firewall import ensure_firewall
from rocmox_lab.images import ImageCache, ensure_images, prune_images
from rocmox_lab.locks import machine_locked
from rocmox_lab.mirror import ensure_mirror
from rocmox_lab.node_files import node_files, resolver_text, user_store, write_into_layer
from rocmox_lab.progress import Progress
from rocmox_lab.recipe import ImageRecipe, load_recipes, read_apt_source
from rocmox_lab.removal import own, remove_lab, remove_running_parts
from rocmox_lab.settings import LABS_DIRECTORY, LabPlaces, LabSettings, cache_directory
from rocmox_lab.state import LabState, lab_names, new_state, read_state, write_state


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabRequest:
    """What the user asked for; None means: as it is, or the default of a new lab."""

    name: str
    node: str | None = None
    pve_version: str | None = None
    gpus: str | None = None
    need_gib: float = preflight.DEFAULT_NEED_GIB


def up(machine: Machine, request: LabRequest, progress: Progress) -> LabState:
    """Bring the lab up, or find it in place and bring it up to date; returns its state."""
    LabSettings(name=request.name)
    with own(request.name, machine, progress):
        found = read_state(request.name)
        settings = decide_settings(request, found)
        places = LabPlaces(name=settings.name)
        if found is not None and found.api_fingerprint and node.node_pid(machine, places):
            return _update_running(machine, found, settings, progress)
        return _start(machine, settings, request.need_gib, progress)


def decide_settings(request: LabRequest, found: LabState | None) -> LabSettings:
    """What the lab shall be; RefusedError when an existing lab would have to be another one."""
    standard = LabSettings(name=request.name)
    base = found or standard
    for label, wanted, existing in (
        ("node", request.node, base.node),
        ("Proxmox VE", request.pve_version, base.pve_version),
    ):
        if found is not None and wanted is not None and wanted != existing:
            raise RefusedError(
                f"lab {request.name} exists with {label} {existing}, not {wanted}: its guests would change under you",
                remedy=f"`rocmox lab down --name {request.name}` first, or give the other one a `--name` of its own.",
            )
    return LabSettings(
        name=request.name,
        node=request.node or base.node,
        pve_version=request.pve_version or base.pve_version,
        gpus=request.gpus or base.gpus,
    )


def _start(machine: Machine, settings: LabSettings, need_gib: float, progress: Progress) -> LabState:
    places = LabPlaces(name=settings.name)
    cache = ImageCache(directory=cache_directory())
    with progress.step("preflight") as step:
        need = preflight.Need(gib=need_gib, directories=(LABS_DIRECTORY, cache.directory))
        preflight.check_machine(machine, need, free_bytes=preflight.free_bytes_at)
        step.outcome = "all is there"
    state = _allocate(machine, settings)
    recipes = load_recipes(read_apt_source(machine))
    lower = choose_lower_layer(state, cache, recipes)
    state = dataclasses.replace(state, node_image=lower.name)
    write_state(state)
    with ThreadPoolExecutor(max_workers=1) as pool:
        mirror = pool.submit(ensure_mirror, machine, cache.directory, progress)
        ensure_images(machine, cache, recipes, progress)
        mirror.result()
    with machine_locked():
        prune_images(cache, recipes, in_use=[s.node_image for name in lab_names() if (s := read_state(name))])
    with progress.step("keys, settings, code"):
        credentials = ensure_credentials(machine, state)
        refresh.refresh_bound_files(state)
    with progress.step("bridge and firewall") as step, machine_locked():
        _connect(machine, state)
        step.outcome = f"{state.bridge} {state.subnet}"
    with progress.step(f"node {state.node}") as step:
        step.outcome = _boot(machine, state, credentials, lower=lower, cache=cache)
    with progress.step("services") as step:
        step.outcome = services.wait_until_ready(state)
    state = dataclasses.replace(state, api_fingerprint=credentials.fingerprint)
    write_state(state)
    progress.say(f"lab {state.name} is up: ssh root@{state.node_address}, API {state.api_url}")
    for unit in node.failed_units(machine, places):
        progress.say(f"WARNING: unit {unit} of the node failed")
    return state


def choose_lower_layer(state: LabState, cache: ImageCache, recipes: Sequence[ImageRecipe]) -> Path:
    """The image a stopped lab stood on, since its upper layer belongs to it; else the one of today's recipe."""
    before = cache.images / state.node_image
    if state.node_image and before.is_dir():
        return before
    return next(cache.path(recipe) for recipe in recipes if recipe.format == "directory")


def _allocate(machine: Machine, settings: LabSettings) -> LabState:
    with machine_locked():
        found = read_state(settings.name)
        if found is not None:
            return dataclasses.replace(found, gpus=settings.gpus)
        places = LabPlaces(name=settings.name)
        if places.directory.exists():  # `down`, or the first step of `up`, was killed: nothing in it can be trusted
            remove_running_parts(machine, places)
            remove_lab(machine, places)
        places.directory.mkdir(mode=0o700)
        state = new_state(settings, network.choose_subnet_number(network.taken_networks(machine)))
        write_state(state)
        return state


def _connect(machine: Machine, state: LabState) -> None:
    network.enable_forwarding(machine)
    network.ensure_bridge(machine, state)
    ensure_firewall(machine, state)


def _boot(machine: Machine, state: LabState, credentials: Credentials, *, lower: Path, cache: ImageCache) -> str:
    places = LabPlaces(name=state.name)
    remove_running_parts(machine, places)
    files = node_files(state, credentials, read_resolver(machine))
    write_into_layer(files, upper=places.upper, lower=lower)
    store = user_store(Path(state.root_password_file).read_text().strip())
    if not (places.upper / store.path.lstrip("/")).exists():
        write_into_layer((store,), upper=places.upper, lower=lower)
    refresh.remember_node_files(places, files)
    with machine_locked():
        namespace.create_namespace(machine, places, lower=lower)
    config = node.container_config(state, mirror=cache.directory / "mirror", templates=cache.templates)
    node.write_config(state, config)
    word = node.start_node(machine, places)
    entry = f"root:{credentials.password_hash}\n".encode()
    node.run_in_node(machine, places, ["chpasswd", "--encrypted"], stdin=entry).check()
    return word


def read_resolver(machine: Machine) -> str:
    """The text of the node's resolv.conf."""
    systemd = "/run/systemd/resolve/resolv.conf"
    return resolver_text(
        machine.read_bytes("/etc/resolv.conf").decode(),
        machine.read_bytes(systemd).decode() if machine.exists(systemd) else "",
    )


def _update_running(machine: Machine, found: LabState, settings: LabSettings, progress: Progress) -> LabState:
    state = dataclasses.replace(found, gpus=settings.gpus)
    ensure_mirror(machine, cache_directory(), progress)
    with machine_locked():
        _connect(machine, state)
    credentials = ensure_credentials(machine, state)
    changes = refresh.refresh_running_node(machine, found, state, credentials, read_resolver(machine))
    services.wait_until_ready(state)
    write_state(state)
    word = f"brought up to date ({', '.join(changes)})" if changes else "found in place"
    progress.say(f"lab {state.name} {word}: ssh root@{state.node_address}, API {state.api_url}")
    return state
