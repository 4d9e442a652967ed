/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* PCI functions behind a host bridge that the domain owns (PCI Local Bus 3.0, chapter 6; PCI Express ECAM),
 * on its first bus, with registers in the bridge's 32-bit window and interrupts by INTx. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/tree.h"

struct pci_function {
    tree_node bridge;
    uint32_t number;     /* device and function: 0 to 255 */
    uintptr_t registers; /* its configuration space */
};

/* The next function that is there; {TREE_NONE} begins. False: there is none. The first look at a bridge takes
 * from all its functions what a former life of the domain let them do. */
bool pci_next(struct pci_function *function);

/* Vendor in the low half, device in the high one. */
uint32_t pci_id(const struct pci_function *function);

/* The capability of that kind that follows the one at offset `after` (0: the first); its offset, or 0. */
uint32_t pci_capability(const struct pci_function *function, uint32_t kind, uint32_t after);

/* The registers behind base address `index`, 0 to 5: placed if they are not yet, and mapped. The address is
 * the processor's. Does not return if they are no memory, or the window is full. */
uintptr_t pci_registers(const struct pci_function *function, uint32_t index);

/* The function answers, does DMA and interrupts from now on. */
void pci_enable(const struct pci_function *function);

/* INTID of its pin; 0: it has none. */
uint32_t pci_intid(const struct pci_function *function, bool *edge);

#endif
