# SPDX-License-Identifier: Apache-2.0
"""The VIRTIO devices of a description: `virtio = [{ class = ..., server = ..., buffers = ... }, ...]` of a domain, one
line for each, becomes the nodes of docs/configuration.md. What the values mean is the hypervisor's to check."""
import re
from dataclasses import dataclass

from .errors import UserError

FIRST, REGISTERS = 0x2000000, 0x200
ANY = "any"
CLASSES = ("block", "net", "console", "entropy", "vsock", "gpio")


def number(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise ValueError("should be a number of 32 bits")
    return f"<0x{value:x}>"


def flag(value):
    if not isinstance(value, bool):
        raise ValueError("should be true or false")
    return "" if value else None


def text(value):
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("should be a text")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def texts(value):
    if not isinstance(value, list) or not value:
        raise ValueError("should be a list of texts")
    return ", ".join(text(one) for one in value)


def pair(value):
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("should be [first, count]")
    return [number(one) for one in value]


def sectors(value):
    if not isinstance(value, list) or len(value) != 2 or any(
            isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < 2**64 for one in value):
        raise ValueError("should be [first, count]; a count of 0 is all that follows")
    return [f"/bits/ 64 <0x{one:x}>" for one in value]


def lines(value):
    first, count = pair(value)
    return f"{first}, {count}"


def mac(value):
    if not isinstance(value, str) or not re.fullmatch("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", value):
        raise ValueError('should be an address as "52:54:00:12:34:56"')
    return f"[{value.replace(':', ' ')}]"


# Key: the classes that have it, how its value is written, and its property (or two).
KEYS = {
    "buffers": (ANY, text, "bulkhead,buffers"),
    "bounce_kb": (ANY, number, "bulkhead,bounce-kb"),
    "park_ms": (ANY, number, "bulkhead,park-ms"),
    "park_end": (ANY, text, "bulkhead,park-end"),
    "queues": (ANY, number, "bulkhead,queues"),
    "queue_max": (ANY, number, "bulkhead,queue-max"),
    "disk": ("block", number, "bulkhead,disk"),
    "sectors": ("block", sectors, ("bulkhead,first-sector", "bulkhead,sectors")),
    "read_only": ("block", flag, "bulkhead,read-only"),
    "mac": ("net", mac, "local-mac-address"),
    "isolated": ("net vsock", flag, "bulkhead,isolated"),
    "any_source": ("net", flag, "bulkhead,any-source"),
    "rate_kbit": ("net", number, "bulkhead,rate-kbit"),
    "ports": ("console", number, "bulkhead,ports"),
    "guest_cid": ("vsock", number, "bulkhead,guest-cid"),
    "lines": ("gpio", lines, "bulkhead,gpio-lines"),
    "line_names": ("gpio", texts, "gpio-line-names"),
}


@dataclass
class Device:
    """One of them: `line` is where the description has it, `where` says so to a person."""
    table: dict
    where: str
    line: int
    address: int = 0

    @property
    def node(self):
        return f"virtio@{self.address:x}"


def label(name):
    """Of a domain's node."""
    word = re.sub(r"\W", "_", name)
    return f"{'_' if word[0].isdigit() else ''}{word}"


def tokens(source):
    """(line, token) of TOML text, as far as brackets and keys go: strings are one token, comments none."""
    pattern = r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\w.-]+|\S'
    line, at = 1, 0
    for match in re.finditer(pattern, source):
        line += source.count("\n", at, match.start())
        at = match.start()
        if match.group(0)[0] != "#":
            yield line, match.group(0)


def places(source):
    """Lists of line numbers: of each domain, the lines of its VIRTIO devices."""
    found, words = [], list(tokens(source))
    for i, (line, word) in enumerate(words):
        three = [w for _, w in words[i:i + 5]]
        if three[:5] == ["[", "[", "domain", "]", "]"]:
            found.append([])
        elif three[:3] == ["[", "[", "domain.virtio"] and found:
            found[-1].append(line)
        elif three[:3] == ["virtio", "=", "["] and found:
            depth = 0
            for inner, bracket in words[i + 2:]:
                depth += (bracket in "[{") - (bracket in "]}")
                if depth == 2 and bracket in "[{" or depth == 1 and bracket not in ",[]{}":
                    found[-1].append(inner)
                if depth == 0:
                    break
    return found


