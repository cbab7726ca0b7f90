"""A stream as one page that a browser shows by itself: `page.py` puts it together of chapters.

`chapters.py` says what is in it and in which order. Most of it is what other verbs say, in the neutral
form in which they say it (`render.shown`); the page's own views are a module each: `sections.py`,
`treemap.py`, `memory.py`, `bars.py`, `state.py`. They compute places and texts, `page.html.jinja`
draws them. Only the verb `report` imports any of this, and with it Jinja2.
"""
