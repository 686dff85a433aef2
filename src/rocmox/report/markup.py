"""Trees of elements for XML and HTML: what comes from a machine is text in them and can never become markup."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, tostring

# What XML 1.0 does not allow in a document: control characters, halves of surrogate pairs, non-characters.
_NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\ufffd"
Child = Element | str | None


def node(tag: str, *children: Child, **attributes: str | float | None) -> Element:
    """An element; attribute names lose a last `_` (`class_`) and write `_` as `-`, those that are None are left out."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(_named(name), clean(f"{value:g}" if isinstance(value, float) else str(value)))
    for child in children:
        _append(made, child)
    return made


def clean(text: str) -> str:
    """The text with � for what no document may hold."""
    return _NOT_ALLOWED.sub(_REPLACEMENT, text)


def to_xml(root: Element) -> str:
    """An XML document."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def to_html(root: Element) -> str:
    """An HTML document."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html")


def _named(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _append(parent: Element, child: Child) -> None:
    if child is None:
        return
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + clean(child)
    else:
        parent.text = (parent.text or "") + clean(child)
