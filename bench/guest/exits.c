// SPDX-License-Identifier: Apache-2.0
/* Round trips through the hypervisor on one vCPU, interrupts masked and no list register in use. */
#include "guest.h"

#define XEN_VERSION     17 /* hypercall; command 0 needs no memory */
#define GICD_TYPER      0x004
#define GICD_ISENABLER0 0x100

#define WARM_UP 16

/* A macro, so that the measured statement stands alone between the two counter reads. */
#define MEASURE(name, count, statement)               \
    do {                                              \
        for (uint32_t i_ = 0; i_ < WARM_UP; i_++)     \
            statement;                                \
        for (uint32_t i_ = 0; i_ < (count); i_++) {   \
            isb();                                    \
            uint64_t start_ = now();                  \
            statement;                                \
            samples[i_] = (uint32_t)(now() - start_); \
        }                                             \
        report(name, count);                          \
    } while (0)

volatile uint32_t undefined_seen;

static bool has_hypercalls(void)
{
    uint64_t version = hypercall(XEN_VERSION, 0, 0);
    return !undefined_seen && (int64_t)version > 0;
}

void bench_exits(uint32_t count)
{
    /* Held in registers: the rows count one access, not where its address comes from. */
    uint64_t typer = platform.gicd + GICD_TYPER, isenabler = platform.gicd + GICD_ISENABLER0;
    MEASURE("empty", count, compiler_barrier());
    if (argument_number("hvc", 1) && has_hypercalls()) {
        MEASURE("hvc", count, hypercall(XEN_VERSION, 0, 0));
        sgi_send(SGI_SELF, 0); /* stays pending in a list register */
        MEASURE("hvc_live_lr", count, hypercall(XEN_VERSION, 0, 0));
        drain_interrupts();
    }
    MEASURE("psci_version", count, psci(PSCI_VERSION, 0, 0, 0));
    MEASURE("gicd_typer_read", count, read32(typer));
    MEASURE("gicd_isenabler_write", count, write32(isenabler, 0));
}

/* A register of a device that another domain serves. */
void bench_ioreq(uint32_t count)
{
    uint64_t at = argument_number("at", 0);

    MEASURE("ioreq", count, read32(at));
}