def read(path, source, domains):
    """Replace the tables in `virtio` of each domain by Devices with their lines and addresses."""
    known = places(source)
    names = [domain.name for domain in domains]
    for number_, domain in enumerate(domains):
        found, devices = known[number_] if number_ < len(known) else [], []
        for i, table in enumerate(domain.virtio):
            line = found[i] if i < len(found) else 0
            devices.append(device(domain, table, f"{path}:{line}: domain {domain.name}: virtio", line, names))
        domain.virtio = devices
        place(domain)


def device(domain, table, where, line, names):
    if not isinstance(table, dict):
        raise UserError(f"{where}: should be a table: {{ class = ..., server = ..., buffers = ... }}")
    for key in ("class", "server", "buffers"):
        if not isinstance(table.get(key), str):
            raise UserError(f"{where}: `{key}` is missing, or no text")
    if table["class"] not in CLASSES:
        raise UserError(f"{where}: unknown class \"{table['class']}\"; known are {', '.join(CLASSES)}")
    if table["server"] not in names or table["server"] == domain.name:
        raise UserError(f"{where}: server \"{table['server']}\" is no other domain of this description")
    own = [k for k, (classes, _, _) in KEYS.items() if classes == ANY or table["class"] in classes.split()]
    for key in table:
        if key not in ("class", "server", "address", *own):
            raise UserError(f"{where}: unknown key `{key}`; class {table['class']} knows {', '.join(own)}, address")
    made = Device(table, where, line)
    properties(made)
    return made


def properties(made):
    """The lines of source text of the keys that are given."""
    result = []
    for key, (_, write, names) in KEYS.items():
        if key not in made.table:
            continue
        try:
            value = write(made.table[key])
        except ValueError as error:
            raise UserError(f"{made.where}: `{key}` {error}") from error
        if isinstance(names, tuple):
            result += [f"{name} = {one};" for name, one in zip(names, value)]
        elif key == "lines":
            result.append(f"{names} = {value};")
        elif value is not None:
            result.append(f"{names} = {value};" if value else f"{names};")
    return result


def taken(domain):
    """Addresses that the description itself names: devices written as nodes, and memory at the host's addresses."""
    found = [(int(at, 16), REGISTERS) for at in re.findall(r"\bvirtio@([0-9a-fA-F]+)", domain.dts)]
    if domain.direct_map:
        found += [(base, size) for base, size in domain.static_pairs()]
    return found + [(made.address, REGISTERS) for made in domain.virtio if made.address]


def place(domain):
    """An address for each: its own, or the next from 0x2000000 up that is free, in the order of the description."""
    for made in domain.virtio:
        address = made.table.get("address")
        if address is not None:
            if isinstance(address, bool) or not isinstance(address, int) or not 0 < address < 2**64 or \
                    address % REGISTERS:
                raise UserError(f"{made.where}: `address` should be a multiple of 0x{REGISTERS:x}")
            made.address = address
    at = FIRST
    for made in domain.virtio:
        if made.address:
            continue
        while ends := [base + size for base, size in taken(domain) if base < at + REGISTERS and at < base + size]:
            at = -(-max(ends) // REGISTERS) * REGISTERS
        made.address = at


def source(made):
    """The node."""
    cells = f"0x{made.address >> 32:x} 0x{made.address & 0xffffffff:x} 0x0 0x{REGISTERS:x}"
    return " ".join([f"{made.node} {{", 'compatible = "bulkhead,virtio";', f"reg = <{cells}>;",
                     f"bulkhead,class = {text(made.table['class'])};",
                     f"bulkhead,server = <&{label(made.table['server'])}>;", *properties(made), "};"])


def explain(system, message):
    """A message of the hypervisor about one of these nodes, with the line of the description in front."""
    match = re.match(r"(?:[a-z]+: )?/chosen/([^/ ]+)/(virtio@[0-9a-f]+)", message)
    for domain in system.domains if match else []:
        for made in domain.virtio:
            if domain.name == match.group(1) and made.node == match.group(2):
                return f"{system.path.name}:{made.line}: {message}"
    return message


def table(system):
    """The devices, for a person."""
    return "\n".join(f"  {domain.name}: {made.node} is {made.table['class']} of {made.table['server']} "
                     f"(line {made.line})" for domain in system.domains for made in domain.virtio)
