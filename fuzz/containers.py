"""Streams in containers that are right, and in containers that are not."""

from __future__ import annotations

from random import Random

from fuzz.questions import QUESTIONS, answers, memory, plain, question
from fuzz.scene import Scene, same
from migstream.source.libvirt import FORMATS, image_head
from migstream.stream import open_anything
from support import qcow2

__all__ = ["QUESTIONS"]  # with those of this module

XML = "<domain type='kvm'><name>guest</name><memory>16384</memory><vcpu>1</vcpu></domain>"

Wrapped = tuple[
    bytes, int
]  # the container, and how many of its bytes are its own at the beginning or the end


def _saved(data: bytes, random: Random) -> Wrapped:
    head = image_head(
        XML,
        random.choice([None, "<cookie/>"]),
        form=random.choice(FORMATS),
        was_running=random.random() < 0.5,
        order=random.choice(["little", "big"]),
        complete=random.random() < 0.8,
    )
    return head + data, 400


def _disk(data: bytes, random: Random) -> Wrapped:
    image = qcow2.made(
        {"a": data},
        disk=random.choice([0, 1, 100_000]),
        holes=random.random() < 0.5,
        extended=random.random() < 0.3,
    )
    if random.random() < 0.3 and image[79] & 16 == 0:
        image = qcow2.packed(image, "a")
    return image, 112


KINDS = (_saved, _disk)


@question(2)
def contained(scene: Scene) -> None:
    """A container gives the answers that the file gives."""
    data, _ = scene.random.choice(KINDS)(scene.data, scene.random)
    with scene.open() as file, open_anything(data) as inside:
        one, other = answers(file), answers(inside)
        for name, answer in one.items():
            same(f"a container's {name}", answer, other[name])
        same("a container's memory", memory(file), memory(inside))


@question(3)
def container_bent(scene: Scene) -> None:
    """Whatever is changed in what a container itself says, the errors are ours."""
    data, own = scene.random.choice(KINDS)(scene.data, scene.random)
    bent = bytearray(data)
    random = scene.random
    for _ in range(random.choice([1, 1, 2, 4])):
        tail = random.random() < 0.5 and len(bent) > own
        at = (
            random.randrange(len(bent) - min(own * 8, len(bent)), len(bent))
            if tail
            else random.randrange(own)
        )
        width = random.choice([1, 1, 2, 4, 8])
        value = random.choice([0, 1, 0xFF, random.randrange(1 << 8 * width), (1 << 8 * width) - 1])
        bent[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "big")
    if random.random() < 0.2:
        del bent[random.randrange(len(bent)) :]

    def look() -> None:
        with open_anything(bytes(bent)) as stream:
            plain(lambda: answers(stream))
            plain(lambda: memory(stream))

    plain(look)
