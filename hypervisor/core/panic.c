/* SPDX-License-Identifier: Apache-2.0 */
#include "core/panic.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/sysreg.h"
#include "core/pcpu.h"
#include "core/power.h"
#include "core/print.h"
#include "core/vcpu.h"
#include "core/domain.h"
#include "drivers/gic.h"

static uint32_t panicked;
static bool reset_on_panic;

void panic_set_reset(bool reset)
{
    reset_on_panic = reset;
}

bool panic_in_progress(void)
{
    return load_relaxed(&panicked) != 0;
}

void panic_park(void)
{
    for (;;) {
        wfi();
    }
}

void panic_end(void)
{
    const struct pcpu *here = this_pcpu();

    store_release(&panicked, 1);
    for (uint32_t i = 0; i < nr_pcpus; i++) {
        if (pcpus[i] != NULL && pcpus[i] != here && load_acquire(&pcpus[i]->online) != 0) {
            gic_kick(i);
        }
    }
    if (reset_on_panic) {
        power_reset();
    }
    panic_park();
}

/* Frame records (AAPCS64 6.4.6) on this pCPU's stack. */
static void backtrace(uint64_t fp, uint64_t lr)
{
    print_panic("  called from 0x%lx", lr);
    for (unsigned depth = 0; depth < 16u; depth++) {
        const uint64_t *frame = (const uint64_t *)fp;

        if (fp < STACK_VA || fp >= STACK_VA + MIB(2) || fp % 16u != 0) {
            return;
        }
        print_panic("  called from 0x%lx", frame[1]);
        if (frame[0] <= fp) {
            return;
        }
        fp = frame[0];
    }
}

void hypervisor_panic(unsigned vector, uint64_t sp, uint64_t fp, uint64_t lr)
{
    static const char *const kinds[] = {"synchronous exception", "IRQ", "FIQ", "SError"};
    const struct pcpu *pcpu = this_pcpu();

    print_panic("hypervisor fault on pCPU %u: %s at 0x%lx", pcpu->index, kinds[vector % 4u],
                READ_SYSREG(elr_el2));
    print_panic("  esr 0x%lx far 0x%lx sp 0x%lx pstate 0x%lx", READ_SYSREG(esr_el2), READ_SYSREG(far_el2), sp,
                READ_SYSREG(spsr_el2));
    if (pcpu->current != NULL) {
        print_panic("  in the time of DOM%u vCPU %u", pcpu->current->domain->record->domid,
                    pcpu->current->index);
    }
    backtrace(fp, lr);
    panic_end();
}
