/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#ifndef DRIVERS_RANDOM_H
#define DRIVERS_RANDOM_H

#include "devices/entropy.h"

/* The first virtio-mmio entropy device that was passed through; NULL: there is none. */
struct entropy_source *virtio_random_start(void);

#endif
