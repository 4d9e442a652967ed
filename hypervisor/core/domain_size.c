/* SPDX-License-Identifier: Apache-2.0 */
/* How much pool a record needs. Mirrors domain_create(). */
#include "core/domain.h"
#include "core/dma.h"
#include "core/event.h"
#include "core/frontend.h"
#include "core/grant.h"
#include "core/pv_console.h"
#include "core/vpl011.h"
#include "virq/virq.h"

uint64_t domain_pool_bytes(const struct domain_record *record)
{
    uint64_t bytes = align_up(sizeof(struct domain), 64);

    bytes += align_up(record->nr_vcpus * sizeof(struct vcpu), 64);
    bytes += align_up(virq_bytes(record->nr_vcpus, record->nr_spis), 64);
    bytes += align_up(sizeof(struct vpl011), 64);
    bytes += grants_bytes(record);
    bytes += events_bytes(record);
    bytes += frontends_bytes(record);
    bytes += dma_bytes(record);
    bytes += (record->flags & DOMAIN_ENHANCED) != 0 ? PV_CONSOLE_BYTES : 0;
#if defined(BREAK_stage2_device) || defined(BREAK_stage2_hypervisor) || defined(BREAK_stage2_neighbour)
    bytes += 4u * PAGE_SIZE; /* tables for one page too many */
#endif
    return align_up(bytes, PAGE_SIZE) +
           (stage2_table_pages(record) + record->stage2_reserve + events_pages() + frontends_pages(record)) *
               PAGE_SIZE;
}
