/* SPDX-License-Identifier: Apache-2.0 */
/* Backends and what they may do: the windows into their frontends, dm_op, interrupts; and nothing else. */
#include "ioreq_pair.h"

#include "arch/arm64/stage1.h"
#include "guest/xen/xen_abi_event.h"

#define SECRET UINT64_C(0x5ec4e7)
#define CELL   (GUEST_RAM + 20u * PAGE_SIZE)

static uint64_t window_of(uint64_t address)
{
    return WINDOW + (address - GUEST_RAM);
}

static uint64_t peek(uint64_t address)
{
    turn_to(server);
    return guest_word(server, window_of(address));
}

static void poke(uint64_t address, uint64_t word)
{
    turn_to(server);
    guest_put_word(server, window_of(address), word);
}

static bool pending_spi(void)
{
    turn_to(user);
    for (unsigned intid = host_gic_acknowledge(); intid != HOST_GIC_SPURIOUS;
         intid = host_gic_acknowledge()) {
        host_gic_end(intid);
        if (intid == SPI) {
            return true;
        }
    }
    return false;
}

/* The backend sees the frontend's RAM while it is attached, and its scratch page before and afterwards; what
 * its TLB knew goes at once. */
static void windows(void **state)
{
    (void)state;
    start();
    guest_put_word(user, CELL, SECRET);
    assert_int_equal(peek(CELL), 0);
    poke(CELL, 0x77);
    assert_int_equal(guest_word(user, CELL), SECRET);
    assert_int_equal(peek(GUEST_RAM + 5u * PAGE_SIZE), 0x77); /* one page for all */
    assert_int_equal(set_state(true), 0);
    assert_true(stretches >= GUEST_SIZE / PAGE_SIZE / 32u);
    assert_int_equal(tail().attached, 1);
    assert_int_equal(peek(CELL), SECRET);
    poke(CELL, 0x1234);
    assert_int_equal(guest_word(user, CELL), 0x1234);
    assert_int_equal(set_state(true), 0); /* again */
    for (uint64_t page = 0; page < GUEST_SIZE; page += PAGE_SIZE) {
        pa_t pa;

        assert_true(stage2_lookup(&back->stage2, IPA(WINDOW + page), &pa));
        assert_int_equal(pa.v, front->record->maps[0].pa.v + page);
    }
    assert_int_equal(set_state(false), 0);
    assert_int_equal(tail().attached, 0);
    assert_int_equal(peek(CELL), 0x77);
    poke(CELL, 0x88);
    assert_int_equal(guest_word(user, CELL), 0x1234);
    assert_int_equal(set_state(false), 0);
}

/* --- devices that no SMMU translates --- */

#define QUIET_MS 20u

static unsigned device_writes, device_answers_at; /* polls until the reset has been done */

static uint64_t device_to_reset(uint64_t pa, unsigned size, bool write, uint64_t value)
{
    static unsigned polls;

    assert_int_equal(pa, 0xa000070);
    assert_int_equal(size, 4);
    assert_int_equal(value, 0);
    if (write) {
        polls = 0;
        device_writes++;
    }
    host_now += write ? 0 : 1000;
    return !write && polls++ < device_answers_at;
}

static void unprotected(struct domain_record *record)
{
    static const struct domain_reset reset[] = {
        {.pa = {0xa000070}, .mask = ~0u, .poll_mask = ~0u, .limit_us = 50}};

    host_device = device_to_reset;
    record->flags |= DOMAIN_DMA_UNPROTECTED;
    record->quiet_ms = QUIET_MS;
    record->resets = reset;
    record->nr_resets = 1;
}

static void start_unprotected(void)
{
    device_answers_at = 1;
    prepare_backend = unprotected;
    start();
    prepare_backend = NULL;
    device_writes = 0;
    assert_int_equal(set_state(true), 0);
}

/* A word in the frontend's memory. */
static uint64_t put_secret(void)
{
    const uint64_t word = SECRET, at = front->record->maps[0].pa.v + CELL - GUEST_RAM;

    host_memory_set(at, &word, sizeof word);
    return at;
}

/* It is still there. */
static bool holds(uint64_t pa)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < sizeof word; i++) {
        word |= (uint64_t)host_memory(pa + i) << 8u * i;
    }
    return word == SECRET;
}

