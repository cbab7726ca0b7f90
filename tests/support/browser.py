"""Chromium, driven by Playwright: what a page does while somebody looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import pytest

from support.samples import REPOSITORY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["PICTURES", "Watched", "chromium", "serious"]

PICTURES = (
    REPOSITORY / "build" / "report"
)  # what was seen, to be looked at by whoever changes the page
ALIKE = (
    "#hex .line:nth-child(n+5)",
    "#tree [role=group] > :nth-child(n+9)",
    "pre :nth-child(n+5)",
    "tr:nth-child(n+5)",
    ".bars li:nth-child(n+5)",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; skips the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with api.sync_playwright() as playwright:
        # as root there is no sandbox; the pages are the tests' own
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page that is looked at: `requests` are those that left it, `complaints` what its console has."""

    def __init__(
        self,
        browser: Browser,
        path: Path,
        *,
        colours: Literal["light", "dark"] = "light",
        width: int = 1280,
    ) -> None:
        self._context = browser.new_context(
            color_scheme=colours, viewport={"width": width, "height": 900}
        )
        self.page: Page = self._context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self._requested(request.url, path))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._opened)
        self.page.goto(path.as_uri())

    def _requested(self, url: str, path: Path) -> None:
        if not url.startswith("data:") and url.partition("#")[0] != path.as_uri():
            self.requests.append(url)

    def _opened(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def picture(self, name: str) -> None:
        """Keep how it looks from top to bottom."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def serious(page: Page, *rules: str) -> list[str]:
    """What axe finds in a page that keeps somebody from using it.

    Of what there is very much of, such as lines of bytes, the first are looked at; `rules` are those that
    count, all of axe's where none are given.
    """
    api = pytest.importorskip("axe_playwright_python.sync_playwright")
    options = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = rules
    context = {"exclude": [[one] for one in ALIKE]}
    found = api.Axe().run(page, context=context, options=options).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
