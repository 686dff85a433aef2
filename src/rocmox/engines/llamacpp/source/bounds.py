"""Between which builds a tree lies that does not tell its number, by what it has and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable

from rocmox.engines.llamacpp.source.features import Feature


def build_bounds(features: Iterable[Feature]) -> tuple[int | None, int | None]:
    """The first build that it can be, and the first later one that it cannot be; None where nothing tells."""
    lower: list[int] = []
    upper: list[int] = []
    for feature in features:
        probe = feature.probe
        if feature.present is None:
            continue
        # A feature that is there came with `since` and is not gone yet; one that is not may be gone since `until`.
        begin, end = (lower, upper) if feature.present else (upper, lower)
        begin += [probe.since] if probe.since else []
        end += [probe.until] if probe.until else []
        came = probe.since_value.get(feature.value or "")
        if came is not None:
            lower.append(came)
            upper += sorted(build for build in probe.since_value.values() if build > came)[:1]
    return max(lower, default=None) or None, min(upper, default=None)
