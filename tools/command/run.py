# SPDX-License-Identifier: Apache-2.0
"""Compose a set and start it in QEMU on this terminal."""
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from . import description, image
from .errors import UserError

# Ctrl-A is taken: three of them move the console to the next domain. QEMU's own escape becomes Ctrl-].
ESCAPE = "0x1d"
CONSOLE = ["-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console", "-mon",
           "chardev=console,mode=readline", "-echr", ESCAPE]


def add_arguments(parser):
    parser.add_argument("description", help="a TOML file, or a folder with a system.toml")
    parser.add_argument("-o", "--output", type=Path, help="folder of the set (default: build/images/NAME)")
    parser.add_argument("--hypervisor", metavar="FILE", help="as in `bulkhead image`")
    parser.add_argument("--unattended", choices=("auto", "yes", "no"), default="auto",
                        help="whether the domains act by themselves and power off (auto: when there is no terminal)")
    parser.add_argument("--timeout", type=float, metavar="S", help="end QEMU after S seconds, with status 124")
    parser.add_argument("--print", action="store_true", help="print the QEMU command and do not start it")
    parser.add_argument("qemu", nargs="*", help="further QEMU arguments, after --")


def main(arguments):
    system = description.load(arguments.description)
    folder = arguments.output or image.default_folder(arguments.description)
    hypervisor = arguments.hypervisor
    if hypervisor and ":" not in hypervisor:
        hypervisor = str(Path(hypervisor).absolute())
    terminal = sys.stdin.isatty()
    unattended = arguments.unattended == "yes" or (arguments.unattended == "auto" and not terminal)
    composed = image.compose(system, folder, hypervisor, unattended)
    command = image.qemu_command(composed, f"{folder}/") + CONSOLE + arguments.qemu
    if arguments.print:
        print(shlex.join(command))
        return 0
    print(f"Starting {', '.join(d.name for d in system.domains)} on {system.board.smp} CPUs; the set is in {folder}.")
    if terminal:
        print("Ctrl-A three times moves the keyboard to the next domain. To leave: Ctrl-] and then x.")
    else:
        print("No terminal: the domains act by themselves and power off; input is passed on until it ends.")
    sys.stdout.flush()
    return run(command, arguments.timeout)


def run(command, timeout):
    """Whoever ends this program ends QEMU, which then gives the terminal back as it was."""
    asked = []

    def end(number, _frame):
        asked.append(number)
        if process:
            process.terminate()

    process = None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        process = subprocess.Popen(command)
    except FileNotFoundError as error:
        raise UserError(f"{command[0]} is missing: run ./setup") from error
    with process:
        try:
            if asked:
                process.terminate()
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            print(f"\nbulkhead run: ended after {timeout:g} s", file=sys.stderr)
            return 124
        except BaseException:
            process.kill()
            raise
    return 128 + asked[0] if asked else status
