/* SPDX-License-Identifier: Apache-2.0 */
/* PCI functions on the first bus of a bridge with ECAM that the domain owns. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "guest.h"

enum { PCI_COMMAND = 4, PCI_BAR0 = 0x10, PCI_MEMORY = 2, PCI_MASTER = 4 };

/* Configuration space of the function with that vendor (low half) and device; 0: there is none. */
uint64_t pci_find(uint32_t id);

/* Places BAR 0, of 1 MiB at most, in the bridge's 32-bit window and lets the function answer and master. */
uint64_t pci_enable(uint64_t config);

/* QEMU's `edu` device: copies up to 4 KiB between its buffer and any address, some 100 ms after it was told.
 */
struct edu {
    uint64_t config, registers;
};
bool edu_find(struct edu *edu);
/* Begins; `out`: from the device's buffer to memory. */
void edu_begin(const struct edu *edu, uint64_t address, uint32_t bytes, bool out);
bool edu_busy(const struct edu *edu);
/* The same, and waits for the end. False: it does not end. */
bool edu_copy(const struct edu *edu, uint64_t address, uint32_t bytes, bool out);

#endif