static void pass_ms(unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        for (unsigned pcpu = 0; pcpu < 3; pcpu++) {
            if (pcpus[pcpu]->current == NULL) {
                machine_run(pcpu);
            }
        }
        machine_pass(MS, MS);
    }
}

/* The frontend is not cleared before the backend has said that its devices are quiet; nobody's processor is
 * kept meanwhile. */
static void waits_for_quiet(void **state)
{
    uint64_t at;

    (void)state;
    start_unprotected();
    at = put_secret();
    domain_stop(front, STOP_CRASH);
    pass_ms(QUIET_MS / 2u);
    assert_int_equal(front->state, DOMAIN_STOPPING);
    assert_int_equal(user->state, VCPU_OFF);
    assert_int_equal(tail().attached, 0);
    assert_true(holds(at));
    assert_int_equal(set_state(true), -XEN_EINVAL);
    assert_int_equal(set_state(false), 0);
    pass_ms(300);
    assert_int_equal(front->incarnation, 2);
    assert_false(holds(at));
    assert_int_equal(back->incarnation, 1);
    assert_int_equal(device_writes, 0);
    stop(front, STOP_RESET); /* it was not attached again: nothing can be in flight */
    assert_int_equal(back->incarnation, 1);
}

/* A backend that does not say so is stopped, and its device reset before the frontend goes on; so it is if it
 * dies meanwhile. One who does not come back is not waited for. */
static void is_not_quiet(void **state)
{
    (void)state;
    for (unsigned dies = 0; dies < 2; dies++) {
        uint64_t at;
        unsigned ms = 0;

        start_unprotected();
        at = put_secret();
        domain_stop(front, STOP_CRASH);
        pass_ms(2);
        if (dies != 0) {
            domain_crash(back, "meanwhile", true);
        }
        for (; device_writes == 0 && ms < 2u * QUIET_MS; ms++) {
            assert_true(holds(at));
            pass_ms(1);
        }
        assert_in_range(ms, dies != 0 ? 0 : QUIET_MS - 3u, dies != 0 ? 12u : QUIET_MS + 3u);
        pass_ms(300);
        assert_int_equal(device_writes, 1);
        assert_int_equal(front->incarnation, 2);
        assert_int_equal(back->incarnation, 2);
        assert_false(holds(at));
    }
    start_unprotected();
    stop(front, STOP_OFF);
    assert_int_equal(front->state, DOMAIN_STOPPED);
    assert_int_equal(back->state, DOMAIN_RUNNING);
}

/* A device that cannot be reset may write to the frontend's memory for ever. */
static void cannot_be_reset(void **state)
{
    (void)state;
    start_unprotected();
    device_answers_at = ~0u;
    stop(front, STOP_CRASH);
    assert_int_equal(front->state, DOMAIN_STOPPED);
    assert_int_equal(back->state, DOMAIN_STOPPED);
    assert_true(machine_said("DOM2: device reset 0 timed out"));
    assert_true(machine_said("DOM1: devices of DOM2 may still write to its memory"));
    assert_int_equal(front->incarnation, 1);
    start_unprotected();
    device_answers_at = ~0u;
    stop(back, STOP_CRASH);
    assert_int_equal(back->state, DOMAIN_STOPPED);
    assert_int_equal(front->state, DOMAIN_RUNNING);
    stop(front, STOP_RESET);
    assert_int_equal(front->state, DOMAIN_STOPPED);
}

/* What the frontend leaves behind is not seen by the backend, and what the backend writes then is not seen in
 * the frontend's next life. */
static void frontend_restarts(void **state)
{
    (void)state;
    start();
    assert_int_equal(tail().incarnation, 1);
    guest_put_word(user, CELL, SECRET);
    assert_int_equal(set_state(true), 0);
    assert_int_equal(peek(CELL), SECRET);
    clear_events();
    stop(front, STOP_RESET);
    assert_true(pending(PORT));
    assert_int_equal(tail().incarnation, 2);
    assert_int_equal(tail().attached, 0);
    assert_int_equal(peek(CELL), 0);
    poke(CELL, 0x99);
    turn_to(user);
    assert_int_equal(guest_word(user, CELL), 0);
    guest_put_word(user, CELL, 5);
    assert_int_equal(set_state(true), 0);
    assert_int_equal(peek(CELL), 5);
}

