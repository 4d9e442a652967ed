# SPDX-License-Identifier: Apache-2.0
"""The longest time with interrupts masked, from the code: executed instructions from a way into the hypervisor, or
from the last point where an interrupt was taken, to the next such point or to the guest. Paths are those of the
linked program; loops have the bounds of loop_bounds.toml."""

import argparse
import math
import os
import re
import struct
import sys
import tomllib

import flow
from flow import FlowError

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TABLES = ("vectors", "vectors_loop", "vectors_clrbhb", "vectors_firmware")
ENTRIES = {"sync": 0x400, "irq": 0x480, "serror": 0x580}
SHOWN = 0.04  # parts of a path that are smaller are not printed


class Annotations:
    """loop_bounds.toml and the constants of the sources that it names."""

    def __init__(self, path, overrides=()):
        with open(path, "rb") as file:
            text = tomllib.load(file)
        self.constants = {}
        for name, names in text.get("defines", {}).items():
            self.constants.update(_defines(os.path.join(ROOT, "hypervisor", name), names))
        for name, entry in text.get("constants", {}).items():
            self.constants[name] = self.value(entry["value"], {})
        for override in overrides:
            name, _, value = override.partition("=")
            if name not in self.constants:
                raise FlowError(f"{name} is no constant of {os.path.basename(path)}")
            self.constants[name] = int(value, 0)
        self.stops = set(text.get("stops", {}).get("functions", []))
        self.acknowledge = set(text.get("acknowledge", {}).get("functions", []))
        self.exclusive = {"bound": text.get("exclusive", {}).get("bound", 1)}
        self.loops, self.calls = text.get("loop", []), text.get("call", [])
        self.indirect, self.never = text.get("indirect", []), text.get("never", [])
        self.seen = {name: int(value) for name, value in text.get("seen", {}).items()}
        for entry in self.loops + self.calls + self.indirect + self.never:
            entry["used"] = False
            entry["file"], _, entry["function"] = entry.get("at", "").rpartition(":")
            if not entry.get("why"):
                raise FlowError(f"an annotation without a reason: {entry}")

    def value(self, formula, env):
        if isinstance(formula, int):
            return formula
        names = {**self.constants, **env, "min": min, "max": max}
        try:
            return int(eval(formula, {"__builtins__": {}}, names))  # our own file
        except (NameError, SyntaxError, TypeError) as error:
            raise FlowError(f"'{formula}': {error}") from error

    @staticmethod
    def speaks_of(entry, frame, source, chain):
        """Does the annotation mean this frame, one of a chain of frames?"""
        return (entry["function"] == frame.function and frame.file.endswith(entry["file"]) and
                entry.get("text", "") in source and
                ("within" not in entry or any(f.function == entry["within"] for f in chain)))

    @staticmethod
    def best(entries):
        entry = max(entries, key=lambda e: (len(e.get("text", "")), "within" in e))
        entry["used"] = True
        return entry

    def unused(self):
        entries = self.loops + self.calls + self.indirect + self.never
        return [e for e in entries if not e["used"]]


def _defines(path, names):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = {}
    for name in names:
        match = re.search(rf"^#define\s+{name}\s+\(?(?:UINT64_C\()?(\w+?)[uUlL]*\)?\s*(?:/\*.*)?$", text, re.M)
        if not match:
            raise FlowError(f"{path} does not define {name} as a number")
        found[name] = int(match[1], 0)
    return found


