"""Addresses, such as `https://host/path`: what they look like, and what of one may be shown.

An address may carry credentials: a user and a password before the host, a signature or a token behind
the `?`. Which parameter is one nobody can know, so the whole query stays hidden.
"""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "hidden", "public", "scheme_of", "scrub"]

HIDDEN = "…"
SHORTEST = 4  # characters of a secret that is looked for in texts of others: shorter ones are words
# Not compiled here: every command imports this, and few are given an address.
_ONE = "[a-z][a-z0-9+.-]*"
_SCHEME = rf"((?:{_ONE}::)*)({_ONE})://"
_LINK = rf"::(?={_ONE}://)"
_USER = r"(?<=://)[^/?#\s]*@"
_ODD = rf"({_ONE}://)(?!\[)[^@/?#]*:(?!\d*(?:[/?#]|$))[^@/?#]*[/?#].*@"
_QUERY = r"(://[^?#\s]*)[?#][^\s'\"<>]*?(?=:?(?:[\s'\"<>]|$))"


def scheme_of(name: str) -> str:
    """The scheme that a name begins with, in small letters; "" where it begins with none.

    Of a chain (`zip://inner::s3://…`, `simplecache::s3://…`) it is the first one.
    """
    if "://" not in name:
        return ""
    found = re.match(_SCHEME, name, re.IGNORECASE)
    return "" if found is None else (found[1] + found[2]).partition("::")[0].lower()


def public(name: str) -> str:
    """A name as it may be shown: of an address without user, password, query and fragment."""
    if not scheme_of(name):
        return name
    links = re.split(_LINK, name, flags=re.IGNORECASE)
    return "::".join(_public(link) for link in links)


def _public(name: str) -> str:
    # A password with a slash, which should have been written %2F: all up to the last @.
    name = re.sub(_ODD, r"\1", name, count=1, flags=re.IGNORECASE | re.DOTALL)
    front, mark, rest = name.partition("://")
    host = re.sub("^[^/?#]*@", "", rest)
    kept = re.split("[?#]", host, maxsplit=1)[0]
    return hidden(front + mark + kept + (f"?{HIDDEN}" if kept != host else ""))


def hidden(text: str) -> str:
    """Any words, without what of addresses in them is not to be shown."""
    if "://" not in text:
        return text
    return re.sub(_QUERY, rf"\1?{HIDDEN}", re.sub(_USER, "", text))


def scrub(text: str, address: str) -> str:
    """Words of another program about an address, without what `public` leaves out of it."""
    text = text.replace(address, public(address))
    for secret in sorted(_secrets(address), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return hidden(text)


def _secrets(address: str) -> set[str]:
    """User, password and values of the query, as they stand there and as they are meant."""
    found = {
        part for user in re.findall(_USER, address) for part in (user[:-1], *user[:-1].split(":"))
    }
    from urllib.parse import unquote

    _, _, query = address.partition("?")
    found.add(query)
    for one in re.split("[&;#]", query):
        found |= {one.partition("=")[2], one}
    found |= {unquote(one) for one in found}
    return {one for one in found if len(one) >= SHORTEST}
