# SPDX-License-Identifier: Apache-2.0
"""The resident code of the hypervisor as graphs: instructions, blocks, loops and their sources."""

import bisect
import json
import os
import re
import subprocess
from dataclasses import dataclass, field

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)(?:\s+([^<\n]*))?")
CONDITIONAL = re.compile(r"^(b\.\w+|bc\.\w+|cbz|cbnz|tbz|tbnz)$")
ACKNOWLEDGE = re.compile(r"ICC_IAR[01]_EL1")
ENDS_NOWHERE = ("brk", "udf")


class FlowError(Exception):
    pass


@dataclass(frozen=True)
class Instruction:
    address: int
    name: str
    operands: str

    @property
    def target(self):
        """Of a direct branch."""
        return int(self.operands.split(",")[-1].strip().removeprefix("0x"), 16)


@dataclass(frozen=True)
class Frame:
    """Where an instruction comes from: a function of the source, and the line within its file."""

    function: str
    file: str
    line: int


class Code:
    """One section of an ELF file, disassembled, with its functions and its sources."""

    def __init__(self, elf, sections=(".text",)):
        self.elf = elf
        self.instructions = {}
        command = ["llvm-objdump-19", "-d", "--no-show-raw-insn", "--no-leading-headers"]
        command += [f"--section={name}" for name in sections]
        for line in _run(command + [elf]).splitlines():
            match = INSTRUCTION.match(line)
            if match:
                address = int(match[1], 16)
                self.instructions[address] = Instruction(address, match[2], (match[3] or "").strip())
        self.sizes, self.names, self.by_name = {}, {}, {}
        for line in _run(["llvm-nm-19", "-n", "--print-size", elf]).splitlines():
            words = line.split()
            if len(words) == 4 and not words[3].startswith("$") and words[2] in "tTwW":
                address, size = int(words[0], 16), int(words[1], 16)
                self.by_name[words[3]] = address
                if size and address in self.instructions:
                    self.sizes[address], self.names[address] = size, words[3]
                elif address in self.instructions:
                    self.names.setdefault(address, words[3])
        self._starts = sorted(self.names)
        self._frames = {}
        self._lines = {}
        self.frames(self.instructions)  # all at once: the symbolizer takes seconds to start

    def name(self, address):
        """The symbol that the address belongs to."""
        index = bisect.bisect_right(self._starts, address) - 1
        return self.names[self._starts[index]] if index >= 0 else f"{address:#x}"

    def functions_named(self, name):
        """Symbols of that name; linking may have added a number to a static one."""
        return [a for a, n in self.names.items() if n == name or re.fullmatch(re.escape(name) + r"\.\d+", n)]

    def landing_pads(self, start, end):
        """Where an indirect jump within the function may arrive: the code is built with BTI."""
        return [a for a in range(start, end, 4) if self.instructions[a].name == "bti" and
                "j" in self.instructions[a].operands]

    def frames(self, addresses):
        """For each address its frames, innermost first."""
        missing = sorted(set(addresses) - self._frames.keys())
        if missing:
            text = "\n".join(f"{a:#x}" for a in missing)
            output = _run(["llvm-symbolizer-19", f"--obj={self.elf}", "--inlines", "--relativenames",
                           "--output-style=JSON"], text)
            for address, line in zip(missing, (line for line in output.splitlines() if line.startswith("{"))):
                self._frames[address] = [_frame(s) for s in json.loads(line).get("Symbol", [])]
        return [self._frames[a] for a in addresses]

    def source(self, root, frame):
        """The text of a frame's line."""
        if frame.file not in self._lines:
            try:
                with open(os.path.join(root, frame.file), encoding="utf-8") as file:
                    self._lines[frame.file] = file.read().splitlines()
            except OSError:
                self._lines[frame.file] = []
        lines = self._lines[frame.file]
        return lines[frame.line - 1].strip() if 0 < frame.line <= len(lines) else ""


def _frame(symbol):
    """Linking may have added a number to the name of a static function."""
    return Frame(re.sub(r"\.\d+$", "", symbol["FunctionName"]), symbol["FileName"].removeprefix("./"), symbol["Line"])


