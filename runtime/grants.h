/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Memory that a frontend grants (Linux with XEN_VIRTIO: an address of a device is 1 << 63, a grant reference
 * and an offset), mapped into a range of the backend's addresses for the length of a request. Each device has
 * a range of its own, which is a hole until something is mapped there. */
#ifndef RUNTIME_GRANTS_H
#define RUNTIME_GRANTS_H

#include <stdint.h>

#include "devices/memory.h"

/* The mapper of a device of domain `frontend`; [base, base + size) are whole pages, at most 65,534, and
 * nothing else lies in the blocks of 2 MiB that they touch. */
struct dev_mapper *grants_create(uint16_t frontend, uint64_t base, uint64_t size);

/* Where devices of the domain find the memory at `data`, which may be granted: the address there; *length,
 * not 0, becomes what lies in one piece. */
uint64_t grants_bus(const void *data, uint32_t *length);

#endif
