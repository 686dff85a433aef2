"""Kernel messages in any text form: how they are found in gigabytes, and what one line says."""

from rocmox.facts.kernel_log.line import LogLine, parse_line
from rocmox.facts.kernel_log.scan import Candidate, Gate, Scanner
from rocmox.facts.kernel_log.stamp import Clock, Stamp

__all__ = ["Candidate", "Clock", "Gate", "LogLine", "Scanner", "Stamp", "parse_line"]
