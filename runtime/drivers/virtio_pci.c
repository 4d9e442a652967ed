/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/drivers/virtio_pci.h"

#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/pci.h"

enum { VENDOR_SPECIFIC = 9, BYTE_TYPE = 3, BYTE_BAR = 4, WORD_OFFSET = 8, WORD_STEP = 16 };
enum { COMMON = 1, NOTIFY, ISR, CONFIG };
enum { MODERN = 0x1040, VENDOR = 0x1af4, MAX_DEVICES = 4 };

static struct virtio_pci devices[MAX_DEVICES];
static uint32_t nr_devices;

const struct virtio_pci *virtio_pci_at(uintptr_t common)
{
    for (uint32_t i = 0; i < nr_devices; i++) {
        if (devices[i].common == common) {
            return &devices[i];
        }
    }
    return NULL;
}

/* The first structure of each type counts (4.1.4.1). */
static void add(struct virtio_pci *device, const struct pci_function *function, uint32_t capability)
{
    uintptr_t at = function->registers + capability;
    uint32_t type = read32(at) >> 8 * BYTE_TYPE;
    uintptr_t *places[] = {&device->common, &device->notify, &device->isr, &device->config};

    if (type < COMMON || type > CONFIG || *places[type - COMMON] != 0) {
        return;
    }
    *places[type - COMMON] = pci_registers(function, read32(at + BYTE_BAR) % 256) + read32(at + WORD_OFFSET);
    if (type == NOTIFY) {
        device->step = read32(at + WORD_STEP);
    }
}

const struct virtio_pci *virtio_pci_find(uint32_t id, uint32_t n)
{
    struct pci_function function = {.bridge = TREE_NONE};
    struct virtio_pci *device = &devices[nr_devices];

    while (pci_next(&function)) {
        if (pci_id(&function) != (VENDOR | (MODERN + id) << 16) || n-- != 0) {
            continue;
        }
        if (nr_devices == MAX_DEVICES) {
            crash("too many PCI devices", "");
        }
        for (uint32_t at = 0; (at = pci_capability(&function, VENDOR_SPECIFIC, at)) != 0;) {
            add(device, &function, at);
        }
        device->intid = pci_intid(&function, &device->edge);
        if (device->common == 0 || device->notify == 0 || device->isr == 0 || device->intid == 0) {
            crash("a virtio device lacks registers, or an interrupt", "");
        }
        pci_enable(&function);
        nr_devices++;
        return device;
    }
    return NULL;
}
