"""What Acme does not want to see in a stream."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule


@rule("ACME001", "warning", "A machine type that Acme does not run")
def machine_type(subject: Subject) -> Iterator[Hit]:
    """Acme's hosts run q35 machines only; a guest of another type was started by hand.

    Reference: Acme's handbook, chapter 3.
    """
    configuration = subject.configuration
    if configuration is not None and not configuration.machine.startswith("pc-q35-"):
        yield Hit(
            message="not a machine type of Acme's",
            section="configuration",
            span=configuration.span,
            expected="pc-q35-*",
            found=configuration.machine,
            hint="save the guest's disks, and start it again as a q35 machine",
        )
