/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pcpu.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/context.h"
#include "arch/arm64/errata.h"
#include "arch/arm64/ops.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/timer.h"
#include "core/firmware.h"
#include "core/interrupt.h"
#include "core/schedule.h"
#include "drivers/gic.h"

_Static_assert(offsetof(struct pcpu, stack_top) == 8, "entry.S");
_Static_assert(offsetof(struct pcpu, panic_top) == 16, "entry.S");
_Static_assert(offsetof(struct pcpu, index) == PCPU_INDEX_OFFSET, "percpu.h");

struct pcpu *pcpus[MAX_PCPUS];
uint32_t nr_pcpus;

void pcpu_init(struct pcpu *pcpu)
{
    const uint32_t private_irqs[4] = {host_interrupts.maintenance, host_interrupts.timer_hyp,
                                      host_interrupts.timer_virt, host_interrupts.timer_phys};

    pcpu->turn_ticks = timer_from_us(SCHEDULE_SLICE_MS * 1000u);
    WRITE_SYSREG(ttbr0_el2, pcpu->root);
    isb();
    tlbi_alle2();
    dsb(nsh);
    isb();
    context_init_pcpu();
    errata_choose_vectors(firmware_workaround(SMCCC_WORKAROUND_3) >= 0);
    gic_init_pcpu(pcpu->index, pcpu->mpidr, pcpu->gicr, private_irqs);
    tlbi_alle1(); /* nothing of firmware's guests */
    dsb(nsh);
    isb();
}

void pcpu_main(struct pcpu *pcpu)
{
    WRITE_SYSREG(tpidr_el2, (uint64_t)pcpu);
    pcpu_init(pcpu);
    store_release(&pcpu->online, 1);
    pcpu_run(pcpu);
}
