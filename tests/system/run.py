# SPDX-License-Identifier: Apache-2.0
"""Starts a machine under QEMU, reads its serial line with time stamps, waits for lines, types, and always ends it."""

import os
import re
import selectors
import subprocess
import time

import tree

O = os.environ.get("O", "build")
LOGS = os.path.join(O, "tests", "logs")
# What tests of several files make on demand; suites that run side by side each have their own.
WORK = os.path.join(O, "tests", os.environ.get("PYTEST_XDIST_WORKER", "work"))
HYPERVISOR = os.path.join(O, "bulkhead.img")
# Figures that a slow shared machine needs: every limit is multiplied by this.
PATIENCE = float(os.environ.get("PATIENCE", "1"))

PREFIX = re.compile(r"^(?:\(XEN\) )?DOM(\d+): ?")


class Failure(AssertionError):
    """A failed run; its text is all that pytest shows."""


class Line:
    """One line of output: seconds since start, domain (None: the hypervisor's or a bare guest's), text."""

    __slots__ = ("when", "domain", "text")

    def __init__(self, when, domain, text):
        self.when, self.domain, self.text = when, domain, text


class Run:
    """A running machine. Use as a context manager."""

    def __init__(self, args, name, limit=60):
        os.makedirs(LOGS, exist_ok=True)
        self.name = re.sub(r"[^A-Za-z0-9_.+-]", "_", name)
        self.log_path = os.path.join(LOGS, self.name + ".log")
        self.args = args
        self.limit = limit * PATIENCE
        self.lines = []
        self._partial = b""
        self._next = 0
        self.ended = False
        self.start = time.monotonic()
        self._log = open(self.log_path, "w", buffering=1, encoding="utf-8")
        self._log.write("+ " + " ".join(args) + "\n")
        self._log.flush()
        self._errors = open(self.log_path + ".err", "w+", encoding="utf-8")
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self._selector.close()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self._log.close()
        self._errors.close()

    @property
    def elapsed(self):
        return time.monotonic() - self.start

    def _take(self, data):
        self._partial += data
        *complete, self._partial = self._partial.split(b"\n")
        for raw in complete:
            self._add(raw)

    def _add(self, raw):
        text = raw.decode("utf-8", "replace").replace("\r", "").replace("\x00", "")
        domain = None
        match = PREFIX.match(text)
        if match:
            domain, text = int(match.group(1)), text[match.end():]
        line = Line(self.elapsed, domain, text)
        self.lines.append(line)
        self._log.write(f"{line.when:8.3f} {'' if domain is None else f'DOM{domain}: '}{text}\n")

    def note(self, origin, text):
        """Something that the log shall show, where it belongs."""
        self._log.write(f"{self.elapsed:8.3f} {origin}: {text!r}\n")

    def pump(self, seconds):
        """Read what arrives within that time; False when QEMU has ended and nothing is left."""
        if self.ended:
            return False
        if not self._selector.select(seconds):
            return True
        data = self.process.stdout.read(65536)
        if data:
            self._take(data)
            return True
        if data == b"":
            if self._partial:
                self._add(self._partial)
                self._partial = b""
            self.process.wait(10)
            self.ended = True
            return False
        return True

    def fail(self, why):
        self._log.flush()
        tail = [f"  {'' if l.domain is None else f'DOM{l.domain}: '}{l.text}" for l in self.lines[-15:]]
        if self._partial:
            tail.append("  " + self._partial.decode("utf-8", "replace") + " (unfinished line)")
        self._errors.seek(0)
        errors = self._errors.read().strip()[-400:]
        raise Failure(f"{why}\n  ... after {self.elapsed:.1f} s, {len(self.lines)} lines; the last:\n"
                      + "\n".join(tail) +
                      (f"\n  QEMU says: {errors}" if errors else "") + f"\n  log: {self.log_path}")

    def expect(self, pattern, domain=any, limit=None, refuse=None):
        """Wait for a line that contains the pattern; looks only at lines after the previous match.

        Returns (line, match)."""
        pattern = re.compile(pattern)
        refuse = re.compile(refuse) if refuse else None
        end = time.monotonic() + (limit * PATIENCE if limit else max(0.0, self.limit - self.elapsed))
        while True:
            while self._next < len(self.lines):
                line = self.lines[self._next]
                self._next += 1
                if domain is not any and line.domain != domain:
                    continue
                match = pattern.search(line.text)
                if match:
                    return line, match
                if refuse and refuse.search(line.text):
                    self.fail(f"'{line.text}' instead of '{pattern.pattern}'")
            left = end - time.monotonic()
            if left <= 0:
                self.fail(f"no '{pattern.pattern}'" + ("" if domain is any else f" from domain {domain}"))
            if not self.pump(min(left, 0.5)) and self._next >= len(self.lines):
                self.fail(f"QEMU ended before '{pattern.pattern}'")

    def expect_prompt(self, text, limit=30):
        """Wait for text that need not end its line (a prompt)."""
        end = time.monotonic() + limit * PATIENCE
        text = text.encode()
        while text not in self._partial:
            if time.monotonic() > end or not self.pump(0.5):
                self.fail(f"no prompt '{text.decode()}'")

    def mark(self):
        """The place in the output to which rewind can go back."""
        return self._next

    def rewind(self, mark=0):
        """Let expect look at the lines after the mark again."""
        self._next = mark

    def focus(self, domain):
        """Move the input to a domain (0: the hypervisor): Ctrl-A three times until its line says so.

        A domain that was typed to gives out its lines as they grow: moving on while it writes cuts the line in two."""
        for _ in range(8):
            self.send("\x01\x01\x01")
            _, match = self.expect(r"input to (?:DOM(\d+)|the hypervisor)", domain=None, limit=10)
            if int(match.group(1) or 0) == domain:
                return
        self.fail(f"Ctrl-A three times never reaches {domain}")

    def send(self, data, pause=0.0):
        """Type. With a pause, byte by byte: a polled UART of 16 bytes can lose what comes at once."""
        data = data.encode() if isinstance(data, str) else data
        for piece in ([data[i:i + 1] for i in range(len(data))] if pause else [data]):
            self.process.stdin.write(piece)
            self.process.stdin.flush()
            if pause:
                self.pump(pause)

    def text_of(self, domain):
        return [l.text for l in self.lines if l.domain == domain]

    def wait_end(self, limit=None):
        """Wait until QEMU ends by itself (all domains off); its exit status must be 0."""
        end = time.monotonic() + (limit * PATIENCE if limit else max(0.0, self.limit - self.elapsed))
        while self.pump(0.2):
            if time.monotonic() > end:
                self.fail("the machine did not power off")
        if self.process.returncode != 0:
            self.fail(f"QEMU's exit status is {self.process.returncode}")


