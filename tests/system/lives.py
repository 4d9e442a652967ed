# SPDX-License-Identifier: Apache-2.0
"""What driver domains that die on purpose (tests/domains/steps) say of their lives."""

import collections
import os
import re

import run

STEPS = ("take order", "take in-flight", "take last_avail", "take done", "link", "batch head", "element", "published",
         "clear", "used_idx", "reset", "register")
HEART = "bulkhead,restart = <0xffffffff>; bulkhead,heartbeat-ms = <1000>;"     # an endless loop costs a second
S2 = range(10)      # those of the order of stores in a take and in a completion
KINDS = ("undefined instruction", "endless loop", "store into code", "store to nowhere", "store outside stage 2",
         "variables damaged", "objects damaged", "return addresses damaged", "return into a loop")


def image(name):
    return os.path.join(run.O, "domains", f"{name}-step.img")


class Lives:
    """The lives of one driver domain in a finished or running machine."""

    def __init__(self, r, domain):
        self.deaths = collections.Counter()     # (step, kind)
        self.overtook = self.answers = self.ends = self.watchdog = 0
        found, self.with_requests, self.in_flight = [], 0, []
        for line in r.lines:
            if line.domain == domain:
                self._said(line.text, found)
            elif line.domain is None and f"DOM{domain}" in line.text:
                self.watchdog += "watchdog" in line.text
                if re.search(rf"DOM{domain} crashed", line.text):
                    self.ends += 1
                    self._over(found)
        self._over(found)

    def _said(self, text, found):
        m = re.match(r"dies behind store (\d+), by (\d+), in flight \d+, overtook (\d+) of (\d+)", text)
        if m:
            self.deaths[int(m.group(1)), int(m.group(2))] += 1
            self.overtook += int(m.group(3))
            self.answers += int(m.group(4))
        m = re.match(r"life \d+ finds (\d+) in flight", text)
        if m:
            found.append(int(m.group(1)))

    def _over(self, found):
        """What the devices of one life found, all together."""
        if found:
            self.in_flight.append(sum(found))
            self.with_requests += sum(found) > 0
            found.clear()

    def by_step(self):
        return collections.Counter({s: sum(n for (step, _), n in self.deaths.items() if step == s)
                                    for s in range(len(STEPS))})

    def by_kind(self):
        return collections.Counter({k: sum(n for (_, kind), n in self.deaths.items() if kind == k)
                                    for k in range(len(KINDS))})

    def share_in_flight(self):
        """Of the lives that followed another one, how many found requests in flight, in percent."""
        return 100 * self.with_requests / max(1, len(self.in_flight))

    def record(self, evidence):
        evidence("deaths", sum(self.deaths.values()))
        evidence("by store", ", ".join(f"{STEPS[s]} {n}" for s, n in sorted(self.by_step().items()) if n))
        evidence("by kind", ", ".join(f"{KINDS[k]} {n}" for k, n in sorted(self.by_kind().items()) if n))
        evidence("ended by the watchdog", self.watchdog)
        evidence("with requests in flight, percent; most", f"{self.share_in_flight():.1f}; {max(self.in_flight)}")
        if self.answers:
            evidence("answers that overtook an older request", f"{self.overtook} of {self.answers}")
