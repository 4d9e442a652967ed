/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Disks that a driver domain can have (devices/disk.h). */
#ifndef DRIVERS_DISKS_H
#define DRIVERS_DISKS_H

#include "devices/disk.h"

/* The n-th virtio-mmio block device that was passed through; NULL: there is none. */
struct disk *virtio_block_start(uint32_t n);

/* Memory as a disk: the n-th piece of static shared memory, whose content survives the domain. Without any,
 * and n = 0, RAM of the domain, which is lost with it: half of what is left. NULL: there is none. */
struct disk *memory_disk_start(uint32_t n);

#endif
