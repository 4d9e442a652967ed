/* SPDX-License-Identifier: Apache-2.0 */
/* Building a domain from its record, in slices: each does at most SLICE bytes or so many entries, so that
 * interrupts of other vCPUs on the pCPU wait no longer than that. The same path serves the first start and
 * every restart; a stop leads to it too, so that the domain is torn down. */
#include "arch/arm64/barrier.h"
#include "arch/arm64/mmio.h"
#include "arch/arm64/ops.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/timer.h"
#include "base/string.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/effects.h"
#include "core/extension.h"
#include "core/frontend.h"
#include "core/grant.h"
#include "core/interrupt.h"
#include "core/print.h"
#include "core/pv_console.h"
#include "core/teardown.h"
#include "core/vpl011.h"
#include "virq/virq.h"

#define SLICE         PAGE_SIZE
#define SLICE_ODD     512u /* of a copy by bytes */
#define ROW_AT_ONCE   8u   /* registers of a row */
#define SLICE_ENTRIES 32u  /* of stage 2, some 40 instructions each and a table page now and then */

enum stage {
    STAGE_RESET_DEVICES, /* the first of all, and behind STAGE_CLOSE */
    STAGE_BEGIN,
    STAGE_MAP,
    STAGE_WINDOWS,
    STAGE_DMA,
    STAGE_OBJECTS,
    STAGE_SCRUB,
    STAGE_LOAD,
    STAGE_EXTENSIONS,
    STAGE_OPEN,
    STAGE_FINISH,
    STAGE_CLOSE, /* the last life has ended */
    STAGE_TEARDOWN
};

static void next_stage(struct domain_build *build, uint32_t stage)
{
    build->stage = stage;
    build->index = 0;
    build->done = 0;
}

/* Stage 2 is made anew from the record: nothing of the last incarnation remains in it. */
static void begin(struct domain *domain)
{
    domain->pool.used = domain->pool_objects;
    if (stage2_begin(&domain->stage2, &domain->pool, domain->record, domain->record->domid + 1u) != OK) {
        print("DOM%u: no room for stage 2", domain->record->domid); /* boot has counted it */
    }
}

static bool map_slice(struct domain *domain)
{
    enum status status = stage2_map(&domain->stage2, &domain->pool, domain->record, SLICE_ENTRIES,
                                    &domain->build.index, &domain->build.done);

    if (status == ERR_BUSY) {
        return false;
    }
    if (status != OK) {
        print("DOM%u: stage 2 does not fit its pool", domain->record->domid);
    }
    return true;
}

/* The last of stage 2. */
static bool windows_slice(struct domain *domain)
{
    enum status status = frontends_map(domain, SLICE_ENTRIES, &domain->build.index, &domain->build.done);

    if (status == ERR_BUSY) {
        return false;
    }
    if (status != OK) {
        print("DOM%u: windows do not fit its pool", domain->record->domid);
    }
    stage2_flush(&domain->stage2);
    return true;
}

/* What its devices reach, in a table of its own. */
static bool dma_slice(struct domain *domain)
{
    enum status status = dma_map(domain, SLICE_ENTRIES, &domain->build.index, &domain->build.done);

    if (status != OK && status != ERR_BUSY) {
        print("DOM%u: the table of its devices does not fit its pool", domain->record->domid);
    }
    return status != ERR_BUSY;
}

/* One that cannot start keeps its domain from starting. */
static bool extensions_slice(struct domain *domain)
{
    enum status status = OK;

    if (extensions_in_use) {
        if (domain->build.index++ == 0) {
            extensions_begin(domain);
        }
        status = extensions_build_slice(domain);
        if (status != OK && status != ERR_BUSY) {
            domain_give_up(domain);
        }
    }
    return status == OK;
}

/* The last step: its devices may write to its memory from now on. */
static bool open_slice(struct domain *domain)
{
    bool open = dma_open(domain);

    if (!open) {
        domain_give_up(domain);
    }
    return open;
}

static bool objects_slice(struct domain *domain)
{
    struct virq_effects effects = {0};

    if (virq_reset_part(domain->virq, domain->build.index)) {
        domain->build.index++;
        return false;
    }
    domain->shared_info_at = IPA(~UINT64_C(0));
    grants_start(domain);
    if (domain->uart != NULL) {
        vpl011_reset(domain->uart, &effects);
    } else if (domain->port_attached) {
        domain_attach_port(domain);
    }
    if (domain->pv_console != NULL) {
        pv_console_start(domain);
    }
    for (unsigned i = 0; i < domain->record->nr_vcpus; i++) {
        domain->vcpus[i].budget_left = domain->vcpus[i].budget;
        store_release(&domain->vcpus[i].power, POWER_OFF); /* a CPU_ON may have come too late */
    }
    return true;
}

