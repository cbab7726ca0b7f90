"""The part of SARIF 2.1.0 that we write, as a JSON Schema of our own: stricter than the standard's, for nothing else is ours.

What each property is: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.13 (log), 3.14 (run), 3.19
(tool component), 3.27 (result), 3.29 (physical location), 3.30 (region), 3.49 (reporting descriptor).
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["SARIF"]

TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def _object(required: str, properties: dict[str, Any]) -> dict[str, Any]:
    names = required.split()
    return {
        "type": "object",
        "required": names,
        "properties": properties,
        "additionalProperties": False,
    }


def _list(of: dict[str, Any], *, least: int = 0, once: bool = False) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": least, "uniqueItems": once}


MESSAGE = _object("text", {"text": TEXT, "markdown": TEXT})
URI = {"type": "string", "format": "uri", "pattern": "^[a-z][a-z0-9+.-]*:"}
RULE = _object(
    "id shortDescription fullDescription help defaultConfiguration",
    {
        "id": {"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3}$"},
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": MESSAGE,
        "helpUri": URI,
        "defaultConfiguration": _object("level", {"level": LEVEL}),
    },
)
DRIVER = _object(
    "name version rules",
    {"name": TEXT, "version": TEXT, "informationUri": URI, "rules": _list(RULE, once=True)},
)
PHYSICAL = _object(
    "artifactLocation region",
    {
        "artifactLocation": _object("uri", {"uri": {"type": "string", "format": "uri-reference"}}),
        "region": _object(
            "startLine",
            {"startLine": {"const": 1}, "byteOffset": COUNT, "byteLength": COUNT},
        ),
    },
)
LOCATION = _object(
    "physicalLocation",
    {
        "physicalLocation": PHYSICAL,
        "logicalLocations": _list(_object("fullyQualifiedName", {"fullyQualifiedName": TEXT})),
    },
)
RESULT = _object(
    "ruleId ruleIndex level message locations partialFingerprints",
    {
        "ruleId": TEXT,
        "ruleIndex": COUNT,
        "level": LEVEL,
        "message": MESSAGE,
        "locations": _list(LOCATION, least=1),
        "partialFingerprints": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{32}:[1-9][0-9]*$"},
            "minProperties": 1,
        },
    },
)
RUN = _object(
    "tool automationDetails results invocations",
    {
        "tool": _object("driver", {"driver": DRIVER}),
        "automationDetails": _object("id", {"id": TEXT}),
        "results": _list(RESULT),
        "invocations": _list(
            _object("executionSuccessful", {"executionSuccessful": {"type": "boolean"}}), least=1
        ),
    },
)
SARIF = Draft202012Validator(
    _object(
        "$schema version runs",
        {
            "$schema": URI,
            "version": {"const": "2.1.0"},
            "runs": _list(RUN, least=1),
        },
    ),
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)
