/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/domain.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

_Noreturn void start_domain(void);

/* With the MMU on. */
_Noreturn void start_domain(void)
{
    loop_start();
    domain_start();
    log_line("ready, %u KiB of memory left", arena_left() / 1024);
    loop_run();
}
