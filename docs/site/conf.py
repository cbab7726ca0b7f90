"""How Sphinx makes the site of what `build.py` has laid out."""

# ruff: noqa: INP001 - scripts of Sphinx, which nothing imports as a package

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import docstrings

project = "migstream"
author = "the authors of migstream"
project_copyright = f"{author}; Apache-2.0"
root_doc = "docs/index"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]

# Markdown as the repository's host reads it.
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]
suppress_warnings = ["misc.highlighting_failure"]  # a console block with a stream's odd names in it

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 80
default_role = "code"

html_theme = "furo"
html_title = "migstream"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = True  # what a search shows a piece of
html_show_sourcelink = False
templates_path = ["templates"]
html_additional_pages = {
    "index": "to-the-index.html"
}  # the site's root, which the sources do not have
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True


def setup(app: Any) -> None:
    """Read our docstrings in their own way."""
    app.connect("autodoc-process-docstring", docstrings.processed)
    app.connect("autodoc-process-signature", docstrings.signed)