/* One that stops in the middle of being attached. */
static void stops_while_attaching(void **state)
{
    struct frontend *pair;

    (void)state;
    start();
    assert_int_equal(frontend_find(back, 1, 0, &pair), OK);
    guest_put_word(user, GUEST_RAM, SECRET);
    turn_to(server);
    assert_int_equal(frontend_attach(back, pair, true), ERR_BUSY);
    assert_int_equal(peek(GUEST_RAM), SECRET);
    stop(front, STOP_RESET);
    assert_int_equal(peek(GUEST_RAM), 0);
    assert_int_equal(set_state(true), 0);
    turn_to(server);
    assert_int_equal(frontend_attach(back, pair, false), ERR_BUSY);
    assert_int_equal(pair->attached, 0); /* at once */
    assert_int_equal(frontend_attach(back, pair, true), ERR_BUSY);
    assert_int_equal(set_state(true), 0);
    assert_int_equal(peek(CELL), 0);
    guest_put_word(user, CELL, SECRET);
    assert_int_equal(peek(CELL), SECRET);
    turn_to(server);
    assert_int_equal(frontend_attach(back, pair, false), ERR_BUSY);
    stop(back, STOP_CRASH);
    assert_int_equal(peek(CELL), 0);
    assert_int_equal(set_state(true), 0);
    assert_int_equal(peek(CELL), SECRET);
    stop(front, STOP_OFF);
    turn_to(server);
    assert_int_equal(frontend_attach(back, pair, true), ERR_INVALID);
    assert_int_equal(peek(CELL), 0);
}

/* A backend begins with closed windows and an empty page, and hears of everything once. */
static void backend_restarts(void **state)
{
    (void)state;
    start();
    guest_put_word(user, CELL, SECRET);
    poke(CELL, 0x77);
    assert_int_equal(set_state(true), 0);
    assert_int_equal(peek(CELL), SECRET);
    guest_put_word(server, PAGE + 0xf00, 0x4711);
    stop(back, STOP_CRASH);
    assert_int_equal(peek(CELL), 0);
    assert_int_equal(guest_word(server, PAGE + 0xf00), 0);
    assert_int_equal(tail().incarnation, 1);
    assert_true(pending(BELL));
    assert_int_equal(set_state(true), 0);
    assert_int_equal(peek(CELL), SECRET);
}

/* Nothing that the backend does to its own address space reaches a window or the page. */
static void windows_are_fixed(void **state)
{
    const uint64_t places[] = {WINDOW, WINDOW + GUEST_SIZE - PAGE_SIZE, PAGE};

    (void)state;
    start();
    assert_int_equal(set_state(true), 0);
    turn_to(server);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        struct xen_add_to_physmap add = {.domid = DOMID_SELF, .gpfn = places[i] / PAGE_SIZE};
        struct xen_remove_from_physmap gone = {DOMID_SELF, places[i] / PAGE_SIZE};

        guest_put(server, ARG, &add, sizeof add);
        assert_int_equal(xen_call(server, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, ARG, 0), -XEN_EINVAL);
        guest_put(server, ARG, &gone, sizeof gone);
        assert_int_equal(xen_call(server, MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP, ARG, 0), -XEN_ENOENT);
    }
}

