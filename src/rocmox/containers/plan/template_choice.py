"""Chooses the template of every container that is to be created, from the storage or from Proxmox's index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rocmox.containers.current.node import CurrentNode
from rocmox.containers.plan.steps import DownloadTemplate
from rocmox.containers.spec import templates
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.options import Options
from rocmox.containers.spec.problems import Problem
from rocmox.proxmox import Node, storage


def choose_templates(
    node: Node, specs: Sequence[ContainerSpec], current: CurrentNode, options: Options
) -> tuple[dict[int, templates.TemplateChoice], list[Problem]]:
    """The template of each container to be created; Proxmox's index is read only when the storage lacks one."""
    chosen: dict[int, templates.TemplateChoice] = {}
    problems: list[Problem] = []
    index: tuple[str, ...] | None = None
    present: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        where, _ = templates.split_volume_id(spec.template, default_storage=options.template_storage)
        found = current.storages.get(where)
        if found is None or "vztmpl" not in found.content:
            what = f"the node has no storage {where} for templates (content vztmpl)"
            problems.append(
                Problem(where=spec.field("template"), what=what, remedy="Set gpu_container_template_storage.")
            )
            continue
        if where not in present:
            present[where] = storage.list_templates(node, where)
        choice = templates.choose_template(
            spec.template, storage=where, present=present[where], downloadable=index or ()
        )
        if choice is None and index is None:
            index = storage.list_downloadable(node)
            choice = templates.choose_template(spec.template, storage=where, present=present[where], downloadable=index)
        problem = _template_problem(spec, choice, where, options)
        if problem:
            problems.append(problem)
        elif choice:
            chosen[spec.vmid] = choice
    return chosen, problems


def _template_problem(
    spec: ContainerSpec, choice: templates.TemplateChoice | None, where: str, options: Options
) -> Problem | None:
    if choice is None:
        what = f"no template {spec.template} on {where}, and Proxmox's index has none of that name"
        remedy = "`pveam update && pveam available --section system` on the node lists what can be downloaded."
        return Problem(where=spec.field("template"), what=what, remedy=remedy)
    system = templates.guest_system(choice.file_name)
    if system in options.supported_guests:
        return None
    what = f"{choice.file_name} is {system or 'an unknown system'}, which rocmox's roles do not install on"
    remedy = f"Use one of {', '.join(options.supported_guests)}, or extend gpu_container_supported_guests."
    return Problem(where=spec.field("template"), what=what, remedy=remedy)


def downloads_of(chosen: Iterable[templates.TemplateChoice]) -> tuple[DownloadTemplate, ...]:
    """What must be fetched first, each template once."""
    missing = {choice.volume_id: choice for choice in chosen if choice.download}
    return tuple(
        DownloadTemplate(storage=missing[volume].storage, file_name=missing[volume].file_name)
        for volume in sorted(missing)
    )
