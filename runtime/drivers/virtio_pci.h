/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Where a modern VIRTIO device over PCI has its registers (VIRTIO 1.2, 4.1.4). */
#ifndef DRIVERS_VIRTIO_PCI_H
#define DRIVERS_VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

struct virtio_pci {
    uintptr_t common, notify, isr, config;
    uint32_t step; /* bytes between notification addresses, by a queue's queue_notify_off */
    uint32_t intid;
    bool edge;
};

/* The n-th device of that kind behind the domain's PCI bridges; it may answer. NULL: there is none. */
const struct virtio_pci *virtio_pci_find(uint32_t id, uint32_t n);

/* The device whose common registers are there; NULL: none. */
const struct virtio_pci *virtio_pci_at(uintptr_t common);

#endif
