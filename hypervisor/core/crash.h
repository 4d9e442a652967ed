/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a domain's last crash. Kept in the domain, so it outlives the restart. Taken when the last
 * vCPU has left: nobody of the domain runs then. */
#ifndef CORE_CRASH_H
#define CORE_CRASH_H

#include "base/types.h"

#define CRASH_TEXT 384u /* last bytes of its output */

struct domain;

struct crash_record {
    const char *why;      /* NULL: it never crashed */
    uint32_t incarnation; /* the life that ended */
    uint32_t vcpu;        /* that was in it when it ended, or vCPU 0 */
    uint32_t length;      /* bytes of `text` */
    uint64_t x[31], pc, pstate, sp;
    uint64_t esr, elr, far; /* of EL1: its own last exception */
    uint8_t text[CRASH_TEXT];
};

/* Fills it in: a domain that stops because it crashed, and whose vCPUs have left. */
void crash_keep(struct domain *domain);

/* Prints the line with that number, from 0, of the registers; false: there is none. */
bool crash_print_registers(const struct domain *domain, uint32_t line);

/* Prints all of it, the end of its output too. */
void crash_print(const struct domain *domain);

#endif
