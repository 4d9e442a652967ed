/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#ifndef DRIVERS_LINKS_H
#define DRIVERS_LINKS_H

#include "devices/link.h"

/* The first virtio-mmio network device that was passed through; NULL: there is none. */
struct link *virtio_net_start(void);

#endif
