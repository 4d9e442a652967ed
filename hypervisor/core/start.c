/* SPDX-License-Identifier: Apache-2.0 */
/* The end of boot. */
#include "arch/arm64/stage1.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/extension.h"

static struct pcpu *boot_pcpu;

void pcpu_set_boot(struct pcpu *pcpu)
{
    boot_pcpu = pcpu;
}

/* The boot pCPU gives the boot code back and lets all domains start: each is built by the pCPU of its vCPU 0.
 */
void pcpu_begin(struct pcpu *pcpu)
{
    if (pcpu != boot_pcpu) {
        return;
    }
    stage1_unmap_boot(extensions_in_use, dma_in_use);
    for (uint32_t i = 0; i < nr_domains; i++) {
        vcpu_request(&domains[i]->vcpus[0], WORK_BUILD);
    }
}
