/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The end of a life of the domain: a report on its console, then a stop that counts as a crash. */
#ifndef RUNTIME_CRASH_H
#define RUNTIME_CRASH_H

#include <stdint.h>

/* What start.S stores. */
struct crash_frame {
    uint64_t x[31], sp, elr, esr, far, spsr;
};

/* Gives up, for a reason in two pieces of text. */
_Noreturn void crash(const char *why, const char *what);

#endif
