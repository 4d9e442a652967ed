/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/crash.h"

#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/hypercall.h"
#include "runtime/log.h"

#define MAX_CALLERS 12u

extern uint8_t _start[], bss_begin[], image_end[];

struct crash_frame crash_frame;
static const char *crash_why, *crash_what;
static uint32_t crashes;

_Noreturn void crash_report(uint32_t vector);

_Noreturn void crash(const char *why, const char *what)
{
    crash_why = why;
    crash_what = what;
    __asm__ volatile("brk #0" : : : "memory");
    __builtin_unreachable();
}

/* Frame records lie on the stack, each above the one before. */
static void backtrace(void)
{
    uintptr_t at = crash_frame.x[29], low = (uintptr_t)bss_begin;

    log_begin("crash: called from");
    for (uint32_t i = 0; i < MAX_CALLERS && at >= low && at <= (uintptr_t)image_end - 16 && at % 8 == 0;
         i++) {
        const uint64_t *record = (const uint64_t *)at;

        if (record[1] != 0) {
            log_add(" %x", record[1] - (uintptr_t)_start);
        }
        low = at + 16;
        at = record[0];
    }
    log_end();
}

/* Addresses of code are offsets in the image, as in its ELF file. */
_Noreturn void crash_report(uint32_t vector)
{
    static const char *const vectors[] = {"exception", "interrupt", "fast interrupt", "system error"};

    if (crashes++ != 0) {
        shutdown_crash();
    }
    log_repeat();
    if (crash_why != NULL) {
        log_line("crash: %s%s", crash_why, crash_what);
    }
    log_line("crash: %s esr %x elr %x far %x spsr %x", vectors[vector], crash_frame.esr,
             crash_frame.elr - (uintptr_t)_start, crash_frame.far, crash_frame.spsr);
    for (uint32_t i = 0; i < 32; i += 4) {
        const uint64_t *x = &crash_frame.x[i];

        log_line("crash: x%u %x %x %x %x", i, x[0], x[1], x[2], i == 28 ? crash_frame.sp : x[3]);
    }
    backtrace();
    shutdown_crash();
}
