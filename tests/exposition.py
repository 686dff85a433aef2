"""Prometheus' text format 0.0.4 read strictly: what a scraper would refuse is refused here."""

import dataclasses
import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_SAMPLE = re.compile(rf"(?P<name>{_NAME})(?:\{{(?P<labels>.*)\}})? (?P<value>\S+)")
_META = re.compile(rf"# (?P<kind>HELP|TYPE) (?P<name>{_NAME}) (?P<text>.+)")
_ESCAPED = re.compile(r"\\(.)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Samples:
    """Name and sorted labels → value."""

    by_series: dict[tuple[str, tuple[tuple[str, str], ...]], float]

    def value(self, name: str, **labels: str) -> float:
        return self.by_series[name, tuple(sorted(labels.items()))]


def parse_exposition(text: str) -> Samples:
    """ValueError for a line of another form, a series that comes twice, a sample before its TYPE."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    typed: set[str] = set()
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for line in text[:-1].split("\n"):
        if meta := _META.fullmatch(line):
            if meta["kind"] == "TYPE":
                if meta["name"] in typed:
                    raise ValueError(f"TYPE of {meta['name']} twice")
                typed.add(meta["name"])
            continue
        sample = _SAMPLE.fullmatch(line)
        if sample is None or sample["name"] not in typed:
            raise ValueError(f"no sample: {line!r}")
        series = (sample["name"], tuple(sorted(_labels(sample["labels"] or "").items())))
        if series in found:
            raise ValueError(f"twice: {line!r}")
        found[series] = float(sample["value"])
    return Samples(by_series=found)


def _labels(text: str) -> dict[str, str]:
    labels, place = {}, 0
    while place < len(text):
        match = _LABEL.match(text, place)
        if match is None:
            raise ValueError(f"no labels: {text!r}")
        labels[match["name"]] = _ESCAPED.sub(lambda hit: "\n" if hit[1] == "n" else hit[1], match["value"])
        place = match.end()
    return labels