/* One look at a declared step: the first also writes. ERR_BUSY: not yet. ERR_RANGE: the limit is over. */
static enum status reset_device(struct pcpu *pcpu, const struct domain_reset *step, uint64_t *limit)
{
    volatile uint8_t *reg =
        (volatile uint8_t *)window_map_device(pcpu->tables, step->pa) + step->pa.v % PAGE_SIZE;
    enum status status = ERR_BUSY;

    if (*limit == 0) {
        *limit = timer_now() + timer_from_us(step->limit_us);
        mmio_write32(reg, step->mask == ~0u ? step->value : (mmio_read32(reg) & ~step->mask) | step->value);
    } else if (timer_now() >= *limit) {
        status = ERR_RANGE; /* unless it is ready now: whoever waits may have been kept from looking */
    }
    if ((mmio_read32(reg) & step->poll_mask) == step->poll_value) {
        status = OK;
    }
    window_unmap(pcpu->tables, 0, 1);
    return status;
}

/* Some registers of a row, from `at` on. */
static bool reset_row(struct pcpu *pcpu, const struct domain_reset *step, uint64_t *at)
{
    for (unsigned n = 0; n < ROW_AT_ONCE && *at < step->count; n++, (*at)++) {
        pa_t pa = PA(step->pa.v + *at * step->stride);
        volatile uint8_t *reg = (volatile uint8_t *)window_map_device(pcpu->tables, pa) + pa.v % PAGE_SIZE;
        uint32_t now = mmio_read32(reg);

        if (now != UINT32_MAX) {
            mmio_write32(reg, (now & ~step->mask) | step->value);
            (void)mmio_read32(reg); /* it has arrived */
        }
        window_unmap(pcpu->tables, 0, 1);
    }
    return *at == step->count;
}

/* The domain does not start any more. What it and others have of each other is taken back all the same. */
static bool reset_fails(struct domain *domain)
{
    print("DOM%u: device reset %u timed out", domain->record->domid, domain->build.index);
    domain->stays = true;
    if (domain->incarnation == 0) {
        domain_give_up(domain);
    }
    return domain->incarnation != 0;
}

/* A device that stays as it was may still write to the domain's memory, and to that of its frontends. */
static bool reset_slice(struct domain *domain, struct pcpu *pcpu)
{
    struct domain_build *build = &domain->build;
    const struct domain_record *record = domain->record;
    enum status status;

#ifdef BREAK_device_reset
    build->index = record->nr_resets;
#endif
    if (build->index >= record->nr_resets) {
        interrupt_quiesce(domain); /* a device may have answered once more while it was being reset */
        if (record->nr_resets != 0) {
            frontends_devices_reset(domain);
        }
        return true;
    }
    if (record->resets[build->index].count != 0) {
        status = reset_row(pcpu, &record->resets[build->index], &build->done) ? OK : ERR_BUSY;
    } else {
        status = reset_device(pcpu, &record->resets[build->index], &build->done);
    }
    if (status == OK) {
        build->index++;
        build->done = 0;
    }
    return status == ERR_RANGE && reset_fails(domain);
}

/* Bytes from `at` to the end of its slice: windows are page granular. */
static uint64_t piece(uint64_t at, uint64_t left)
{
    return min_u64(left, SLICE - at % PAGE_SIZE);
}

static unsigned pages_of(uint64_t at, uint64_t size)
{
    return (unsigned)((at % PAGE_SIZE + size + PAGE_SIZE - 1u) / PAGE_SIZE);
}

static uint8_t *open_window(struct pcpu *pcpu, unsigned window, pa_t pa, uint64_t size,
                            enum window_access access)
{
    pa_t page = PA(align_down(pa.v, PAGE_SIZE));

    return (uint8_t *)window_map(pcpu->tables, window, page, pages_of(pa.v, size), access) + pa.v % PAGE_SIZE;
}

/* The guest starts with its caches off: what it reads must lie in memory, and no old line of ours may be
 * written back over what it writes. */
