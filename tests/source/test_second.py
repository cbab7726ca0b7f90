"""A second thread: what it is given is done in its order, and what fails is told."""

from __future__ import annotations

import os
import threading

import pytest

from migstream.source import second
from migstream.source.second import Second, borrowed


def test_work_is_done_in_its_order_and_counted() -> None:
    one, done = Second(3), list[tuple[int, int]]()

    def work(number: int) -> int:
        done.append((number, threading.get_ident()))
        return number

    for number in range(50):
        one.later(work, number)
    assert one.wait() == sum(range(50))
    assert [number for number, _ in done] == list(range(50))
    assert {ident for _, ident in done} != {threading.get_ident()}
    assert one.wait() == 0
    one.leave()
    assert not one.alive


def test_no_more_waits_than_was_said() -> None:
    one, go = Second(2), threading.Event()
    given = []

    def give() -> None:
        for number in range(4):
            one.later(lambda: int(go.wait(60)))
            given.append(number)

    giver = threading.Thread(target=give)
    giver.start()
    giver.join(0.2)
    assert given == [0, 1]
    go.set()
    giver.join()
    assert one.wait() == 4
    one.leave()


def test_what_fails_is_told_and_nothing_is_done_after_it() -> None:
    one, done = Second(8), list[int]()

    def fail() -> int:
        raise OSError(28, "No space left on device")

    def work(number: int) -> int:
        done.append(number)
        return number

    def more() -> None:
        for number in range(100):
            one.later(work, number)
        one.wait()

    one.later(fail)
    with pytest.raises(OSError, match="No space"):
        more()
    assert done == []
    with pytest.raises(OSError, match="No space"):
        one.wait()
    one.leave()
    assert not one.alive


def test_what_is_left_is_not_begun() -> None:
    one, go, done = Second(4), threading.Event(), list[int]()

    def work() -> int:
        done.append(1)
        return 1

    one.later(lambda: int(go.wait(60)))
    one.later(work)
    threading.Timer(0.1, go.set).start()
    one.leave()
    assert done == []
    one.leave()


def test_a_borrowed_one_is_used_again_unless_it_failed() -> None:
    second._idle.clear()
    with borrowed() as one:
        one.later(lambda: 1)
    with borrowed() as other:
        assert other is one
        with borrowed() as third:
            assert third is not one
    with pytest.raises(ValueError, match="mine"), borrowed() as one:
        raise ValueError("mine")
    assert not one.alive
    with pytest.raises(OSError, match="told"), borrowed() as one:
        one.later(_raise)
    with borrowed() as other:
        other.later(lambda: 1)


def _raise() -> int:
    raise OSError("told at the end")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_it_is_not_in_a_process_that_was_forked() -> None:
    with borrowed() as one:
        one.later(lambda: 1)
    child = os.fork()
    if not child:
        try:
            with borrowed() as other:
                other.later(lambda: 1)
            os._exit(0 if other is not one else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_without_another_thread_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    one, done = Second(1), list[int]()

    def work(number: int) -> int:
        done.append(threading.get_ident())
        return number

    for number in range(5):
        one.later(work, number)
    assert (one.wait(), set(done)) == (10, {threading.get_ident()})
    one.later(_raise)
    with pytest.raises(OSError, match="told"):
        one.wait()
    one.leave()
