/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Memory of a frontend of which the device sees what is mapped for it (MAPPED). */
#ifndef MAPPED_H
#define MAPPED_H

#include "rig.h"

/* RIG_MEMORY bytes, as the driver sees them. */
uint8_t *mapped_memory(void);
void mapped_free(uint8_t *memory);
/* A mapper for a new backend: nothing is mapped. */
struct dev_mapper *mapped_mapper(const uint8_t *memory);

#endif
