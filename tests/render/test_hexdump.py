"""`show`: what the bytes beside a label are, and nothing more."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.places import places
from migstream.render.hexdump import Piece, dump_parts, of_place, pieces
from migstream.vmstate.values import Value
from migstream.wire.model import Span
from support.samples import Sample

Named = Callable[[str], Sample]


def arrays(value: Value) -> list[Value]:
    """Arrays of plain values below a value that are not in another array."""
    if value.count is not None:
        return [value] if value.kind == "leaf" and value.count > 1 and value.node.stride else []
    return [one for child in value.children for one in arrays(child)]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_element_has_its_index_and_its_value(own_sample: Sample, data: st.DataObject) -> None:
    """By its path, by the place of any of its bytes."""
    with migstream.open(own_sample.path) as stream:
        found = [one for device in stream.devices for one in arrays(device.value)]
        if not found:
            return
        one = data.draw(st.sampled_from(found))
        index = data.draw(st.integers(0, (one.count or 0) - 1))
        element = one.element(index)
        byte = data.draw(st.integers(element.span.start, element.span.stop - 1))
        for text in (element.path, f"@{byte:#x}"):
            shown = {
                (piece.path, piece.type, piece.span, piece.text)
                for place in places(stream, text)
                for piece in of_place(stream, place)
            }
            assert (element.path, one.type, element.span, element.text[:60]) in {
                (path, kind, span, text.rstrip("…")) for path, kind, span, text in shown
            }


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_part_of_an_array_is_labelled_as_a_part(own_sample: Sample, data: st.DataObject) -> None:
    """Pieces follow each other and are the bytes that were asked for; a label's path leads to its bytes."""
    with migstream.open(own_sample.path) as stream:
        found = [one for device in stream.devices for one in arrays(device.value)]
        if not found:
            return
        one = data.draw(st.sampled_from(found))
        beside = () if one.above is None else one.above.children
        if any(other.name.startswith(f"{one.name}[") for other in beside):
            return  # `x[0]` is a field of that name beside the array `x`: the path is the field's
        start = data.draw(st.integers(one.span.start, one.span.stop - 1))
        stop = data.draw(st.integers(start + 1, one.span.stop))
        at = start
        for piece in pieces(stream, Span(start, stop)):
            assert piece.span.start == at
            assert bytes(piece.data) == bytes(stream.store.view(*piece.span))
            at = piece.span.stop
            if ".." not in piece.path:
                assert any(
                    place.span is not None
                    and at <= place.span.stop
                    and piece.span.start >= place.span.start
                    for place in places(stream, piece.path)
                )
        assert at == stop


def test_many_elements_are_one_piece_with_their_indexes(named_sample: Named) -> None:
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        mac = stream["e1000e/core.mac"]
        span = Span(mac.span.start + 4 * 7, mac.span.start + 4 * 92)
        [piece] = pieces(stream, span)
        assert (piece.path, piece.type) == (f"{mac.path}[7..91]", "uint32[85]")
        [whole] = pieces(stream, mac.span)
        assert (whole.path, whole.type) == (mac.path, "uint32[32768]")


def test_what_holds_nothing_is_told_in_one_piece(own_sample: Sample) -> None:
    """Elements of structs that are nothing but zeros; all other pieces are those that `--all` and JSON have."""
    with migstream.open(own_sample.path) as stream:
        for device in stream.devices:
            span = device.section.payload
            every = {piece.span: piece for piece in pieces(stream, span)}
            at = span.start
            for piece in pieces(stream, span, everything=False):
                assert piece.span.start == at
                at = piece.span.stop
                if piece.span in every:
                    assert piece == every[piece.span]
                else:
                    assert piece.type.startswith("struct[")
                    assert not any(piece.data)
            assert at == span.stop


def test_bytes_that_are_all_the_same_are_one_line() -> None:
    def shown(data: bytes) -> list[str]:
        piece = Piece(span=Span(0, len(data)), path="p", type="t", text="", data=memoryview(data))
        return [str(part) for part in dump_parts([piece], everything=False)][1:]

    def behind(data: bytes) -> list[str]:
        return [line.split("… ")[1].rstrip("')") for line in shown(data)]

    assert behind(bytes(40)) == ["24 more bytes, all zero (--all"]
    assert behind(b"\xff" * 40) == ["24 more bytes, all ff (--all"]
    assert behind(bytes(39) + b"\x01") == []
    assert behind(bytes(range(200)) * 2) == ["144 more bytes (--all"]
