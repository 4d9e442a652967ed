/* SPDX-License-Identifier: Apache-2.0 */
/* How boot tells what is wrong with a description. The same rules run on the target, where the first error
 * stops the boot, and in the offline check, which collects all of them. */
#ifndef BOOT_REPORT_H
#define BOOT_REPORT_H

#include "base/types.h"

enum severity {
    REPORT_NOTE,    /* something an integrator wants to know: placement, authority, unprotected DMA */
    REPORT_WARNING, /* recognised but without effect, or not yet supported */
    REPORT_ERROR,   /* a contradiction: the boot stops */
};

struct report;
typedef void (*report_sink)(struct report *report, enum severity severity, const char *path,
                            const char *property, const char *message);

struct report {
    report_sink sink;
    void *context;
    uint32_t errors;
    uint32_t warnings;
};

/* path: node path or "" ; property: name or "". The format understands %s %u %x (32 bit), %lu %lx (64 bit),
 * %%. */
void report_at(struct report *report, enum severity severity, const char *path, const char *property,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
