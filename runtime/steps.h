/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* For tests only: a domain that dies behind a store of the ring or of the state page (devices/queue.h). Each
 * life chooses, by the counter, behind which kind of store, after how many of them, and how. Included before
 * everything else. */
#ifndef RUNTIME_STEPS_H
#define RUNTIME_STEPS_H

#include <stdint.h>

void step(uint32_t which);
#define QUEUE_STEP(which) step(which)

#endif
