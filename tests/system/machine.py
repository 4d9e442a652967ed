# SPDX-License-Identifier: Apache-2.0
"""The machines of the test matrix: what QEMU is started with, and the device tree it has without domains."""

import dataclasses
import os
import subprocess
import tempfile

QEMU = os.environ.get("QEMU", "qemu-system-aarch64")


@dataclasses.dataclass(frozen=True)
class Machine:
    """One machine. mem is in MiB. At el=1 the guest runs bare: there is no EL2 on a `virt` board then."""

    board: str = "virt"
    cpu: str = "cortex-a72"
    gic: int = 3
    smp: int = 4
    mem: int = 1024
    secure: bool = False
    icount: str = ""            # "" = off, else e.g. "shift=0,sleep=off"
    options: tuple = ()         # further QEMU arguments
    machine_options: str = ""   # further -machine options, ",key=value"

    @property
    def name(self):
        parts = [self.board, self.cpu.split(",")[0], f"gic{self.gic}", f"smp{self.smp}"]
        if self.mem > 2900:
            parts.append(f"{self.mem}m")
        if self.secure:
            parts.append("secure")
        if self.icount:
            parts.append("icount")
        return "-".join(parts)

    @property
    def ram_base(self):
        return 0x40000000 if self.board == "virt" else 0

    def arguments(self, el2=True):
        args = [QEMU, "-nographic", "-nodefaults", "-monitor", "none", "-m", str(self.mem), "-smp", str(self.smp)]
        if self.board == "virt":
            machine = f"virt,gic-version={self.gic}{self.machine_options}"
            if el2:
                machine += ",virtualization=on"
            if self.secure:
                machine += ",secure=on"
            args += ["-machine", machine, "-cpu", self.cpu]
        else:
            args += ["-machine", self.board + self.machine_options, "-audio", "none"]
        if self.icount:
            args += ["-icount", self.icount]
        return args + list(self.options)

    def dump_tree(self):
        """The machine's own device tree, as a blob: QEMU's, or ours of the boards for which it has none."""
        return _dump(self)

    @property
    def own_tree(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boards", self.board + ".dts")
        return path if os.path.exists(path) else None


_trees = {}


def _dump(machine):
    if machine in _trees:
        return _trees[machine]
    if machine.own_tree:
        done = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", machine.own_tree], capture_output=True,
                              timeout=30,
                              check=True)
        _trees[machine] = done.stdout
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "machine.dtb")
            args = machine.arguments()
            args[args.index("-machine") + 1] += f",dumpdtb={path}"
            done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
            if not os.path.exists(path):
                raise RuntimeError(f"no device tree from {' '.join(args)}: {done.stderr.decode()[-500:]}")
            with open(path, "rb") as f:
                _trees[machine] = f.read()
    return _trees[machine]


A53_V2 = Machine(cpu="cortex-a53", gic=2)
A72_V3 = Machine(cpu="cortex-a72", gic=3)
MAX_V3 = Machine(cpu="max", gic=3)
N1_V3 = Machine(cpu="neoverse-n1", gic=3)
# The three on which every test runs; the fourth and the boards run the core subset.
MATRIX = [A53_V2, A72_V3, MAX_V3]


def parameter(*machines):
    """A pytest parametrization with readable names."""
    import pytest

    return pytest.mark.parametrize("machine", machines or MATRIX, ids=lambda m: m.name)
