"""One node's whole wish: survey it, find every problem, plan every container."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rocmox.containers import cards as card_rules
from rocmox.containers import exclusive, preflight
from rocmox.containers.cards import Card
from rocmox.containers.current import CurrentContainer, CurrentNode, read_node
from rocmox.containers.devices import GroupIds
from rocmox.containers.interrupted import creations_under_way
from rocmox.containers.journal import CreationJournal
from rocmox.containers.options import Options
from rocmox.containers.plan import Rules, Wish, plan_container
from rocmox.containers.prediction import foresee, in_words
from rocmox.containers.privileges import plan_problems
from rocmox.containers.problems import Problem, refuse_if_any
from rocmox.containers.resources import resource_problems
from rocmox.containers.spec import ContainerSpec
from rocmox.containers.steps import DownloadTemplate, RemoveHalfMade, Step, WaitForCreation
from rocmox.containers.template_choice import choose_templates, downloads_of
from rocmox.containers.templates import TemplateChoice
from rocmox.proxmox import Node


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerPlan:
    """A container's wish, state, and the steps between them."""

    wish: Wish
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
    cards: Sequence[Card],
    group_ids: Mapping[int, GroupIds],
    options: Options,
    *,
    current: CurrentNode | None = None,
    journal: CreationJournal | None = None,
) -> SitePlan:
    """Read the node, refuse what cannot work (RefusedError with every reason), plan the rest. Changes nothing.

    `current` is the node when it was read already (`survey_node`); `journal` tells half-made containers of ours.
    """
    current = current or survey_node(node, specs)
    rules = Rules(version=current.version, restart=options.restart, migrate_legacy=options.migrate_legacy)
    choices, problems = _choose(specs, cards)
    wishes = [Wish(spec=spec, devices=card_rules.wished_devices(chosen)) for spec, chosen in choices]
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
            _with_template(wish, chosen),
            current.containers.get(wish.spec.vmid),
            interrupted.steps.get(wish.spec.vmid),
            group_ids.get(wish.spec.vmid),
            rules,
        )
        for wish in wishes
    )
    downloads = downloads_of(chosen.values())
    foreseen = [(entry.wish.spec, entry.foreseen) for entry in plans]
    refuse_if_any(plan_problems(node, foreseen, downloads, version=current.version, bridges=current.bridges))
    return SitePlan(current=current, rules=rules, downloads=downloads, containers=plans)


def survey_node(node: Node, specs: Sequence[ContainerSpec]) -> CurrentNode:
    """The node as far as these wishes are concerned; RefusedError when rocmox cannot work on it at all."""
    return read_node(node, preflight.check_node(node), specs)


def _choose(
    specs: Sequence[ContainerSpec], cards: Sequence[Card]
) -> tuple[list[tuple[ContainerSpec, Sequence[Card]]], list[Problem]]:
    """Cards by address, architecture or `all` → those of the node today."""
    choices: list[tuple[ContainerSpec, Sequence[Card]]] = []
    problems: list[Problem] = []
    for spec in specs:
        chosen, found = card_rules.choose(spec, cards) if spec.gpus else ((), [])
        problems += found
        choices.append((spec, chosen))
    return choices, problems


def _with_template(wish: Wish, chosen: Mapping[int, TemplateChoice]) -> Wish:
    choice = chosen.get(wish.spec.vmid)
    return dataclasses.replace(wish, template_volume_id=choice.volume_id) if choice else wish


def _plan_one(
    wish: Wish,
    container: CurrentContainer | None,
    first: WaitForCreation | RemoveHalfMade | None,
    known: GroupIds | None,
    rules: Rules,
) -> ContainerPlan:
    if isinstance(first, WaitForCreation):
        return ContainerPlan(wish=wish, current=container, steps=(first,), foreseen=(first,))
    found = None if first else container
    steps = plan_container(wish, found, group_ids=known, rules=rules)
    steps = (first, *steps) if first else steps
    return ContainerPlan(wish=wish, current=found, steps=steps, foreseen=foresee(wish, found, steps, rules))
