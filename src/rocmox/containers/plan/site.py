"""One node's desired containers: survey it, find every problem, plan every container."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rocmox.containers.current.cards import NodeCard
from rocmox.containers.current.creations import CreationNotes
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.node import CurrentContainer, CurrentNode, read_node
from rocmox.containers.current.survey import check_node
from rocmox.containers.plan import cards as card_rules
from rocmox.containers.plan import exclusive, preflight
from rocmox.containers.plan.container import DesiredContainer, Rules, plan_container
from rocmox.containers.plan.interrupted import creations_under_way
from rocmox.containers.plan.prediction import foresee, in_words
from rocmox.containers.plan.privileges import plan_problems
from rocmox.containers.plan.resources import resource_problems
from rocmox.containers.plan.steps import DownloadTemplate, RemoveHalfMade, Step, WaitForCreation
from rocmox.containers.plan.template_choice import choose_templates, downloads_of
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.options import Options
from rocmox.containers.spec.problems import Problem, refuse_if_any
from rocmox.containers.spec.templates import TemplateChoice
from rocmox.proxmox import Node


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerPlan:
    """A container's desired and actual state, and the steps between them."""

    desired: DesiredContainer
    current: CurrentContainer | None
    steps: tuple[Step, ...]
    foreseen: tuple[Step, ...] = ()
    """The steps with what a second look at the guest will add; for people, and for check mode."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SitePlan:
    """What is to be done on one node: templates first, then container by container."""

    current: CurrentNode
    rules: Rules
    downloads: tuple[DownloadTemplate, ...]
    containers: tuple[ContainerPlan, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*self.downloads, *(step for container in self.containers for step in container.steps))

    @property
    def foreseen(self) -> tuple[str, ...]:
        """What will have been done once the plan is carried out, in words."""
        steps = (*self.downloads, *(step for container in self.containers for step in container.foreseen))
        return tuple(map(in_words, steps))


def legacy_containers(plan: SitePlan) -> tuple[CurrentContainer, ...]:
    """Those that pass cards by raw `lxc.*` lines."""
    return tuple(entry.current for entry in plan.containers if entry.current and entry.current.legacy)


def plan_site(
    node: Node,
    specs: Sequence[ContainerSpec],
    cards: Sequence[NodeCard],
    group_ids: Mapping[int, GroupIds],
    options: Options,
    *,
    current: CurrentNode | None = None,
    journal: CreationNotes | None = None,
) -> SitePlan:
    """Read the node, refuse what cannot work (RefusedError with every reason), plan the rest. Changes nothing.

    `current` is the node when it was read already (`survey_node`); `journal` tells half-made containers of ours.
    """
    current = current or survey_node(node, specs)
    rules = Rules(version=current.version, restart=options.restart, migrate_legacy=options.migrate_legacy)
    choices, problems = _choose(specs, cards)
    wanted = [DesiredContainer(spec=spec, devices=card_rules.desired_devices(chosen)) for spec, chosen in choices]
    problems += exclusive.conflicts(choices) + exclusive.conflicts_on_node(node, choices, current)
    problems += preflight.ownership_problems(specs, current)
    problems += resource_problems(specs, current, overcommit=options.allow_overcommit)
    interrupted = creations_under_way(node, specs, current, journal)
    problems += interrupted.problems
    absent = [spec for spec in specs if spec.vmid not in current.containers or spec.vmid in interrupted.steps]
    chosen, template_problems = choose_templates(node, absent, current, options)
    refuse_if_any(problems + template_problems)
    plans = tuple(
        _plan_one(
            _with_template(desired, chosen),
            current.containers.get(desired.spec.vmid),
            interrupted.steps.get(desired.spec.vmid),
            group_ids.get(desired.spec.vmid),
            rules,
        )
        for desired in wanted
    )
    downloads = downloads_of(chosen.values())
    foreseen = [(entry.desired.spec, entry.foreseen) for entry in plans]
    refuse_if_any(plan_problems(node, foreseen, downloads, version=current.version, bridges=current.bridges))
    return SitePlan(current=current, rules=rules, downloads=downloads, containers=plans)


def survey_node(node: Node, specs: Sequence[ContainerSpec]) -> CurrentNode:
    """The node as far as these containers are concerned; RefusedError when rocmox cannot work on it at all."""
    return read_node(node, check_node(node), specs)


def _choose(
    specs: Sequence[ContainerSpec], cards: Sequence[NodeCard]
) -> tuple[list[tuple[ContainerSpec, Sequence[NodeCard]]], list[Problem]]:
    """Cards by address, architecture or `all` → those of the node today."""
    choices: list[tuple[ContainerSpec, Sequence[NodeCard]]] = []
    problems: list[Problem] = []
    for spec in specs:
        chosen, found = card_rules.choose(spec, cards) if spec.gpus else ((), [])
        problems += found
        choices.append((spec, chosen))
    return choices, problems


def _with_template(desired: DesiredContainer, chosen: Mapping[int, TemplateChoice]) -> DesiredContainer:
    choice = chosen.get(desired.spec.vmid)
    return dataclasses.replace(desired, template_volume_id=choice.volume_id) if choice else desired


def _plan_one(
    desired: DesiredContainer,
    container: CurrentContainer | None,
    first: WaitForCreation | RemoveHalfMade | None,
    known: GroupIds | None,
    rules: Rules,
) -> ContainerPlan:
    if isinstance(first, WaitForCreation):
        return ContainerPlan(desired=desired, current=container, steps=(first,), foreseen=(first,))
    found = None if first else container
    steps = plan_container(desired, found, group_ids=known, rules=rules)
    steps = (first, *steps) if first else steps
    return ContainerPlan(desired=desired, current=found, steps=steps, foreseen=foresee(desired, found, steps, rules))