static void zero(struct pcpu *pcpu, pa_t pa, uint64_t size)
{
    uint8_t *to = open_window(pcpu, 1, pa, size, WINDOW_WRITE);

    memset(to, 0, size);
    cache_clean_invalidate(to, size);
    window_unmap(pcpu->tables, 1, pages_of(pa.v, size));
}

static void copy(struct pcpu *pcpu, pa_t to_pa, pa_t from_pa, uint64_t size)
{
    const uint8_t *from = open_window(pcpu, 0, from_pa, size, WINDOW_READ);
    uint8_t *to = open_window(pcpu, 1, to_pa, size, WINDOW_WRITE);

    memcpy(to, from, size);
    cache_clean_invalidate(to, size);
    window_unmap(pcpu->tables, 0, pages_of(from_pa.v, size));
    window_unmap(pcpu->tables, 1, pages_of(to_pa.v, size));
}

static bool scrub_slice(struct domain *domain, struct pcpu *pcpu)
{
    struct domain_build *build = &domain->build;
    const struct domain_record *record = domain->record;

    while (build->index < record->nr_maps) {
        const struct domain_map *map = &record->maps[build->index];

        if (map->kind == MAP_RAM && build->done < map->size) {
            uint64_t size = piece(0, map->size - build->done);

            zero(pcpu, PA(map->pa.v + build->done), size);
            build->done += size;
            return false;
        }
        build->index++;
        build->done = 0;
    }
    return true;
}

static bool load_slice(struct domain *domain, struct pcpu *pcpu)
{
    struct domain_build *build = &domain->build;
    const struct domain_load *load;
    uint64_t total, size;
    pa_t to;

    if (build->index >= domain->record->nr_loads) {
        return true;
    }
    load = &domain->record->loads[build->index];
    total = load->size + load->zero_tail;
    if (build->done >= total) {
        build->index++;
        build->done = 0;
        return false;
    }
    if (!stage2_lookup(&domain->stage2, IPA(load->ipa.v + build->done), &to)) {
        print("DOM%u: load address 0x%lx is not its memory", domain->record->domid,
              load->ipa.v + build->done);
        build->done = total;
        return false;
    }
    size = piece(to.v, total - build->done);
    if (build->done < load->size) {
        pa_t from = PA(load->source.v + build->done);

        size = min_u64(size, piece(from.v, load->size - build->done));
        size = min_u64(size, (to.v | from.v) % sizeof(uint64_t) == 0 ? SLICE : SLICE_ODD);
        copy(pcpu, to, from, size);
    } else {
        zero(pcpu, to, size);
    }
    build->done += size;
    return false;
}

static bool wants_scrub(const struct domain *domain)
{
#ifdef BREAK_restart_scrub
    (void)domain;
    return false;
#else
    return domain->incarnation != 0 || (domain->record->flags & DOMAIN_SCRUB) != 0;
#endif
}

bool domain_build_slice(struct domain *domain, struct pcpu *pcpu)
{
    struct domain_build *build = &domain->build;
    bool over = true;

    switch (build->stage) {
    case STAGE_RESET_DEVICES:
        over = reset_slice(domain, pcpu);
        if (over && domain->incarnation != 0) {
            next_stage(build, STAGE_TEARDOWN);
            return false;
        }
        break;
    case STAGE_BEGIN:
        begin(domain);
        break;
    case STAGE_MAP:
        over = map_slice(domain);
        break;
    case STAGE_WINDOWS:
        over = windows_slice(domain);
        break;
    case STAGE_DMA:
        over = dma_slice(domain);
        break;
    case STAGE_OBJECTS:
        over = objects_slice(domain);
        break;
    case STAGE_SCRUB:
        over = !wants_scrub(domain) || scrub_slice(domain, pcpu);
        break;
    case STAGE_LOAD:
        over = load_slice(domain, pcpu);
        break;
    case STAGE_EXTENSIONS:
        over = extensions_slice(domain);
        break;
    case STAGE_OPEN:
        over = open_slice(domain);
        break;
    case STAGE_CLOSE:
        dma_close(domain);
        next_stage(build, STAGE_RESET_DEVICES);
        return false;
    case STAGE_TEARDOWN: /* of its last life */
        if (domain_teardown_slice(domain)) {
            next_stage(build, STAGE_BEGIN);
            domain_torn_down(domain);
        }
        return false;
    default:
        ic_ialluis(); /* new text of a VMID that ran before */
        dsb(ish);
        next_stage(build, STAGE_CLOSE);
        return true;
    }
    if (over) {
        next_stage(build, build->stage + 1u);
    }
    return false;
}
