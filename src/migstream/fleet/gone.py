"""Objects that are not there any more: each has one more row, which says so, and questions of the present leave it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import msgspec

from migstream.fleet.dataset import Dataset
from migstream.fleet.known import Known, key_of
from migstream.fleet.listing import Place
from migstream.fleet.scan import KEY, Scan, object_key
from migstream.fleet.schema import GONE, Key, Saved
from migstream.names import unescape

__all__ = ["gone"]


def gone(
    dataset: Dataset, known: Known, met: Known, places: Sequence[Place] | None, *, time: datetime
) -> Iterator[Scan]:
    """A row for each object of a fleet that a run looked for and did not come to.

    Parameters
    ----------
    known : the objects that there were before the run
    met : those that it came to, and then those that are gone
    places : where all that there is was listed; None where whatever was not met is gone
    time : when the run began
    """
    if places is not None and not places:
        return
    for digits, url in dataset.objects():
        key = key_of(digits)
        if key in met or key not in known:
            continue
        if places is None or (url is not None and _is_gone(digits, unescape(url), places)):
            met[key] = 0
            scan = blake2b(msgspec.msgpack.encode((digits, time, GONE)), digest_size=KEY)
            yield Scan(
                key=Key(object=digits, scan=scan.hexdigest(), url=url, time=time),
                saved=Saved(state=GONE),
            )


def _is_gone(digits: str, name: str, places: Sequence[Place]) -> bool:
    if not any(place.holds(name) for place in places):
        return False
    path = Path(name)
    if not path.is_absolute():
        return True  # a store's list has all that there is
    if object_key(name) != digits:
        return False  # too long a name, of which the table has a part
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False  # who may not look cannot tell
    return False