def _run(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise FlowError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


@dataclass
class Node:
    """A piece of a block. kind: plain, call, cut (an interrupt is acknowledged here, or the guest entered),
    fresh (no interrupt was pending here), return, stop (never comes back)."""

    address: int
    kind: str = "plain"
    length: int = 0
    callees: list = field(default_factory=list)
    succ: list = field(default_factory=list)  # node keys
    last: int = 0                             # address of the last instruction


def is_acknowledge(code, instruction):
    """A read of the register that says which interrupt is taken (GICv3 a system register, GICv2 a load)."""
    return instruction.name == "mrs" and bool(ACKNOWLEDGE.search(instruction.operands))


def graph(code, start, indirect):
    """The nodes of the function at `start` by key. indirect(address): targets of a call through a register."""
    size = code.sizes.get(start, 0)
    own = range(start, start + size) if size else range(0)
    ends = {}  # leader -> (addresses, successors as addresses)
    leaders, todo = {start}, [start]
    seen = set()
    while todo:
        at = todo.pop()
        while at not in seen:
            seen.add(at)
            follow = _successors(code, code.instructions.get(at), start, own)
            ends[at] = follow
            for target in follow:
                if target != at + 4:
                    leaders.add(target)
                    todo.append(target)
            if follow != [at + 4] and at + 4 in follow:
                leaders.add(at + 4)
            if at + 4 not in follow:
                break
            at += 4
    return _split(code, start, own, leaders & seen, ends, indirect)


def _outside(target, start, own, code):
    """A jump to another function: a call in the last place. Assembly has no sizes and is followed."""
    return target not in own and target != start and target in code.sizes


def _successors(code, i, start, own):
    if i is None:
        raise FlowError(f"{code.name(start)} runs out of the code")
    if i.name in ("ret", "eret", *ENDS_NOWHERE):
        return []
    if i.name == "b":
        return [] if _outside(i.target, start, own, code) else [i.target]
    if i.name == "br":
        pads = code.landing_pads(own.start, own.stop)
        if not pads:
            raise FlowError(f"{code.name(i.address)}: jump through a register at {i.address:#x}")
        return pads
    if CONDITIONAL.match(i.name):
        if _outside(i.target, start, own, code):
            raise FlowError(f"{code.name(i.address)}: conditional jump out of the function at {i.address:#x}")
        return [i.address + 4] + [i.target] * (i.target != i.address + 4)
    return [i.address + 4]


def _split(code, start, own, leaders, ends, indirect):
    nodes = {}

    def add(key, **fields):
        nodes[key] = Node(**fields)
        return nodes[key]

    for leader in leaders:
        at, piece = leader, None
        pending = None  # register that holds ISR_EL1
        while True:
            i = code.instructions[at]
            key = at
            single = _single(code, i, start, own, indirect)
            if single or piece is None:
                node = add(key, address=at, last=at, **(single or {"kind": "plain"}))
                if piece is not None:
                    piece.succ = [key]
                piece = node
            piece.length += 1
            piece.last = at
            if i.name == "mrs" and "ISR_EL1" in i.operands.upper():
                pending = i.operands.split(",")[0].strip()
            follow = ends[at]
            if i.name in ("tbz", "tbnz") and pending and _bit(i) == (pending[1:], 7):
                _fresh(nodes, piece, i, follow)
                break
            if follow != [at + 4] or at + 4 in leaders:
                piece.succ = list(follow)
                break
            if single:
                piece.succ = [at + 4]
                piece = None
            at += 4
    return nodes


def _bit(i):
    register, bit, _ = (word.strip() for word in i.operands.split(","))
    return register[1:], int(bit.removeprefix("#"), 0)


def _fresh(nodes, piece, i, follow):
    """After a look at ISR_EL1 that found nothing, what waits has waited from here only."""
    none = i.target if i.name == "tbz" else i.address + 4
    key = ("fresh", i.address)
    nodes[key] = Node(address=i.address, kind="fresh", last=i.address, succ=[none])
    piece.succ = [key if target == none else target for target in follow]


def _single(code, i, start, own, indirect):
    """The fields of an instruction that is a node of its own, or None."""
    if i.name == "bl":
        return {"kind": "call", "callees": [i.target]}
    if i.name == "blr":
        return {"kind": "call", "callees": indirect(i.address)}
    if i.name == "b" and _outside(i.target, start, own, code):
        return {"kind": "tail", "callees": [i.target]}
    if i.name == "ret":
        return {"kind": "return"}
    if i.name == "eret" or is_acknowledge(code, i):
        return {"kind": "cut"}
    if i.name in ENDS_NOWHERE:
        return {"kind": "stop"}
    return None


@dataclass
class Loop:
    header: object
    nodes: set
    latches: list
    children: list = field(default_factory=list)


def loops(nodes, start, where):
    """Natural loops, innermost first. Raises where control flow enters a loop in its middle."""
    order, number = _postorder(nodes, start)
    dominator = _dominators(nodes, start, order, number)

    def dominates(a, b):
        while number[b] < number[a]:
            b = dominator[b]
        return a == b

    found = {}
    for key in order:
        for target in nodes[key].succ:
            if number[target] >= number[key]:
                if not dominates(target, key):
                    raise FlowError(f"{where}: a loop with two entries at {_address(target):#x}")
                loop = found.setdefault(target, Loop(target, {target}, []))
                loop.latches.append(key)
    predecessors = {key: [] for key in order}
    for key in order:
        for target in nodes[key].succ:
            predecessors[target].append(key)
    for loop in found.values():
        todo = list(loop.latches)
        while todo:
            key = todo.pop()
            if key not in loop.nodes:
                loop.nodes.add(key)
                todo += predecessors[key]
    return sorted(found.values(), key=lambda loop: len(loop.nodes))


def _address(key):
    return key[1] if isinstance(key, tuple) else key


def _postorder(nodes, start):
    order, seen, stack = [], {start}, [(start, iter(nodes[start].succ))]
    while stack:
        key, successors = stack[-1]
        for target in successors:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(nodes[target].succ)))
                break
        else:
            order.append(key)
            stack.pop()
    return order, {key: n for n, key in enumerate(order)}


def _dominators(nodes, start, order, number):
    predecessors = {key: [] for key in order}
    for key in order:
        for target in nodes[key].succ:
            predecessors[target].append(key)
    dominator = {start: start}
    changed = True
    while changed:
        changed = False
        for key in reversed(order[:-1]):
            new = None
            for p in predecessors[key]:
                if p not in dominator:
                    continue
                new = p if new is None else _meet(p, new, dominator, number)
            if dominator.get(key) != new:
                dominator[key], changed = new, True
    return dominator


def _meet(a, b, dominator, number):
    while a != b:
        while number[a] < number[b]:
            a = dominator[a]
        while number[b] < number[a]:
            b = dominator[b]
    return a
