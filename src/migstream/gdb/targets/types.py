"""Types that several architectures have."""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import Bits, Symbols

__all__ = ["VECTOR", "flags"]

# 128 bits in every width
VECTOR = """\
  <vector id="v4f" type="ieee_single" count="4"/>
  <vector id="v2d" type="ieee_double" count="2"/>
  <vector id="v16i8" type="int8" count="16"/>
  <vector id="v8i16" type="int16" count="8"/>
  <vector id="v4i32" type="int32" count="4"/>
  <vector id="v2i64" type="int64" count="2"/>
  <union id="vec128">
    <field name="v4_float" type="v4f"/>
    <field name="v2_double" type="v2d"/>
    <field name="v16_int8" type="v16i8"/>
    <field name="v8_int16" type="v8i16"/>
    <field name="v4_int32" type="v4i32"/>
    <field name="v2_int64" type="v2i64"/>
    <field name="uint128" type="uint128"/>
  </union>
"""


def flags(name: str, size: int, known: Symbols) -> str:
    """A type of `size` bytes whose bits are called as `tree` calls them."""
    assert isinstance(known, Bits)
    fields = "".join(
        f'    <field name="{part.name}" start="{part.shift}" end="{part.shift + part.width - 1}"/>\n'
        for part in known.parts()
        if part.shift < 8 * size
    )
    return f'  <flags id="{name}" size="{size}">\n{fields}  </flags>\n'
