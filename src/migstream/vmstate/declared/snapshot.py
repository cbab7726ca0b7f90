"""What an object was before a section was loaded into it, so that it can be so again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from migstream.vmstate.declared.codecs import Nested
from migstream.vmstate.declared.interpreter import VMStateDescription

__all__ = ["snapshot"]


def snapshot(description: VMStateDescription, subject: Any) -> Callable[[], None]:
    """Remember `subject` and the objects inside that its description names; call to restore them.

    Objects stay the ones they are: attributes and the contents of lists, dicts and bytearrays are
    put back. Loading works on the object itself and not on a copy, so that hooks see the one that
    the machine holds; what a hook does to other objects is not undone.
    """
    kept = [_keep(each, names) for each, names in _objects(description, subject, set())]

    def restore() -> None:
        for undo in kept:
            undo()

    return restore


def _objects(
    description: VMStateDescription, subject: Any, seen: set[int]
) -> Iterator[tuple[Any, list[str]]]:
    """`subject` and every object under it, each once, with the attributes that are to be kept."""
    if subject is None or id(subject) in seen:
        return
    seen.add(id(subject))
    declared = [field.attribute for field in description.fields if field.attribute]
    yield subject, list(vars(subject)) if hasattr(subject, "__dict__") else declared
    for field in description.fields:
        value = field.get(subject)
        if not isinstance(field.codec, Nested) or value is None:
            continue
        for element in _elements(value):
            yield from _objects(field.codec.inner, element, seen)
    for sub in description.subsections:
        if sub.attribute is not None:
            yield from _objects(sub.description, sub.subject(subject), seen)


def _elements(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list | tuple):
        return [value]
    return [each[1] if isinstance(each, tuple) else each for each in value]


def _keep(subject: Any, names: list[str]) -> Callable[[], None]:
    attributes = {name: getattr(subject, name) for name in names}
    contents = [_keep_content(value) for value in attributes.values()]

    def restore() -> None:
        for name in set(getattr(subject, "__dict__", ())) - attributes.keys():
            delattr(subject, name)
        for name, value in attributes.items():
            setattr(subject, name, value)
        for undo in contents:
            undo()

    return restore


def _keep_content(value: Any) -> Callable[[], None]:
    """Puts back what a container held; what cannot change needs nothing."""
    if isinstance(value, dict):
        pairs = dict(value)

        def restore_pairs() -> None:
            value.clear()
            value.update(pairs)

        return restore_pairs
    if isinstance(value, list | bytearray):
        elements = list(value) if isinstance(value, list) else bytes(value)

        def restore_elements() -> None:
            value[:] = elements

        return restore_elements
    return lambda: None
