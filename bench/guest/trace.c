// SPDX-License-Identifier: Apache-2.0
/* One path in an endless loop, for the trace tool, which counts rounds by executions of trace_mark. */
#include "guest.h"

#define XEN_VERSION     17
#define GICD_TYPER      0x004
#define GICD_ISENABLER0 0x100

__attribute__((noinline)) void trace_mark(void)
{
    compiler_barrier();
}

static void sgi_other_loop(enum secondary_mode mode)
{
    if (!secondary_start())
        return;
    secondary_mode = mode;
    sgi_send(SGI_OTHER, 1);
    for (;;) {
        trace_mark();
        sgi_other_once(0);
    }
}

void trace_loop(const char *what)
{
    bool hvc = argument_is("loop", "hvc"), version = argument_is("loop", "psci_version");
    bool read = argument_is("loop", "gicd_typer_read"), write = argument_is("loop", "gicd_isenabler_write");
    bool self = argument_is("loop", "sgi_self"), spin = argument_is("loop", "vtimer_spin");
    bool sleep = argument_is("loop", "vtimer_wfi");
    if (self || spin || sleep || argument_is("loop", "sgi_other_spin") ||
        argument_is("loop", "sgi_other_wfi"))
        irq_enable();
    if (argument_is("loop", "sgi_other_spin"))
        sgi_other_loop(SECONDARY_SPIN);
    if (argument_is("loop", "sgi_other_wfi"))
        sgi_other_loop(SECONDARY_WFI);
    while (hvc || version || read || write || self || spin || sleep) {
        trace_mark();
        if (hvc)
            hypercall(XEN_VERSION, 0, 0);
        else if (version)
            psci(PSCI_VERSION, 0, 0, 0);
        else if (read)
            read32(platform.gicd + GICD_TYPER);
        else if (write)
            write32(platform.gicd + GICD_ISENABLER0, 0);
        else if (self)
            sgi_self_once(0);
        else
            timer_once(0, sleep);
    }
    print("I no such loop: ");
    print(what);
    print("\n");
}
