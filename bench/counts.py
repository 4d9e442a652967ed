# SPDX-License-Identifier: Apache-2.0
"""What the plugin tests/plugin/count.c wrote: who had executed how many instructions at each marker."""

import os
from dataclasses import dataclass


@dataclass
class Event:
    """kind: begin, end, request, done, crash, alive or first (of a domain); sums: {(pCPU, domid): (hypervisor's, own)}.

    domid is None for the machine without a hypervisor, and before there is a domain."""

    kind: str
    number: int
    pcpu: int
    domid: int
    sums: dict

    def on(self, pcpu=None):
        """Instructions of that pCPU, or of all."""
        return sum(core + own for (at, _), (core, own) in self.sums.items() if pcpu in (None, at))


@dataclass
class Counts:
    events: list
    pages: dict  # page of the domain that was asked for: a text of "r", "w", "x"
    places: list  # (domid or None: the hypervisor, address, times)

    def first(self, kind, domid=None, after=0):
        """The position of the first such event from there on, or None."""
        for i in range(after, len(self.events)):
            if self.events[i].kind == kind and domid in (None, self.events[i].domid):
                return i
        return None

    def load(self, domid):
        """The events of the load in that domain, from its beginning to its end, and the position of both."""
        begin, end = self.first("begin", domid), self.first("end", domid)
        return [event for event in self.events[begin:end + 1] if event.domid == domid], begin, end


def spent(before, after):
    """{(pCPU, domid): (hypervisor's, own)} between two events."""
    result = {}
    for key, (core, own) in after.sums.items():
        core_before, own_before = before.sums.get(key, (0, 0))
        result[key] = (core - core_before, own - own_before)
    return result


def total(before, after, pcpu=None):
    return after.on(pcpu) - before.on(pcpu)


def requests(events, pcpu):
    """Of each request the instructions of that pCPU from its beginning to its end, and of all moments with a request
    at work together."""
    begun, taken, together, since = {}, [], 0, 0
    for event in events:
        if event.kind == "request":
            since = since if begun else event.on(pcpu)
            begun[event.number] = event.on(pcpu)
        elif event.kind == "done" and event.number in begun:
            taken.append(event.on(pcpu) - begun.pop(event.number))
            together += 0 if begun else event.on(pcpu) - since
    return taken, together


def arguments(library, path, **options):
    """QEMU's arguments for the plugin; `path` is written when QEMU ends."""
    if os.path.exists(path):
        os.remove(path)
    return ["-plugin", ",".join([library, f"out={path}"] + [f"{name}={value}" for name, value in options.items()])]


def _event(words, pcpus):
    sums = {}
    for word in words[4:]:
        where, counts = word.split("=")
        pcpu, vmid = where.split(".")
        core, own = counts.split("+")
        key = pcpus.get(int(pcpu), 0), _domid(int(vmid))
        sums[key] = tuple(map(sum, zip(sums.get(key, (0, 0)), (int(core), int(own)))))
    return Event(words[0], int(words[1]), pcpus.get(int(words[2]), 0), _domid(int(words[3])), sums)


def _domid(vmid):
    return vmid - 1 if vmid else None


def read(path):
    with open(path, encoding="ascii") as file:
        lines = [line.split() for line in file]
    # Boot has a key of its own: those count where a domain was.
    used = {int(word.split(".")[0]) for words in lines for word in words[4:] if ".0=" not in word}
    keys = sorted((int(words[2], 16), int(words[1])) for words in lines if words[0] == "pcpu")
    pcpus = {seen: number for number, (_, seen) in enumerate(pair for pair in keys if pair[1] in used)}
    counts = Counts([], {}, [])  # pCPUs by number
    for words in lines:
        if words[0] == "page":
            counts.pages[int(words[1], 16)] = words[2]
        elif words[0] == "pc":
            counts.places.append((_domid(int(words[1])), int(words[2], 16), int(words[3])))
        elif words[0] != "pcpu":
            counts.events.append(_event(words, pcpus))
    return counts
