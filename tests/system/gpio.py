# SPDX-License-Identifier: Apache-2.0
"""The example of GPIO: QEMU virt's PL061 behind a driver domain, looked at and pulsed from outside the machine."""

import json
import os
import re
import shlex
import socket
import subprocess

import linux
import run
import tree

TOOL = os.path.join(linux.SOURCE, "tools", "bulkhead")
EXAMPLE = os.path.join(linux.SOURCE, "examples", "gpio")
GPIO, LAMP, KEY = 1, 2, 3     # the domains of the example
DATA, DIRECTION = 0x90303fc, 0x9030400   # of the PL061: all lines


class Qmp:
    """QEMU's machine protocol."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def close(self):
        self.file.close()
        self.socket.close()

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise AssertionError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def word(self, address):
        """What the machine has at a physical address, devices included."""
        text = self.ask("human-monitor-command", **{"command-line": f"xp /1wx {address:#x}"})
        return int(re.search(r": (0x[0-9a-f]+)", text).group(1), 16)

    def lines(self):
        """(data, direction) of the PL061."""
        return self.word(DATA), self.word(DIRECTION)

    def press(self):
        """The power button: line 3 is high for 100 ms."""
        self.ask("system_powerdown")


def released(r, qmp):
    """The pulse of the power button is over."""
    for _ in range(200):
        if qmp.lines()[0] & 8 == 0:
            return
        r.pump(0.05)
    r.fail("line 3 stays high")


def keys(base):
    """The console may crash domains."""
    return base + "\n/ { chosen { bulkhead,console-keys; }; };\n"


def partial():
    """The blob of the example's partial tree."""
    os.makedirs(run.WORK, exist_ok=True)
    blob = os.path.join(run.WORK, "gpio.dtb")
    tree.dtc(os.path.join(EXAMPLE, "gpio.dts"), blob)
    return blob


class System:
    """The example, started as `bulkhead run` does it, with a socket for QMP."""

    def __init__(self, name, folder, edit=lambda text: text, limit=240):
        example = os.path.join(folder, "gpio")
        os.makedirs(example)
        for file in ("system.toml", "gpio.dts"):
            with open(os.path.join(EXAMPLE, file), encoding="utf-8") as f:
                text = f.read()
            with open(os.path.join(example, file), "w", encoding="utf-8") as f:
                f.write(edit(text))
        target = os.path.join(folder, "set")
        done = subprocess.run([TOOL, "image", "-o", target, "--unattended", example], capture_output=True, text=True,
                              timeout=180, check=False, env={**os.environ, "O": run.O})
        assert done.returncode == 0, done.stdout + done.stderr
        with open(os.path.join(target, "run.sh"), encoding="utf-8") as f:
            text = f.read().replace("\\\n", " ")
        command = shlex.split(text.split("exec ", 1)[1].replace('"$@"', ""))
        command = [c.replace("file=", f"file={target}/") if c.startswith("loader,") else c for c in command]
        command = [os.path.join(target, c) if os.path.exists(os.path.join(target, c)) else c for c in command]
        self.path = f"/tmp/bulkhead-{os.getpid()}.gpio"   # a socket's name is short
        command += ["-qmp", f"unix:{self.path},server=on,wait=off"]
        self.run = run.Run(command + ([] if "-serial" in command else ["-serial", "stdio"]), name, limit)
        self.served = 0

    def __enter__(self):
        self.run.__enter__()
        try:
            self.run.expect(r"line 0 is low", domain=KEY, limit=60, refuse="crash|error:")
            self.run.rewind()
            self.run.expect(r"line 0 is low", domain=LAMP, limit=60, refuse="crash")
            self.qmp = Qmp(self.path)
        except BaseException:
            self.run.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.qmp.close()
        self.run.__exit__()

    def switch(self, level):
        """The lamp's own opinion is compared with the controller's."""
        self.run.send(str(level))
        self.run.expect(rf"line 0 is {'high' if level else 'low'}", domain=LAMP, limit=30, refuse="refused|crash")
        assert self.qmp.lines() == (level, 1)

    def crash(self, domain=GPIO):
        """From the hypervisor's console."""
        self.run.focus(0)
        self.run.send(f"c{domain}")
        self.run.expect(rf"DOM{domain} crashed", domain=None, limit=30)

    def interrupt(self, number):
        """The key's next interrupt."""
        _, match = self.run.expect(r"interrupt (\d+): line 0 is (high|low)", domain=KEY, limit=60, refuse="crash")
        assert int(match.group(1)) == number
        return match.group(2)

    def released(self):
        released(self.run, self.qmp)
