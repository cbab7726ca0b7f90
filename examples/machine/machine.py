"""CPU, timer, UART and RAM, wired up and registered."""

from __future__ import annotations

from collections.abc import Callable

from machine.clock import NEVER, NS
from machine.cpu import Cpu
from machine.program import boot_image
from machine.ram import Ram
from machine.timer import TimerV1, TimerV2
from machine.uart import UartV1, UartV2
from migstream.savevm import SaveVM

__all__ = ["Machine"]

UARTS = {1: UartV1, 2: UartV2}
TIMERS = {1: TimerV1, 2: TimerV2}


class Machine:
    """A machine at reset.

    Parameters
    ----------
    output : gets what the guest sends to the UART
    memory : bytes of RAM, a power of two
    lines : how many the guest prints before it turns the machine off
    fifo : whether the guest turns the UART's FIFO on, where there is one
    uart, timer : version of the device, 1 or 2
    """

    def __init__(
        self,
        output: Callable[[bytes], object],
        *,
        memory: int = 4 << 20,
        lines: int = 40,
        fifo: bool = False,
        uart: int = 2,
        timer: int = 2,
    ) -> None:
        self.ram = Ram(memory)
        self.ram.bytes[:] = boot_image(memory)
        self.cpu = Cpu()
        self.cpu.regs[1:4] = [lines, memory - 1, int(fifo)]
        self.uart = UARTS[uart](output=output)
        self.timer = TIMERS[timer]()
        self.devices = (self.uart, self.timer)
        self.cpu.attach(self.ram, {1: self.uart, 2: self.timer})

        self.vm = SaveVM("toy-1.0")
        self.vm.register_live("ram", self.ram.live)
        for each in (self.cpu, *self.devices):
            self.vm.register(each)

    @property
    def off(self) -> bool:
        return self.cpu.off

    def run(self, steps: int) -> None:
        """Go on for so many instructions, or until the guest turns the machine off."""
        stop = self.cpu.icount + steps
        while self.cpu.icount < stop and not self.off:
            due = [each.deadline for each in self.devices if each.deadline != NEVER]
            self.cpu.run(min([stop, *(deadline // NS for deadline in due)]))
            for each in self.devices:
                if NEVER != each.deadline <= self.cpu.now:
                    each.expire(self.cpu.now)
            if self.timer.irq:
                self.cpu.interrupt()