/* Blocks of 2 MiB and 1 GiB open as such, and close without a table of their own. */
static void large_windows(void **state)
{
    static const struct domain_window w[] = {{{GIB(4)}, {GIB(8)}, GIB(1) + MIB(4) + 3u * PAGE_SIZE},
                                             {{GIB(6) + MIB(2)}, {GIB(16)}, GIB(1) + MIB(6)}};
    struct domain_record record = {.nr_windows = 2, .windows = w};
    struct stage2 stage2;
    struct stage2_scratch scratch;
    struct pool pool;
    uint64_t bytes, used;

    (void)state;
    machine_start(1);
    stage2_scratch_init(&scratch, machine_alloc(STAGE2_SCRATCH_PAGES * PAGE_SIZE, PAGE_SIZE));
    bytes = stage2_table_pages(&record) * PAGE_SIZE;
    pool_init(&pool, machine_alloc(bytes, PAGE_SIZE), bytes);
    assert_int_equal(stage2_begin(&stage2, &pool, &record, 1), OK);
    for (unsigned i = 0; i < 2; i++) {
        struct domain_map map = domain_window_map(&w[i]);
        enum status status;
        uint64_t done = 0;

        do {
            status = stage2_window_map(&stage2, &pool, &map, &scratch, 7, &done);
        } while (status == ERR_BUSY);
        assert_int_equal(status, OK);
        assert_int_equal(done, map.size);
    }
    used = pool.used;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 2; i++) {
            struct domain_map map = domain_window_map(&w[i]);
            unsigned slices = 1;
            uint64_t done = 0;

            for (uint64_t at = 0; at < map.size; at += MIB(1) + PAGE_SIZE) {
                struct stage2_page page;

                assert_true(stage2_look(&stage2, IPA(map.ipa.v + at), &page));
                assert_true(page.normal && page.writable);
                assert_int_equal(page.pa.v, round % 2u != 0 ? map.pa.v + at
                                                            : stage1_pa(scratch.page).v + at % PAGE_SIZE);
            }
            while (!stage2_window_set(&stage2, &map, &scratch, round % 2u == 0, 32, &done)) {
                slices++;
            }
            assert_int_equal(slices, i == 0 ? 1 : 17); /* 6 entries, and 515 + 2 */
        }
    }
    assert_int_equal(pool.used, used);
    assert_true(pool.used <= pool.size);
}

/* --- dm_op --- */

static int64_t dm(uint32_t op, struct xen_dm_op *arg)
{
    arg->op = op;
    return dm_call(1, arg);
}

/* As a backend for Xen goes: it makes what is there. */
static void servers(void **state)
{
    struct xen_dm_op op = {.u.create = {1, {0}, 9}};

    (void)state;
    start();
    assert_int_equal(dm(DMOP_CREATE_SERVER, &op), -XEN_EINVAL);
    op.u.create = (struct xen_dm_create){0, {0, 0, 1}, 9};
    assert_int_equal(dm(DMOP_CREATE_SERVER, &op), -XEN_EINVAL);
    op.u.create = (struct xen_dm_create){0, {0}, 9};
    assert_int_equal(dm(DMOP_CREATE_SERVER, &op), 0);
    assert_int_equal(op.u.create.id, 0);
    assert_int_equal(dm(DMOP_CREATE_SERVER, &op), -XEN_ENOSPC);
    op.u.info = (struct xen_dm_info){.id = 0, .flags = DMOP_NO_GFNS, .bufioreq_port = 7};
    assert_int_equal(dm(DMOP_GET_INFO, &op), 0);
    assert_int_equal(op.u.info.bufioreq_port, 0);
    op.u.info.flags = 0;
    assert_int_equal(dm(DMOP_GET_INFO, &op), -XEN_EOPNOTSUPP);
    op.u.info.flags = 2;
    assert_int_equal(dm(DMOP_GET_INFO, &op), -XEN_EINVAL);
    op.u.info = (struct xen_dm_info){.id = 1, .flags = DMOP_NO_GFNS};
    assert_int_equal(dm(DMOP_GET_INFO, &op), -XEN_ENOENT);
    op.u.destroy = (struct xen_dm_destroy){0, 1};
    assert_int_equal(dm(DMOP_DESTROY_SERVER, &op), -XEN_EINVAL);
    op.u.destroy = (struct xen_dm_destroy){1, 0};
    assert_int_equal(dm(DMOP_DESTROY_SERVER, &op), -XEN_ENOENT);
    assert_int_equal(set_state(true), 0);
    op.u.destroy = (struct xen_dm_destroy){0, 0};
    assert_int_equal(dm(DMOP_DESTROY_SERVER, &op), 0);
    assert_int_equal(tail().attached, 0);
    assert_int_equal(dm(DMOP_CREATE_SERVER, &op), 0);
    stop(back, STOP_CRASH);
    assert_int_equal(dm(DMOP_CREATE_SERVER, &op), 0);
    op.u.state = (struct xen_dm_state){0, 1, 1};
    assert_int_equal(dm(DMOP_SET_STATE, &op), -XEN_EINVAL);
    op.u.state = (struct xen_dm_state){1, 1, 0};
    assert_int_equal(dm(DMOP_SET_STATE, &op), -XEN_ENOENT);
    assert_int_equal(dm(DMOP_NR_VCPUS, &op), 0);
    assert_int_equal(op.u.nr_vcpus.vcpus, 2);
}