def pointers(elf, address, size):
    """The words of a table of pointers in the ELF file."""
    with open(elf, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<Q", data, 0x28)
    entry_size, count = struct.unpack_from("<HH", data, 0x3a)
    for n in range(count):
        _, kind, _, base, place, length = struct.unpack_from("<IIQQQQ", data, offset + n * entry_size)
        if kind == 1 and base <= address < base + length:
            at = place + address - base
            return [w for w in struct.unpack_from(f"<{size // 8}Q", data, at)]
    raise FlowError(f"{address:#x} is in no section")


# A path is (instructions, what they are spent on); the latter a rope: None, ("seq", a, b), ("call", address, path),
# ("loop", name, times, path).
EMPTY = (0, None)


def cat(*paths):
    total, rope = 0, None
    for path in paths:
        if path is None:
            return None
        total += path[0]
        rope = path[1] if rope is None else rope if path[1] is None else ("seq", rope, path[1])
    return total, rope


def longer(a, b):
    if a is None or (b is not None and b[0] > a[0]):
        return b
    return a


def items(rope):
    """The calls and loops of a rope in their order."""
    stack = [rope]
    while stack:
        rope = stack.pop()
        if rope is None:
            continue
        if rope[0] == "seq":
            stack += [rope[2], rope[1]]
        else:
            yield rope


class Summary:
    """Longest ways: through without a point where interrupts are taken; from the last such point to the end;
    from the begin to the first one; from one to another."""

    def __init__(self, through=None, tail=None, head=None, inner=None):
        self.through, self.tail, self.head, self.inner = through, tail, head, inner


class Piece:
    """A node of a function, or a loop made one. ways: successor -> (through, tail)."""

    def __init__(self, head=None, inner=None):
        self.head, self.inner, self.ways = head, inner, {}
        self.lock = False  # the wait for a lock, after which it is held

    def way(self, target, through, tail):
        old = self.ways.get(target, (None, None))
        self.ways[target] = (longer(old[0], through), longer(old[1], tail))


class Analysis:
    def __init__(self, elf, notes):
        self.code = flow.Code(elf, (".text", ".extension.text", ".smmu.text"))
        self.notes = notes
        self.graphs, self.summaries, self.active = {}, {}, []
        self.mended = set()  # loops and functions taken as free
        self.unknown = []    # messages
        self.table_cache = {}
        self.said = {}       # loop: what notes_of() found, and its instructions
        self.sites = {}      # call: its [[call]], likewise
        self.known = {}      # (loop, symbol): bound
        self.holds = {}      # wait for a lock: instructions until its release
        self.extra = []      # what loops with a total cost in the function at hand

    # Graphs and annotations

    def graph(self, start):
        if start not in self.graphs:
            nodes = flow.graph(self.code, start, self.targets)
            self.acknowledge_by_load(nodes)
            found = flow.loops(nodes, start, self.code.name(start))
            self.graphs[start] = nodes, found
        return self.graphs[start]

    def acknowledge_by_load(self, nodes):
        """GICv2: the load in the function that acknowledges."""
        for key, node in list(nodes.items()):
            if node.kind != "plain":
                continue
            for at in range(node.address, node.last + 4, 4):
                i = self.code.instructions[at]
                if not i.name.startswith("ldr") or not i.operands.startswith("w"):
                    continue
                frames = self.code.frames([at])[0]
                if len(frames) > 1 and frames[1].function in self.notes.acknowledge and \
                        frames[0].function.startswith("mmio_read"):
                    after = ("after", at)
                    nodes[after] = flow.Node(address=at + 4, length=(node.last - at) // 4, succ=node.succ,
                                             last=node.last)
                    cut = ("cut", at)
                    nodes[cut] = flow.Node(address=at, kind="cut", length=1, succ=[after], last=at)
                    node.succ, node.last = [cut], at - 4
                    node.length = (at - node.address) // 4
                    break

    def targets(self, address):
        frames = self.code.frames([address])[0]
        for entry in self.notes.indirect:
            if any(self.notes.speaks_of(entry, f, self.code.source(ROOT, f), frames) for f in frames):
                entry["used"] = True
                if "table" in entry:
                    return self.table(entry)
                return [a for name in entry["targets"] for a in self.code.functions_named(name)]
        if self.note(self.notes.never, frames)[0] is None:
            self.complain("a call through a register", address, "[[indirect]]")
        return []

    def table(self, entry):
        name = entry["table"]
        if name not in self.table_cache:
            for line in flow._run(["llvm-nm-19", "--print-size", self.code.elf]).splitlines():
                words = line.split()
                if len(words) == 4 and words[3] == name:
                    table = pointers(self.code.elf, int(words[0], 16), int(words[1], 16))
                    self.table_cache[name] = [a for a in table if a in self.code.names]
                    break
            else:
                raise FlowError(f"no table {name}")
        return self.table_cache[name]

    def complain(self, what, address, kind):
        frames = self.code.frames([address])[0]
        chain = " < ".join(f"{f.function} ({f.file}:{f.line})" for f in frames)
        text = self.code.source(ROOT, frames[0]) if frames else ""
        message = f"{what} without {kind}: {self.code.name(address)} at {address:#x}: {chain}: {text}"
        if message not in self.unknown:
            self.unknown.append(message)

    def note(self, entries, frames, depth=None, taken=()):
        """The annotation of the innermost frame that has one; those that say most come first. taken: those of loops
        within, whose lines may be those of the outer loop's last instruction too."""
        for n, frame in enumerate(frames[:depth]):
            source = self.code.source(ROOT, frame)
            fitting = [e for e in entries if self.notes.speaks_of(e, frame, source, frames) and
                       (id(e), tuple(frames[n + 1:])) not in taken]
            if fitting:
                return self.notes.best(fitting), frame
        return None, None

    # Loops

    def notes_of(self, loop, nodes, own, taken):
        """What is said of a loop: [(annotation, name, key)], several if loops share their first instruction."""
        names = {i.name for i in self.inside(nodes, own)}
        latch = nodes[loop.latches[0]]
        for entry in self.notes.loops:
            if entry.get("instruction") in names:
                entry["used"] = True
                return [(entry, f"the wait for a lock in {self.code.name(latch.last)}", None)]
        if self.retries(loop, nodes):
            return [(self.notes.exclusive, f"an exclusive store in {self.code.name(latch.last)}", None)]
        entries = [e for e in self.notes.loops if "instruction" not in e]
        result = {}

        def add(chain):
            entry, frame = self.note(entries, chain, 1, taken)
            if entry is not None:
                key = id(entry), tuple(chain[chain.index(frame) + 1:])
                result[key] = entry, f"{frame.function} ({frame.file}:{frame.line})", key
            return entry is not None

        latches = [self.lines(nodes[key].last) for key in loop.latches]
        for chain in latches:
            add(chain)
        others = [nodes[k].last for k in own if len(nodes[k].succ) > 1] + [nodes[loop.header].address]
        for chain in latches + [self.lines(a) for a in others]:
            if result or add(chain):
                return list(result.values())
        self.complain("a loop", latch.last, "[[loop]]")
        return []

    def lines(self, address):
        return [f for f in self.code.frames([address])[0] if f.line]

    def inside(self, nodes, keys):
        return [self.code.instructions[a] for key in keys if nodes[key].kind != "fresh"
                for a in range(nodes[key].address, nodes[key].last + 4, 4)]

    def runs(self, entry, env, instructions):
        """How often the body runs by an annotation; None: without end."""
        if entry.get("bound") == "endless":
            return None
        if "bytes" in entry:
            stored = sum(width(i) for i in instructions)
            return -(-self.notes.value(entry["bytes"], env) // max(stored, 1))
        return self.notes.value(entry.get("total", entry.get("bound")), env)

    def collapse(self, loop, nodes, pieces, below, taken, env):
        """The loop as one piece. below: the loops in it; taken: their annotations."""
        inside = set().union(*(other.nodes for other in below))
        own = [key for key in loop.nodes if key not in inside]
        if id(loop) not in self.said:
            before = set().union(*(taken.get(other.header, ()) for other in below))
            self.said[id(loop)] = self.notes_of(loop, nodes, own, before), self.inside(nodes, own)
        said, instructions = self.said[id(loop)]
        taken[loop.header] = {key for _, _, key in said}.union(*(taken.get(other.header, ()) for other in below))
        name = " and ".join(n for _, n, _ in said)
        counts = [self.runs(entry, env, instructions) for entry, _, _ in said]
        runs = None if None in counts else math.prod(counts)
        self.known[name, self.code.name(nodes[loop.header].address)] = "none" if runs is None else runs
        apart = any("total" in entry for entry, _, _ in said)
        body = set(loop.nodes)
        bottom = len(loop.latches) == 1 and not any(
            t not in body for key in body if key in pieces and key != loop.latches[0] for t in pieces[key].ways)
        again = None if runs is None else max(runs - 1 if bottom else runs, 0)
        if ("loop", name) in self.mended:
            again = 0
        head, inner, exits = self.walk(loop.header, EMPTY, body, pieces)
        round_a, round_b = exits.pop(loop.header, (None, None))
        if again is None:
            if round_a is not None:
                self.complain("an endless loop in which no interrupt is taken", nodes[loop.latches[0]].last, "a bound")
            again = 0 if round_a is not None else 1 << 30
        label = ("loop", name)
        if apart and round_a is not None:
            self.extra.append(repeat(label, again, round_a))
            again = 0
        rounds = repeat(label, again, round_a)
        fewer = repeat(label, again - 1, round_a) if again >= 1 else None
        piece = Piece(cat(rounds, head), longer(inner, cat(round_b, fewer, head)))
        piece.lock = any(entry.get("lock", False) for entry, _, _ in said)
        for target, (through, tail) in exits.items():
            piece.way(target, cat(rounds, through), longer(tail, cat(round_b, fewer, through)))
        return piece

    def walk(self, start, first, body, pieces):
        """Longest ways from `start` over the pieces in `body`: of each exit, to and between cuts."""
        order = self.topological(start, body, pieces)
        through, tail = {start: first}, {}
        head = inner = None
        exits = {}
        for key in order:
            piece, at, behind = pieces[key], through.get(key), tail.get(key)
            head = longer(head, cat(at, piece.head))
            inner = longer(longer(inner, piece.inner), cat(behind, piece.head))
            for target, (way, last) in piece.ways.items():
                a, b = cat(at, way), longer(last, cat(behind, way))
                if target in body and target != start:
                    through[target] = longer(through.get(target), a)
                    tail[target] = longer(tail.get(target), b)
                else:
                    old = exits.get(target, (None, None))
                    exits[target] = (longer(old[0], a), longer(old[1], b))
        return head, inner, exits

    @staticmethod
    def topological(start, body, pieces):
        order, seen, stack = [], {start}, [(start, iter(list(pieces[start].ways)))]
        while stack:
            key, targets = stack[-1]
            for target in targets:
                if target in body and target not in seen:
                    seen.add(target)
                    stack.append((target, iter(list(pieces[target].ways))))
                    break
            else:
                order.append(key)
                stack.pop()
        return order[::-1]

    def retries(self, loop, nodes):
        """A loop that only repeats an exclusive store."""
        for key in loop.latches:
            last = self.code.instructions[nodes[key].last]
            stores = [self.code.instructions[a] for a in range(nodes[key].address, nodes[key].last, 4)]
            stores = [i for i in stores if re.match(r"st[l]?xr", i.name)]
            if last.name != "cbnz" or not stores or stores[-1].operands.split(",")[0] != last.operands.split(",")[0]:
                return False
        return True

    # Functions

    def summary(self, start, env=()):
        key = start, env
        if key in self.summaries:
            return self.summaries[key]
        if start in self.active:
            names = " > ".join(self.code.name(a) for a in self.active + [start])
            raise FlowError(f"recursion: {names}")
        self.active.append(start)
        try:
            self.summaries[key] = self.measure(start, env)
        finally:
            self.active.pop()
        return self.summaries[key]

    def measure(self, start, env):
        nodes, found = self.graph(start)
        pieces = {key: self.piece(node, dict(env)) for key, node in nodes.items()}
        where = {key: key for key in nodes}  # a node -> the piece that it is part of
        outer, self.extra = self.extra, []
        done, taken = [], {}
        for loop in found:
            below = [other for other in done if other.nodes < loop.nodes]
            piece = self.collapse(loop, nodes, self.within(loop, pieces, where), below, taken, dict(env))
            for key in loop.nodes:
                where[key] = loop.header
                if key != loop.header:
                    pieces.pop(key, None)
            pieces[loop.header] = piece
            done.append(loop)
        self.hold(start, {key: node for key, node in nodes.items() if key not in taken}, pieces)
        head, inner, exits = self.walk(start, EMPTY, set(pieces), pieces)
        through, tail = exits.get("return", (None, None))
        more = cat(EMPTY, *self.extra)
        self.extra = outer
        return Summary(*(cat(path, more) for path in (through, tail, head, inner)))

    def hold(self, start, nodes, pieces):
        """How long the function holds each lock that it takes itself: to the release that ends all that it took since.
        Loops and calls in between release what they take."""
        locks = [key for key, piece in pieces.items() if piece.lock]
        if not locks:
            return
        order = self.topological(start, set(pieces), pieces)
        for lock in set(locks) & set(order):
            ways = {(lock, 0): EMPTY}
            for key in order[order.index(lock):]:
                for depth in [d for k, d in ways if k == key]:
                    at, after = ways[key, depth], depth + pieces[key].lock - self.releases(nodes.get(key))
                    for target, (way, _) in pieces[key].ways.items():
                        path = cat(at, way)
                        if path is not None and (after <= 0 or target == "return"):
                            self.holds[lock] = max(self.holds.get(lock, 0), path[0])
                        elif path is not None:
                            ways[target, after] = longer(ways.get((target, after)), path)

    def releases(self, node):
        """How many locks a piece of plain code releases."""
        if node is None or node.kind != "plain":
            return 0
        return sum(self.code.instructions[a].name == "stlrh" and
                   any(f.function == "arch_spin_unlock" for f in self.code.frames([a])[0])
                   for a in range(node.address, node.last + 4, 4))

    @staticmethod
    def within(loop, pieces, where):
        """The pieces that a loop is made of."""
        return {key: pieces[key] for key in {where[k] for k in loop.nodes}}

    def piece(self, node, env):
        own = (node.length, None)
        if self.is_never(node):
            return Piece()
        if node.kind in ("call", "tail"):
            return self.call(node, env)
        if node.kind == "cut":
            piece = Piece(head=(1, None))
            for target in node.succ:
                piece.way(target, None, EMPTY)
            return piece
        piece = Piece()
        if node.kind == "return":
            piece.way("return", own, None)
        for target in node.succ:
            piece.way(target, *((None, EMPTY) if node.kind == "fresh" else (own, None)))
        return piece

    def is_never(self, node):
        if node.kind == "fresh":
            return False
        key = node.address, "never"
        if key not in self.sites:
            self.sites[key] = any(self.note(self.notes.never, frames)[0] is not None
                                  for frames in self.code.frames([node.address, node.last]))
        return self.sites[key]

    def call(self, node, env):
        result = Piece()
        for callee in node.callees:
            name = self.code.name(callee)
            if name in self.notes.stops:
                continue
            entry = self.site(node.address, re.sub(r"\.\d+$", "", name))
            s = self.summary(callee, self.environment(node, entry, name, env))
            if ("call", name) in self.mended:
                s = Summary(EMPTY if s.through else None, EMPTY if s.tail else None)

            def through(path, callee=callee):
                return None if path is None else (path[0], ("call", callee, path))
            first, way = (1, None), through(s.through)
            if entry is not None and "total" in entry and way is not None:
                self.extra.append(repeat(("loop", f"calls of {name}"), self.notes.value(entry["total"], env), way))
                way = EMPTY
            result.head = longer(result.head, cat(first, through(s.head)))
            result.inner = longer(result.inner, through(s.inner))
            for target in ["return"] if node.kind == "tail" else node.succ:
                result.way(target, cat(first, way), through(s.tail))
        return result

    def site(self, address, name):
        """The annotation of a call."""
        key = address, name
        if key not in self.sites:
            entries = [e for e in self.notes.calls if e["callee"] == name]
            self.sites[key] = self.note(entries, self.code.frames([address])[0])[0] if entries else None
        return self.sites[key]

    def environment(self, node, entry, name, env):
        """The values that a call sets for the loops of the callee."""
        if entry is not None:
            return tuple(sorted((k, self.notes.value(v, env)) for k, v in entry.get("sets", {}).items()))
        names = {k for e in self.notes.calls if e["callee"] == re.sub(r"\.\d+$", "", name) for k in e.get("sets", {})}
        size = self.constant(node.address)
        if names and (size is None or "size" not in names):
            self.complain(f"a call of {name}", node.address, "[[call]]")
        return tuple(sorted((k, size or 0 if k == "size" else 0) for k in names))

    def constant(self, address):
        """The third argument of a call, if the code before it loads a constant."""
        for at in range(address - 4, address - 80, -4):
            i = self.code.instructions.get(at)
            if i is None or i.name in ("bl", "blr", "ret", "b"):
                return None
            if i.name == "mov" and re.match(r"[wx]2, #", i.operands):
                return int(i.operands.split("#")[1].split()[0], 0)
            if re.match(r"[wx]2\b", i.operands) and not i.name.startswith("st"):
                return None
        return None

    # Segments

    def acknowledgements(self):
        """Addresses at which an interrupt is taken, after segments()."""
        return {n.address for nodes, _ in self.graphs.values() for n in nodes.values()
                if n.kind == "cut" and self.code.instructions[n.address].name != "eret"}

    def tests(self):
        """(test, where it goes on) of every look for pending interrupts that may find none."""
        return {(n.address, n.succ[0]) for nodes, _ in self.graphs.values() for n in nodes.values()
                if n.kind == "fresh"}

    def segments(self):
        """{name: path} of the entries and of what begins where an interrupt was taken."""
        result = {}
        for table in TABLES:
            for kind, offset in ENTRIES.items():
                start = self.code.by_name[table] + offset
                s = self.summary(start)
                name = f"from a guest's {kind}" + ("" if table == "vectors" else f" ({table})")
                if s.head:
                    result[name] = s.head
                if s.inner:
                    result["from the last interrupt taken"] = longer(
                        result.get("from the last interrupt taken"), s.inner)
        return result


def width(instruction):
    """Bytes that a store writes."""
    name, operands = instruction.name, instruction.operands
    if not name.startswith(("str", "stur", "stp")):
        return 0
    size = 1 if name.endswith("b") else 2 if name.endswith("h") else 8 if operands.startswith("x") else 4
    return 2 * size if name == "stp" else size


def repeat(label, times, path):
    if times == 0:
        return EMPTY
    if path is None:
        return EMPTY  # cannot go around without a cut
    return path[0] * times, (*label, times, path)


def title(analysis, item):
    if item[0] == "call":
        return analysis.code.name(item[1]), item[2][0]
    return f"{item[2]:,} more rounds of {item[1]}, {item[3][0]:,} each", item[3][0] * item[2]


def show(analysis, path, lines, depth=0, whole=None):
    whole = whole or path[0]
    merged = {}
    for item in items(path[1]):
        text, cost = title(analysis, item)
        count, sum_, first = merged.get(text, (0, 0, item))
        merged[text] = (count + 1, sum_ + cost, first)
    for text, (count, cost, item) in merged.items():
        if cost < SHOWN * whole:
            continue
        times = f" ({count} times)" if count > 1 else ""
        lines.append(f"{cost:>12,}  {'  ' * depth}{text}{times}")
        if depth < 14:
            inner = item[2] if item[0] == "call" else item[3]
            scale = cost / max(inner[0] * (1 if item[0] == "call" else item[2]), 1)
            show(analysis, inner, lines, depth + 1, whole / (1 if item[0] == "call" else max(item[2], 1)) / scale)


def cause(analysis, path):
    """The innermost loop or function in which most of a path is spent."""
    found, whole = None, path[0]
    while True:
        totals = {}
        for item in items(path[1]):
            cost = title(analysis, item)[1]
            key = ("loop", item[1]) if item[0] == "loop" else ("call", analysis.code.name(item[1]))
            if key not in analysis.mended:
                sum_, first = totals.get(key, (0, item))
                totals[key] = (sum_ + cost, first)
        if not totals:
            return found
        key, (cost, item) = max(totals.items(), key=lambda pair: pair[1][0])
        if cost < whole * 0.4 or key[1] in ("schedule_switch",):
            if key[1] == "schedule_switch":
                path = item[2]
                continue
            return found or key
        found, path = key, item[2] if item[0] == "call" else item[3]
        whole = path[0]


def worst(segments):
    return max(segments.items(), key=lambda pair: pair[1][0])


def causes(analysis, count):
    """The worst segment; then the worst if its cause cost nothing; and so on."""
    result = []
    while len(result) < count:
        analysis.summaries.clear()
        name, path = worst(analysis.segments())
        why = cause(analysis, path)
        result.append((name, path, why))
        if why is None:
            break
        analysis.mended.add(why)
    analysis.mended.clear()
    analysis.summaries.clear()
    return result


def bound(elf, overrides=()):
    """The worst segment as (instructions, where it begins, cause)."""
    analysis = Analysis(elf, Annotations(os.path.join(HERE, "loop_bounds.toml"), overrides))
    name, path = worst(analysis.segments())
    if analysis.unknown:
        raise FlowError("\n".join(analysis.unknown))
    return path[0], name, cause(analysis, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="the build folder")
    parser.add_argument("--elf", help="default: OUT/bulkhead.elf")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=N", help="another value of a constant")
    parser.add_argument("--count", type=int, default=10, help="segments to print (default 10)")
    parser.add_argument("--seen", action="store_true", help="for the configuration of the runs, not the limits")
    parser.add_argument("--loops", action="store_true", help="list every loop with its bound")
    options = parser.parse_args()
    notes = Annotations(os.path.join(HERE, "loop_bounds.toml"), options.set)
    if options.seen:
        notes.constants.update(notes.seen)
    analysis = Analysis(options.elf or os.path.join(options.out, "bulkhead.elf"), notes)
    segments = analysis.segments()
    for message in analysis.unknown:
        print(f"error: {message}", file=sys.stderr)
    for entry in notes.unused():
        what = entry.get("at") or entry.get("instruction")
        print(f"note: not needed: {what} {entry.get('text', '')}".rstrip(), file=sys.stderr)
    if options.loops:
        for name, runs in sorted(analysis.known.items()):
            print(f"{runs:>6} {name[0]} in {name[1]}")
        return 0
    if analysis.unknown:
        return 1
    for name, path in sorted(segments.items(), key=lambda pair: -pair[1][0]):
        print(f"{path[0]:>12,}  {name}")
    print("\nThe longest holds of a lock, which another pCPU may have to wait for (not in the above):")
    for address, length in sorted(analysis.holds.items(), key=lambda pair: -pair[1])[:10]:
        frames = [f for f in analysis.code.frames([address])[0] if "spin_lock" not in f.function]
        where = f"{frames[0].function} ({frames[0].file}:{frames[0].line})" if frames else ""
        print(f"{length:>12,}  {where} in {analysis.code.name(address)}")
    print("\nThe longest, and the longest that remain if what is named costs nothing:")
    for number, (name, path, why) in enumerate(causes(analysis, options.count), 1):
        print(f"\n{number}. {path[0]:,} instructions {name}; mostly {why[1] if why else 'nothing in particular'}")
        lines = []
        show(analysis, path, lines)
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FlowError as error:
        sys.exit(f"worst_exit: {error}")
