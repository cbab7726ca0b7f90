$ migstream schema --help
Usage: migstream schema [OPTIONS] VERB

  The JSON Schema of what VERB prints with --json (docs/json.md).

  Exit status: 0 printed, 2 there is no such verb, or what it prints has another
  form.

Options:
  --ndjson    Of a line of JSON, as VERB --ndjson prints them.
  -h, --help  Show this message and exit.

Examples:
  # What `info --json` prints
  $ migstream schema info
  # And a line of `ls --ndjson`
  $ migstream schema ls --ndjson

$ migstream schema index
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "migstream index --json",
  "$ref": "#/$defs/Index",
  "$defs": {
    "Index": {
      "title": "Index",
      "description": "The index that was written.",
      "type": "object",
      "properties": {
        "migstream": {
          "enum": [
            "index"
          ]
        },
        "format": {
          "enum": [
            1
          ],
          "default": 1
        },
        "output": {
          "type": "string"
        },
        "size": {
          "type": "integer"
        }
      },
      "required": [
        "migstream",
        "output",
        "size"
      ]
    }
  }
}

$ migstream schema desc
[stderr]
Usage: migstream schema [OPTIONS] VERB
Try 'migstream schema --help' for help.

Error: desc prints no answer of migstream's own with --json
[exit status 2]

$ migstream schema nothing
[stderr]
Usage: migstream schema [OPTIONS] VERB
Try 'migstream schema --help' for help.

Error: No such command 'nothing'.
[exit status 2]

# On a terminal of 80 columns.
$ migstream schema get
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "migstream get --json",
  "$ref": "#/$defs/Values",
  "$defs": {
    "Values": {
      "title": "Values",
      "description": "What each path names, in the order of the paths.",
      "type": "object",
      "properties": {
        "migstream": {
          "enum": [
            "get"
          ]
        },
        "format": {
          "enum": [
            1
          ],
          "default": 1
        },
        "file": {
          "type": "string"
        },
        "values": {
          "type": "array",
          "items": {
            "$ref": "#/$defs/Held"
          }
        }
      },
      "required": [
        "migstream",
        "file",
        "values"
      ]
    },
    "Held": {
      "title": "Held",
      "description": "A value, or bytes that are none in hexadecimal; `span` is in the stream, of memory in its block.\n\n`symbol` and `description` say what a number is called and what it means, where that is known.",
      "type": "object",
      "properties": {
        "path": {
          "type": "string"
        },
        "type": {
          "type": "string"
        },
        "span": {
          "type": "array",
          "minItems": 2,
          "maxItems": 2,
          "prefixItems": [
            {
              "type": "integer"
            },
            {
              "type": "integer"
            }
          ],
          "items": false
        },
        "value": {},
        "symbol": {
          "type": "string",
          "default": ""
        },
        "description": {
          "type": "string",
          "default": ""
        }
      },
      "required": [
        "path",
        "type",
        "span",
        "value"
      ]
    }
  }
}