static void ranges(void **state)
{
    static const struct {
        uint64_t start, end;
        uint32_t type;
        uint16_t id, pad;
        int64_t want;
    } table[] = {{DEVICE, DEVICE + 0x1ff, 1, 0, 0, 0},
                 {DEVICE + 0x10, DEVICE + 0x13, 1, 0, 0, 0},
                 {ONES, ONES + 0x1ff, 1, 0, 0, 0},
                 {DEVICE, DEVICE + 0x200, 1, 0, 0, -XEN_EPERM},
                 {DEVICE - 1u, DEVICE + 3u, 1, 0, 0, -XEN_EPERM},
                 {0, ~UINT64_C(0), 1, 0, 0, -XEN_EPERM},
                 {DEVICE, ONES, 1, 0, 0, -XEN_EPERM},
                 {GUEST_RAM, GUEST_RAM + 3u, 1, 0, 0, -XEN_EPERM},
                 {DEVICE + 4u, DEVICE + 3u, 1, 0, 0, -XEN_EINVAL},
                 {DEVICE, DEVICE + 3u, 0, 0, 0, -XEN_EINVAL},
                 {DEVICE, DEVICE + 3u, 2, 0, 0, -XEN_EINVAL},
                 {DEVICE, DEVICE + 3u, 1, 0, 1, -XEN_EINVAL},
                 {DEVICE, DEVICE + 3u, 1, 1, 0, -XEN_ENOENT}};

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        struct xen_dm_op op = {
            .u.range = {table[i].id, table[i].pad, table[i].type, table[i].start, table[i].end}};

        assert_int_equal(dm(DMOP_MAP_RANGE, &op), table[i].want);
        assert_int_equal(dm(DMOP_UNMAP_RANGE, &op), table[i].want);
    }
}

/* By the word, and by the hypercall for the interrupts that belong to the pair. */
static void interrupts(void **state)
{
    struct xen_dm_op op = {.u.irq_level = {SPI, 1, {0}}};

    (void)state;
    start();
    turn_to(user);
    machine_enable_ppi(user, EVENT_PPI); /* and the distributor */
    machine_store(user, front->record->gicd.v + 0x84, ~0u);
    machine_store(user, front->record->gicd.v + 0x104, BIT(SPI - 32u));
    machine_store(user, front->record->gicd.v + 0xc08, 2u << 16); /* edge */
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), 0);
    assert_true(pending_spi());
    turn_to(server);
    machine_store(server, WORD, 1);
    machine_settle();
    assert_true(pending_spi());
    op.u.irq_level.level = 0;
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), 0);
    assert_false(pending_spi());
    op.u.irq_level = (struct xen_dm_irq_level){SPI, 2, {0}};
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), -XEN_EINVAL);
    op.u.irq_level = (struct xen_dm_irq_level){SPI, 1, {0, 0, 1}};
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), -XEN_EINVAL);
    op.u.irq_level = (struct xen_dm_irq_level){27, 1, {0}};
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), -XEN_EINVAL);
    op.u.irq_level = (struct xen_dm_irq_level){SPI + 1u, 1, {0}};
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), -XEN_EPERM);
    op.u.irq_level = (struct xen_dm_irq_level){65536u + SPI, 1, {0}};
    assert_int_equal(dm(DMOP_SET_IRQ_LEVEL, &op), -XEN_EINVAL);
    assert_false(pending_spi());
}

static int64_t raw(struct vcpu *vcpu, uint16_t domid, uint64_t nr, uint64_t at)
{
    turn_to(vcpu);
    return xen_call(vcpu, DM_OP, domid, nr, at);
}

