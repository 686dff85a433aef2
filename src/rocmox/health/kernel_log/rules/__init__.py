"""The rules by subject. Each module says from which kernel files its words come."""

from rocmox.health.kernel_log.rule import Rule, RuleBook
from rocmox.health.kernel_log.rules import bus, fault, host, hws, mes, power, ras, reset, start

GPU_RULES: tuple[Rule, ...] = (
    *mes.RULES,
    *hws.RULES,
    *reset.RULES,
    *fault.RULES,
    *ras.RULES,
    *power.RULES,
    *start.RULES,
)
GPU_BOOK = RuleBook(GPU_RULES)
UNSIGNED_BOOK = RuleBook(rule for rule in GPU_RULES if rule.unsigned)
BUS_BOOK = RuleBook(bus.RULES)
HOST_BOOK = RuleBook(host.RULES)

__all__ = ["BUS_BOOK", "GPU_BOOK", "GPU_RULES", "HOST_BOOK", "UNSIGNED_BOOK"]