def hypervisor(machine, domains, name, limit=60, args="", chosen="", edit=None, image=None, extensions=()):
    """Starts the hypervisor on a machine with these domains."""
    image = image or HYPERVISOR
    if "xen-" in os.path.basename(image):
        args = f"console=dtuart dtuart={tree.console_path(machine)} guest_loglvl=all sync_console {args}".strip()
    folder = os.path.join(LOGS, re.sub(r"[^A-Za-z0-9_.+-]", "_", name) + ".d")
    os.makedirs(folder, exist_ok=True)
    blob, modules = tree.write(machine, domains, folder, args, chosen, edit, extensions)
    command = machine.arguments() + ["-serial", "stdio", "-kernel", image, "-dtb", blob]
    for path, address in modules:
        command += ["-device", f"loader,file={path},addr=0x{address:x},force-raw=on"]
    return Run(command, name, limit)


def bare(machine, kernel, bootargs, name, limit=60, ramdisk=""):
    """The same guest at EL1 of the bare machine: the reference for what hardware does."""
    command = machine.arguments(el2=False) + ["-serial", "stdio", "-kernel", kernel, "-append", bootargs]
    if ramdisk:
        command += ["-initrd", ramdisk]
    return Run(command, name, limit)


def finish(run, domains=(None,), figures=None, allow_fail=()):
    """Wait for DONE of each domain; collect FIG lines; fail with the guest's own FAIL lines. Returns {test: passed}."""
    waiting = set(domains)
    results = {}
    failures = []
    while waiting:
        line, match = run.expect(r"\b(DONE passed=\d+ failed=\d+|PASS \w+|SKIP \w+: |FAIL \w+: .*|FIG \S+ \d+)")
        domain = line.domain if line.domain in waiting or None not in waiting else None
        words = match.group(0).split()
        if words[0] == "DONE":
            waiting.discard(domain)
        elif words[0] == "FIG" and figures is not None:
            figures[(domain, words[1]) if len(domains) > 1 else words[1]] = int(words[2])
        elif words[0] == "PASS":
            results.setdefault((domain, words[1]), True)
        elif words[0] == "FAIL":
            results[(domain, words[1].rstrip(":"))] = False
            if words[1].rstrip(":") not in allow_fail:
                failures.append(f"DOM{domain}: {match.group(0)}" if domain else match.group(0))
        elif words[0] == "SKIP":
            results[(domain, words[1].rstrip(":"))] = None
    if failures:
        run.fail("; ".join(failures[:6]))
    return results
