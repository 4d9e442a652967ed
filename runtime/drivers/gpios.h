/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#ifndef DRIVERS_GPIOS_H
#define DRIVERS_GPIOS_H

#include "devices/lines.h"

/* The first PL061 that was passed through; NULL: there is none. */
struct lines *pl061_start(void);

#endif
