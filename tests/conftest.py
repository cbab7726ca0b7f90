"""Fixtures over real streams, and the rule for tests that talk to a real QEMU."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from functools import partialmethod
from inspect import signature

import pytest
from click.testing import CliRunner
from hypothesis import settings

from support import lacking, samples
from support.qemu import REQUIRED, Binary, find
from support.samples import Packed, Sample

# No test is a race against the clock: a loaded machine proves nothing. Where CI is set, a property test has the same
# examples each time, so that a run fails by what was changed; elsewhere, as `make fuzz` does, each run looks at new ones.
settings.register_profile("migstream", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("migstream")

# click 8.1 mixes what goes to stderr into stdout unless it is told not to, and from 8.2 on it cannot be told.
if "mix_stderr" in signature(CliRunner).parameters:
    CliRunner.__init__ = partialmethod(CliRunner.__init__, mix_stderr=False)  # type: ignore[method-assign,assignment]

# What the system calls other people's PCI devices is not for a test to depend on.
os.environ["MIGSTREAM_PCI_IDS"] = ""

REQUIRING = os.environ.get("MIGSTREAM_REQUIRE_QEMU") == "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what is printed now into tests/golden and the documentation",
    )


@pytest.fixture(scope="session")
def unpack(pytestconfig: pytest.Config) -> Callable[[Packed], Sample]:
    """Unpack a kept stream, once: the cache outlives the run (``pytest --cache-clear`` empties it)."""
    folder = pytestconfig.cache.mkdir("streams")
    return lambda packed: packed.unpack(folder)


def _label(packed: Packed) -> str:
    return packed.label


@pytest.fixture(params=samples.streams(), ids=_label)
def sample(request: pytest.FixtureRequest, unpack: Callable[[Packed], Sample]) -> Sample:
    """Every whole stream there is: the repository's own, and the larger collection where it is found."""
    return unpack(request.param)


@pytest.fixture(params=samples.own_streams(), ids=_label)
def own_sample(request: pytest.FixtureRequest, unpack: Callable[[Packed], Sample]) -> Sample:
    """Every stream of this repository: for tests that take long on each."""
    return unpack(request.param)


@pytest.fixture(params=samples.channels(".mig"), ids=_label)
def channel_sample(request: pytest.FixtureRequest, unpack: Callable[[Packed], Sample]) -> Sample:
    """Every recorded main channel of the larger collection."""
    return unpack(request.param)


@pytest.fixture(params=samples.channels(".ret.bin"), ids=_label)
def return_path_sample(
    request: pytest.FixtureRequest, unpack: Callable[[Packed], Sample]
) -> Sample:
    """Every recorded return path of the larger collection."""
    return unpack(request.param)


@pytest.fixture(params=samples.broken_streams(), ids=_label)
def broken_sample(request: pytest.FixtureRequest, unpack: Callable[[Packed], Sample]) -> Sample:
    """Every damaged stream of the larger collection."""
    return unpack(request.param)


@pytest.fixture(scope="session")
def named_sample(unpack: Callable[[Packed], Sample]) -> Callable[[str], Sample]:
    """One stream of this repository by name: ``named_sample("pc-7.2.mig")``."""
    kept = {packed.name: packed for packed in samples.own_streams()}
    return lambda name: unpack(kept[name])


@pytest.fixture(params=find(REQUIRED), ids=str)
def qemu(request: pytest.FixtureRequest) -> Binary:
    """Every x86 QEMU there is; the test must be marked ``qemu``."""
    binary: Binary = request.param
    return binary


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("qemu") and not find(REQUIRED):
        pytest.skip(f"{REQUIRED} is not installed")


def _without_parameters(item: pytest.Item) -> bool:
    """Tell whether pytest skips it because its list of parameters is empty."""
    return any(
        str(mark.kwargs.get("reason", "")).startswith("got empty parameter set")
        for mark in item.iter_markers("skip")
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a QEMU is required, a test of it that was skipped has failed, unless another thing was lacking.

    An empty list of parameters is one of QEMUs that nobody required: the test was not skipped for want of x86.
    """
    report = yield
    if (
        REQUIRING
        and report.skipped
        and item.get_closest_marker("qemu")
        and not (call.excinfo and isinstance(call.excinfo.value, lacking.Skipped))
        and not _without_parameters(item)
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped although MIGSTREAM_REQUIRE_QEMU=1: {report.longrepr}"
    return report
