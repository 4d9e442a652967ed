/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#ifndef DRIVERS_TERMINALS_H
#define DRIVERS_TERMINALS_H

#include "devices/text.h"

/* The PL011 that was passed through, or the vpl011 of the domain; NULL: there is none. */
struct text *pl011_start(void);

#endif
