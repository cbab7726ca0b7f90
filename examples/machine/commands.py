"""The command line."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from machine.machine import TIMERS, UARTS, Machine
from machine.migration import MIB, Limits, receive, say, send
from migstream.errors import StreamError

__all__ = ["main"]

FOREVER = 1 << 62  # instructions


def run(machine: Machine, options: argparse.Namespace) -> int:  # noqa: ARG001 - as every command
    """Run from reset until the guest turns the machine off."""
    machine.run(FOREVER)
    return 0


def save(machine: Machine, options: argparse.Namespace) -> int:
    """Run for a while, from reset or from a file, and save to a file."""
    if options.start:
        machine.vm.load(options.start.read_bytes())
    machine.run(options.after)
    part = options.file.with_name(options.file.name + ".part")
    with part.open("wb") as file:
        machine.vm.save(file)
    part.replace(options.file)
    return 0


def load(machine: Machine, options: argparse.Namespace) -> int:
    """Load a file and go on until the guest turns the machine off."""
    machine.vm.load(options.file.read_bytes())
    machine.run(FOREVER)
    return 0


def source(machine: Machine, options: argparse.Namespace) -> int:
    """Run, and move to a destination while running."""
    machine.run(options.after)
    limits = Limits(options.bandwidth * MIB, options.downtime / 1000)
    with socket.create_connection(options.address) as connection:
        moved = send(machine, connection, limits)
    if not moved:
        say("not moved: going on here")
        machine.run(FOREVER)
    return 0 if moved else 1


def destination(machine: Machine, options: argparse.Namespace) -> int:
    """Wait for a machine, and go on with it until the guest turns it off."""
    with socket.create_server(options.address) as server:
        host, port = server.getsockname()[:2]
        say(f"listening on {host}:{port}")
        connection, _ = server.accept()
    with connection:
        receive(machine, connection)
    machine.run(FOREVER)
    return 0


def address(text: str) -> tuple[str, int]:
    """HOST:PORT."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def parser() -> argparse.ArgumentParser:
    """Every command, with the options of all machines."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--memory", type=int, default=4, metavar="MIB", help="RAM, in MiB (%(default)s)"
    )
    common.add_argument(
        "--lines", type=int, default=40, help="lines that the guest prints (%(default)s)"
    )
    common.add_argument("--fifo", action="store_true", help="the guest turns the UART's FIFO on")
    common.add_argument("--uart", type=int, choices=UARTS, default=2, help="version of the UART")
    common.add_argument("--timer", type=int, choices=TIMERS, default=2, help="version of the timer")

    top = argparse.ArgumentParser(prog="machine", description=__doc__)
    commands = top.add_subparsers(required=True)
    named = {}
    for command in (run, save, load, source, destination):
        name = command.__name__
        named[name] = commands.add_parser(name, parents=[common], help=command.__doc__)
        named[name].set_defaults(command=command)
    for name in ("save", "load"):
        named[name].add_argument("file", type=Path)
    named["save"].add_argument("--from", dest="start", type=Path, help="begin with this file")
    for name in ("save", "source"):
        named[name].add_argument(
            "--after", type=int, default=300_000, help="instructions before that (%(default)s)"
        )
    for name in ("source", "destination"):
        named[name].add_argument("address", type=address, metavar="HOST:PORT")
    named["source"].add_argument("--bandwidth", type=float, default=32, help="MiB/s (%(default)s)")
    named["source"].add_argument("--downtime", type=float, default=10, help="ms (%(default)s)")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the guest's output goes to stdout, everything else to stderr."""
    options = parser().parse_args(arguments)

    def output(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    machine = Machine(
        output,
        memory=options.memory * MIB,
        lines=options.lines,
        fifo=options.fifo,
        uart=options.uart,
        timer=options.timer,
    )
    try:
        status: int = options.command(machine, options)
    except (StreamError, OSError) as error:
        say(f"machine: {error}")
        return 1
    return status
