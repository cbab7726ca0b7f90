"""The matrix of releases, machine types and devices: as a document, on a terminal, as a table of values, in Markdown, as a page.

`entries.py` puts together what is alike; the others show it. `page.html.jinja` is the page, and `page.js` its choice of rows.
"""
