# SPDX-License-Identifier: Apache-2.0
"""Where in the host's RAM each file goes, so that nothing overlaps. Addresses are physical, sizes in bytes."""
from .errors import UserError

MIB = 1024**2
ALIGNMENT = 2 * MIB


class Ranges:
    """A sorted list of free ranges."""

    def __init__(self, free):
        self.free = sorted((base, base + length) for base, length in free)

    def take(self, base, end):
        """Make [base, end) unavailable."""
        left = []
        for low, high in self.free:
            if low < base:
                left.append((low, min(high, base)))
            if high > end:
                left.append((max(low, end), high))
        self.free = [(low, high) for low, high in left if low < high]

    def place(self, length, what):
        """The lowest free place of `length` bytes, aligned to 2 MiB."""
        for low, high in self.free:
            base = -(-low // ALIGNMENT) * ALIGNMENT
            if base + length <= high:
                self.take(base, base + -(-length // ALIGNMENT) * ALIGNMENT)
                return base
        raise UserError(f"no {length / MIB:.0f} MiB of RAM are left for {what}: the board has too little memory")


def host_ranges(host, hypervisor_base, hypervisor_size, dtb_base, static_mem):
    """What modules may use: RAM without reservations, hypervisor, device tree and the domains' static memory."""
    ranges = Ranges(host.memory)
    for base, length in host.reserved + static_mem:
        ranges.take(base, base + length)
    ranges.take(hypervisor_base, hypervisor_base + -(-hypervisor_size // (16 * MIB)) * 16 * MIB)
    ranges.take(dtb_base, dtb_base + 4 * MIB)
    return ranges