/* Only the pairs of the description, and only what Xen lets through. */
static void authority(void **state)
{
    struct xen_dm_op op = {.op = DMOP_NR_VCPUS};
    struct xen_dm_buf bufs[2] = {{ARG, sizeof op}, {0, 0}};

    (void)state;
    start();
    assert_int_equal(dm_call(1, &op), 0);
    assert_int_equal(dm_call(2, &op), -XEN_EPERM); /* itself */
    assert_int_equal(dm_call(3, &op), -XEN_EPERM);
    assert_int_equal(dm_call(9, &op), -XEN_ESRCH);
    assert_int_equal(dm_call(DOMID_SELF, &op), -XEN_ESRCH);
    guest_put(user, ARG, &op, sizeof op);
    guest_put(user, BUFS, bufs, sizeof bufs);
    assert_int_equal(raw(user, 2, 1, BUFS), -XEN_EPERM); /* the frontend of its backend */
    guest_put(server, ARG, &op, sizeof op);
    guest_put(server, BUFS, bufs, sizeof bufs);
    assert_int_equal(raw(server, 1, 0, BUFS), -XEN_ENODATA);
    assert_int_equal(raw(server, 1, 2, BUFS), 0);
    assert_int_equal(raw(server, 1, 3, BUFS), -XEN_E2BIG);
    assert_int_equal(raw(server, 1, 1, 0x10), -XEN_EFAULT);
    for (uint64_t size = 0; size < 12u; size++) {
        bufs[0].size = size;
        guest_put(server, BUFS, bufs, sizeof bufs);
        assert_int_equal(raw(server, 1, 1, BUFS), -XEN_EFAULT);
    }
    bufs[0].size = 12;
    guest_put(server, BUFS, bufs, sizeof bufs);
    assert_int_equal(raw(server, 1, 1, BUFS), 0);
    bufs[0].at = 0x10;
    guest_put(server, BUFS, bufs, sizeof bufs);
    assert_int_equal(raw(server, 1, 1, BUFS), -XEN_EFAULT);
    op.pad = 1;
    assert_int_equal(dm_call(1, &op), -XEN_EINVAL);
    for (uint32_t number = 0; number < 70u; number++) {
        bool known = (number >= 1u && number <= 6u) || number == 19u || number == 20u;

        op = (struct xen_dm_op){.op = number, .pad = 1};
        assert_int_equal(dm_call(1, &op), known ? -XEN_EINVAL : -XEN_EOPNOTSUPP);
    }
}

static int64_t acquire(uint16_t domid, uint16_t type, uint32_t id, uint32_t nr, uint64_t frame, uint64_t at)
{
    uint64_t gfn = at / PAGE_SIZE;
    struct xen_acquire_resource a = {domid, type, id, nr, 0, frame, ARG + 64u};

    turn_to(server);
    guest_put(server, ARG, &a, sizeof a);
    guest_put(server, ARG + 64u, &gfn, sizeof gfn);
    return xen_call(server, MEMORY_OP, XENMEM_ACQUIRE_RESOURCE, ARG, 0);
}

/* The page appears where a backend for Xen wants it. */
static void resource(void **state)
{
    const uint64_t hole = 0x38000000, own = GUEST_RAM + 30u * PAGE_SIZE;

    (void)state;
    start();
    assert_int_equal(set_state(true), 0);
    touch(user, STORE | how(2, 31), DEVICE + 0x14);
    assert_int_equal(acquire(1, 0, 0, 1, 1, hole), 0);
    assert_int_equal(guest_word(server, hole), DEVICE + 0x14);
    assert_int_equal(acquire(1, 0, 0, 1, 1, own), 0);
    assert_int_equal(guest_word(server, own), DEVICE + 0x14);
    assert_false(guest_sees(server, hole));
    assert_int_equal(acquire(1, 0, 0, 1, 1, PAGE), -XEN_EINVAL);
    assert_int_equal(acquire(1, 0, 0, 1, 1, WINDOW), -XEN_EINVAL);
    assert_int_equal(acquire(1, 0, 1, 1, 1, hole), -XEN_ENOENT);
    assert_int_equal(acquire(1, 0, 65536, 1, 1, hole), -XEN_ENOENT);
    assert_int_equal(acquire(2, 0, 0, 1, 1, hole), -XEN_EPERM);
    assert_int_equal(acquire(3, 0, 0, 1, 1, hole), -XEN_EPERM);
    assert_int_equal(acquire(9, 0, 0, 1, 1, hole), -XEN_EPERM);
    assert_int_equal(acquire(1, 1, 0, 1, 1, hole), -XEN_EPERM);
    assert_int_equal(acquire(1, 0, 0, 1, 0, hole), -XEN_EPERM);
    assert_int_equal(acquire(1, 0, 0, 2, 1, hole), -XEN_EPERM);
    assert_int_equal(slot_of(0).address, DEVICE + 0x14); /* at its declared place too */
    stop(back, STOP_CRASH);
    assert_int_equal(guest_word(server, own), 0);
    assert_int_equal(acquire(1, 0, 0, 1, 1, own), 0);
}

/* What a backend that knows nothing but Xen's calls does with what it finds in the slots when it has enabled
 * the server, before anything has been asked; and what was asked meanwhile is told with the port. */
static void slots_name_ports(void **state)
{
    (void)state;
    start();
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(set_state(true), 0);
        for (unsigned vcpu = 0; vcpu < 2; vcpu++) {
            struct xen_evtchn_bind_interdomain bind = {.remote_dom = 1, .remote_port = slot_of(vcpu).port};

            assert_int_equal(bind.remote_port, PORT + vcpu);
            clear_events();
            guest_put(server, ARG, &bind, sizeof bind);
            assert_int_equal(xen_call(server, EVENT_OP, EVTCHNOP_bind_interdomain, ARG, 0), 0);
            guest_get(server, ARG, &bind, sizeof bind);
            assert_int_equal(bind.local_port, PORT + vcpu);
            assert_true(pending(PORT + vcpu));
        }
        assert_int_equal(slot_of(2).port, 0); /* no such vCPU */
        assert_int_equal(set_state(false), 0);
    }
}

/* The ports of requests stay what they are. */
static void ports(void **state)
{
    struct xen_evtchn_status status = {.dom = DOMID_SELF, .port = PORT + 1u};
    struct xen_evtchn_bind_interdomain bind = {.remote_dom = 1};
    uint32_t port = PORT + 1u;

    (void)state;
    start();
    assert_int_equal(set_state(true), 0);
    bind.remote_port = slot_of(1).port;
    turn_to(server);
    guest_put(server, ARG, &port, sizeof port);
    assert_int_equal(xen_call(server, EVENT_OP, EVTCHNOP_close, ARG, 0), -XEN_EINVAL);
    guest_put(server, ARG, &status, sizeof status);
    assert_int_equal(xen_call(server, EVENT_OP, EVTCHNOP_status, ARG, 0), 0);
    guest_get(server, ARG, &status, sizeof status);
    assert_int_equal(status.status, EVENT_INTERDOMAIN);
    guest_put(server, ARG, &bind, sizeof bind); /* as a backend for Xen does with what the slot says */
    assert_int_equal(xen_call(server, EVENT_OP, EVTCHNOP_bind_interdomain, ARG, 0), 0);
    guest_get(server, ARG, &bind, sizeof bind);
    assert_int_equal(bind.local_port, PORT + 1u);
    bind = (struct xen_evtchn_bind_interdomain){.remote_dom = 1, .remote_port = PORT + 2u};
    guest_put(server, ARG, &bind, sizeof bind);
    assert_int_equal(xen_call(server, EVENT_OP, EVTCHNOP_bind_interdomain, ARG, 0), -XEN_EINVAL);
    port = BELL;
    guest_put(server, ARG, &port, sizeof port);
    assert_int_equal(xen_call(server, EVENT_OP, EVTCHNOP_send, ARG, 0), 0); /* to nobody */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),          cmocka_unit_test(frontend_restarts),
        cmocka_unit_test(waits_for_quiet),  cmocka_unit_test(is_not_quiet),
        cmocka_unit_test(cannot_be_reset),  cmocka_unit_test(stops_while_attaching),
        cmocka_unit_test(backend_restarts), cmocka_unit_test(windows_are_fixed),
        cmocka_unit_test(large_windows),    cmocka_unit_test(servers),
        cmocka_unit_test(ranges),           cmocka_unit_test(interrupts),
        cmocka_unit_test(authority),        cmocka_unit_test(resource),
        cmocka_unit_test(slots_name_ports), cmocka_unit_test(ports),
    };

    return cmocka_run_group_tests_name("frontend", tests, NULL, NULL);
}
