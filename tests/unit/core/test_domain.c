/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a domain: built, started, stopped, restarted. */
#include "machine.h"

#include <string.h>

#include "core/interrupt.h"
#include "core/vcpu.h"
#include "guest/arm64/trap.h"

#define SYSTEM_OFF   0x84000008u
#define SYSTEM_RESET 0x84000009u
#define CPU_ON       0xc4000003u
#define MS           UINT64_C(1000000) /* ticks */

/* vCPU 0 of the domain runs on its pCPU. */
static struct vcpu *guest(struct domain *domain)
{
    struct vcpu *vcpu = &domain->vcpus[0];

    host_on(vcpu->pcpu->index);
    assert_ptr_equal(host_pcpu->current, vcpu);
    return vcpu;
}

static void check_fresh(struct domain *domain)
{
    const struct domain_map *map = domain->record->maps;
    struct vcpu *vcpu = guest(domain);

    assert_int_equal(domain->state, DOMAIN_RUNNING);
    assert_int_equal(host_effective("elr_el2"), GUEST_RAM);
    assert_int_equal(vcpu->x[0], domain->record->dtb.v);
    for (uint64_t at = 0; at < map->size; at += at < TEXT_SIZE + 200u ? 1u : 61u) {
        assert_int_equal(host_guest_read(GUEST_RAM + at, false), at < TEXT_SIZE ? machine_text[at] : 0);
    }
}

/* What a guest that has not turned its caches on reads, and what it may rely on when it writes. */
static void starts_from_memory(void **state)
{
    struct domain *domain;

    (void)state;
    machine_start(1);
    domain = machine_domain(machine_record(1, 1));
    machine_boot();
    check_fresh(domain);
    assert_int_equal(domain->incarnation, 1);
    for (unsigned i = 0; i < 64; i++) {
        host_guest_write(GUEST_RAM + 64u * i, 0xee, false);
    }
    host_cache_evict();
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(host_guest_read(GUEST_RAM + 64u * i, false), 0xee);
        assert_int_equal(host_guest_read(GUEST_RAM + 64u * i, true), 0xee);
    }
}

static void dirty_all(void)
{
    for (uint64_t at = 0; at < GUEST_SIZE; at += 64) {
        host_guest_write(GUEST_RAM + at, 0x5a, at % 128u == 0);
    }
}

static void restarts_from_scrubbed_memory(void **state)
{
    struct domain *domain;
    struct vcpu *vcpu;

    (void)state;
    machine_start(2);
    domain = machine_domain(machine_record(1, 2));
    machine_boot();
    vcpu = guest(domain);
    dirty_all();
    vcpu->x[5] = 77;
    assert_ptr_equal(machine_hvc(vcpu, SYSTEM_RESET, 0, 0, 0), NULL);
    machine_settle();
    check_fresh(domain);
    assert_int_equal(vcpu->x[5], 0);
    assert_int_equal(domain->incarnation, 2);
    assert_true(machine_said("DOM1 asked for a reset, restarting"));
}

/* The text of the next life is not what the instruction caches remember of the last one. */
static void restart_fetches_new_text(void **state)
{
    struct domain *domain;
    struct vcpu *vcpu;

    (void)state;
    machine_start(1);
    domain = machine_domain(machine_record(1, 1));
    machine_boot();
    vcpu = guest(domain);
    host_guest_write(GUEST_RAM, 0xd1, false);
    assert_int_equal(host_guest_fetch(GUEST_RAM), 0xd1);
    machine_hvc(vcpu, SYSTEM_RESET, 0, 0, 0);
    machine_settle();
    assert_int_equal(host_guest_fetch(GUEST_RAM), machine_text[0]);
}

static uint64_t shifted(uint64_t va)
{
    return va - UINT64_C(0x1000000) + PAGE_SIZE;
}

/* Translations that the guest made in its last life are gone from all pCPUs. */
static void restart_forgets_translations(void **state)
{
    struct domain *domain;
    struct vcpu *vcpu;
    uint64_t pa;

    (void)state;
    machine_start(2);
    domain = machine_domain(machine_record(1, 2));
    machine_boot();
    vcpu = guest(domain);
    machine_hvc(vcpu, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    host_stage1 = shifted;
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        assert_true(host_guest_translate(GUEST_RAM + UINT64_C(0x1000000), &pa));
    }
    host_stage1 = NULL;
    machine_hvc(vcpu, SYSTEM_RESET, 0, 0, 0);
    machine_settle();
    machine_hvc(guest(domain), CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        assert_non_null(host_pcpu->current);
        assert_false(host_guest_translate(GUEST_RAM + UINT64_C(0x1000000), &pa));
    }
}

/* vCPU 0 of the domain, on a pCPU that others share. */
static struct vcpu *wait_for(struct domain *domain)
{
    struct vcpu *vcpu = &domain->vcpus[0];

    for (unsigned i = 0; i < 1000u && machine_run(vcpu->pcpu->index) != vcpu; i++) {
        machine_pass(5 * MS, 5 * MS);
    }
    return guest(domain);
}

static void reset_now(struct domain *domain)
{
    machine_hvc(wait_for(domain), SYSTEM_RESET, 0, 0, 0);
    for (unsigned i = 0; i < 1000u && domain->state != DOMAIN_RUNNING && domain->state != DOMAIN_STOPPED;
         i++) {
        machine_pass(5 * MS, 5 * MS);
    }
}

static void thousand_restarts(void **state)
{
    struct domain *domain, *other;
    uint64_t pool_used, other_used;

    (void)state;
    machine_start(2);
    domain = machine_domain(machine_record(1, 2));
    other = machine_domain(machine_record(2, 2));
    machine_boot();
    wait_for(other);
    wait_for(domain);
    pool_used = domain->pool.used;
    other_used = other->pool.used;
    for (unsigned i = 1; i <= 1000; i++) {
        struct vcpu *vcpu = wait_for(domain);

        machine_hvc(vcpu, CPU_ON, 1, GUEST_RAM, i);
        machine_settle();
        wait_for(domain);
        host_guest_write(GUEST_RAM + i * 100u, 1, true);
        if (i % 3u == 0) {
            domain_stop(domain, STOP_CRASH);
            machine_end(trap_return(vcpu));
            wait_for(domain);
        } else {
            reset_now(domain);
        }
        assert_int_equal(domain->incarnation, i + 1u);
        assert_int_equal(domain->pool.used, pool_used);
    }
    assert_int_equal(other->incarnation, 1);
    assert_int_equal(other->pool.used, other_used);
    assert_int_equal(other->state, DOMAIN_RUNNING);
}

static void restart_policy(void **state)
{
    static const struct {
        uint32_t restart;
        unsigned resets; /* within the window, of which all but the last come back */
    } rows[] = {{RESTART_NEVER, 1}, {1, 2}, {3, 4}};

    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        struct domain_record *record;
        struct domain *domain;

        machine_start(2);
        record = machine_record(1, 1);
        record->restart = rows[n].restart;
        record->restart_window_ms = 1000;
        domain = machine_domain(record);
        machine_domain(machine_record(2, 2));
        machine_boot();
        for (unsigned i = 1; i < rows[n].resets; i++) {
            machine_pass(100 * MS, 100 * MS);
            reset_now(domain);
            assert_int_equal(domain->state, DOMAIN_RUNNING);
        }
        reset_now(domain);
        assert_int_equal(domain->state, DOMAIN_STOPPED);
        assert_int_equal(domain->incarnation, rows[n].resets);
        assert_false(machine_off);
    }
}

/* Restarts that are further apart than the window do not add up. */
static void restart_window(void **state)
{
    struct domain_record *record;
    struct domain *domain;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->restart = 2;
    record->restart_window_ms = 1000;
    domain = machine_domain(record);
    machine_boot();
    for (unsigned i = 0; i < 10; i++) {
        machine_pass(600 * MS, 600 * MS);
        reset_now(domain);
        assert_int_equal(domain->state, DOMAIN_RUNNING);
    }
}

/* The first restart comes at once, each further one of the window waits longer, up to a second; meanwhile the
 * pCPU is free for its neighbour. */
static void restart_backs_off(void **state)
{
    static const unsigned waits[] = {0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    struct domain_record *record;
    struct domain *domain, *other;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->restart = ARRAY_SIZE(waits);
    record->restart_window_ms = 60000;
    domain = machine_domain(record);
    other = machine_domain(machine_record(2, 1));
    machine_boot();
    for (unsigned i = 0; i < ARRAY_SIZE(waits); i++) {
        unsigned ms = 0;

        machine_hvc(wait_for(domain), SYSTEM_RESET, 0, 0, 0);
        for (; ms < 2000u && (ms == 0 || domain->state != DOMAIN_RUNNING); ms++) {
            machine_pass(MS, MS);
            if (waits[i] >= 40u && ms == waits[i] / 2u) {
                assert_int_equal(domain->state, DOMAIN_BUILDING);
                assert_ptr_equal(pcpus[0]->current, &other->vcpus[0]);
            }
        }
        assert_in_range(ms, waits[i], waits[i] + 20u);
        assert_int_equal(domain->incarnation, i + 2u);
    }
    reset_now(domain);
    machine_pass(2000 * MS, 10 * MS);
    assert_int_equal(domain->state, DOMAIN_STOPPED);
    assert_int_equal(other->incarnation, 1);
}

/* Where every restart is allowed, lives that end at once wait like those of a window, behind the first 16 of
 * them; one that lasts a millisecond is restarted at once, and those before it are forgotten. */
static void short_lives_back_off(void **state)
{
    static const unsigned waits[] = {10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    struct domain_record *record;
    struct domain *domain;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->restart = RESTART_ALWAYS;
    domain = machine_domain(record);
    machine_domain(machine_record(2, 1));
    machine_boot();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 16u + ARRAY_SIZE(waits); i++) {
            unsigned ms = 0, wait = i < 16u ? 0 : waits[i - 16u];
            uint32_t before = domain->incarnation;
            struct vcpu *vcpu = wait_for(domain);

            domain_crash(domain, "at once", true);
            machine_end(trap_return(vcpu));
            for (; ms < 2000u && (domain->incarnation == before || domain->state != DOMAIN_RUNNING); ms++) {
                machine_pass(MS, MS);
            }
            assert_in_range(ms, wait, wait + 20u);
        }
        machine_pass(2 * MS, MS);
        reset_now(domain);
        assert_int_equal(domain->state, DOMAIN_RUNNING);
        assert_int_equal(domain->restarts_in_window, 0);
    }
}

/* Who is in the background does not keep the machine on. */
static void background(void **state)
{
    struct domain *first, *second;

    (void)state;
    machine_start(2);
    first = machine_domain(machine_record(1, 1));
    second = machine_domain(machine_record(2, 1));
    ((struct domain_record *)second->record)->flags |= DOMAIN_BACKGROUND;
    ((struct domain_vcpu *)second->record->vcpus)[0].pcpu = 1;
    machine_boot();
    machine_hvc(wait_for(first), SYSTEM_OFF, 0, 0, 0);
    machine_settle();
    assert_int_equal(second->state, DOMAIN_RUNNING);
    assert_true(machine_off);
}

static void last_one_powers_off(void **state)
{
    struct domain *first, *second;

    (void)state;
    machine_start(2);
    first = machine_domain(machine_record(1, 1));
    second = machine_domain(machine_record(2, 2));
    ((struct domain_vcpu *)second->record->vcpus)[0].pcpu = 0;
    machine_boot();
    machine_hvc(wait_for(first), SYSTEM_OFF, 0, 0, 0);
    machine_settle();
    assert_int_equal(first->state, DOMAIN_STOPPED);
    assert_false(machine_off);
    machine_hvc(wait_for(second), SYSTEM_OFF, 0, 0, 0);
    machine_settle();
    assert_true(machine_off);
    assert_true(machine_said("DOM1 powered off, stays stopped"));
}

/* A stop while another vCPU of the domain is being turned on: what it asked for must not outlive the domain.
 */
static void cpu_on_against_stop(void **state)
{
    struct domain *domain;
    struct vcpu *first, *second;

    (void)state;
    machine_start(3);
    domain = machine_domain(machine_record(1, 2));
    machine_boot();
    first = guest(domain);
    second = &domain->vcpus[1];
    host_on(2);
    domain_stop(domain, STOP_RESET);
    machine_run(1); /* takes the stop of its vCPU: nothing to do for it */
    host_on(1);
    interrupt_poll(host_pcpu);
    machine_run(1);
    assert_int_equal(domain->vcpus_in, 1);
    host_on(0); /* the first still runs its guest, which asks for the second */
    first->x[0] = CPU_ON;
    first->x[1] = 1;
    first->x[2] = GUEST_RAM;
    smccc_call(first);
    assert_ptr_equal(machine_run(1), NULL);
    assert_int_equal(second->state, VCPU_OFF);
    machine_settle();
    assert_int_equal(domain->incarnation, 2);
    assert_int_equal(second->state, VCPU_OFF);
    assert_int_equal(second->power, POWER_OFF);
    check_fresh(domain);
    assert_int_equal((int)machine_hvc(first, CPU_ON, 1, GUEST_RAM, 42)->x[0], 0);
    machine_settle();
    assert_int_equal(second->state, VCPU_READY);
    assert_int_equal(second->x[0], 42);
}

/* The same, but the request is still on its way when the domain has been built again. */
static void late_cpu_on(void **state)
{
    struct domain *domain;
    struct vcpu *first, *second;

    (void)state;
    machine_start(3);
    domain = machine_domain(machine_record(1, 2));
    machine_boot();
    first = guest(domain);
    second = &domain->vcpus[1];
    host_on(2);
    domain_stop(domain, STOP_RESET);
    host_on(1);
    interrupt_poll(host_pcpu);
    machine_run(1);
    host_on(0);
    first->x[0] = CPU_ON;
    first->x[1] = 1;
    first->x[2] = GUEST_RAM;
    smccc_call(first);
    assert_ptr_equal(machine_end(trap_return(first)), first); /* leaves, is built and runs again */
    assert_int_equal(domain->incarnation, 2);
    machine_settle();
    assert_int_equal(second->state, VCPU_OFF);
    assert_int_equal(second->power, POWER_OFF);
}

static uint64_t device_value, device_polls, device_ready;

static uint64_t device(uint64_t pa, unsigned size, bool write, uint64_t value)
{
    assert_int_equal(size, 4);
    assert_int_equal(pa, 0xa000070);
    if (write) {
        device_value = value;
        return 0;
    }
    host_now += 1000;
    return device_polls++ >= device_ready ? device_value : device_value | 0x80u;
}

static void devices_are_reset(void **state)
{
    static const struct domain_reset steps[] = {
        {.pa = {0xa000070}, .value = 0x10, .mask = 0xf0, .poll_mask = 0x80, .limit_us = 50},
        {.pa = {0xa000070}, .value = 0, .mask = ~0u, .limit_us = 50}};
    struct domain_record *record;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        machine_start(1);
        record = machine_record(1, 1);
        record->resets = steps;
        record->nr_resets = 2 - i;
        host_device = device;
        device_value = 0x3f;
        device_polls = 0;
        device_ready = i == 0 ? 5 : 1000;
        machine_domain(record);
        machine_boot();
        assert_int_equal(device_value, i == 0 ? 0 : 0x9f & ~0x80u);
        assert_int_equal(machine_said("DOM1: device reset 0 timed out"), i == 1);
    }
}

/* Pieces that start and end anywhere, holes between them, and a load that is not the domain's memory. */
static void loads(void **state)
{
    static const struct domain_load pieces[] = {{{0}, {GUEST_RAM + 4095}, 3, 2},
                                                {{0}, {GUEST_RAM + 70001}, TEXT_SIZE - 9u, 0},
                                                {{0}, {GUEST_RAM + GUEST_SIZE}, 16, 0}};
    struct domain_load list[3];
    struct domain_record *record;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    memcpy(list, pieces, sizeof list);
    list[0].source = PA(machine_text_pa + 5);
    list[1].source = PA(machine_text_pa + 9);
    list[2].source = PA(machine_text_pa);
    record->loads = list;
    record->nr_loads = 3;
    record->flags = DOMAIN_SCRUB;
    machine_domain(record);
    machine_boot();
    assert_int_equal(host_guest_read(GUEST_RAM + 4094, false), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(host_guest_read(GUEST_RAM + 4095 + i, false), machine_text[5 + i]);
    }
    assert_int_equal(host_guest_read(GUEST_RAM + 4098, false), 0);
    for (unsigned i = 0; i < TEXT_SIZE - 9u; i++) {
        assert_int_equal(host_guest_read(GUEST_RAM + 70001 + i, false), machine_text[9 + i]);
    }
    assert_int_equal(host_guest_read(GUEST_RAM + 70001 + TEXT_SIZE - 9u, false), 0);
    assert_true(machine_said("load address"));
}

static void refused_records(void **state)
{
    struct domain_record *record;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->pool = machine_alloc(16 * PAGE_SIZE, PAGE_SIZE);
    record->pool_size = 0;
    assert_int_equal(domain_create(record), ERR_NOMEM);
    record->pool_size = sizeof(struct domain) + 64u;
    assert_int_equal(domain_create(record), ERR_NOMEM);
    assert_int_equal(nr_domains, 0);
    record = machine_record(2, PCPU_MAX_VCPUS);
    machine_domain(record);
    record = machine_record(3, 1);
    record->pool = machine_alloc(16 * PAGE_SIZE, PAGE_SIZE);
    record->pool_size = 16 * PAGE_SIZE;
    assert_int_equal(domain_create(record), ERR_RANGE);
}

/* Passed-through interrupts of a domain that stopped are silent. */
static void stop_silences_interrupts(void **state)
{
    static const struct domain_irq irq = {.virq = 40, .pirq = 50, .edge = false};
    struct domain_record *record;
    struct domain *domain;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->irqs = &irq;
    record->nr_irqs = 1;
    record->restart = RESTART_NEVER;
    domain = machine_domain(record);
    machine_boot();
    gic_enable(50);
    gic_set_pending(50, true);
    gic_set_active(50, true);
    machine_hvc(guest(domain), SYSTEM_RESET, 0, 0, 0);
    assert_false(host_gic_enabled(50));
    assert_false(host_gic_pending(50));
    assert_false(gic_is_active(50));
    assert_int_equal(host_route(50), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_from_memory),
        cmocka_unit_test(restarts_from_scrubbed_memory),
        cmocka_unit_test(restart_fetches_new_text),
        cmocka_unit_test(restart_forgets_translations),
        cmocka_unit_test(restart_policy),
        cmocka_unit_test(restart_window),
        cmocka_unit_test(short_lives_back_off),
        cmocka_unit_test(restart_backs_off),
        cmocka_unit_test(background),
        cmocka_unit_test(last_one_powers_off),
        cmocka_unit_test(cpu_on_against_stop),
        cmocka_unit_test(late_cpu_on),
        cmocka_unit_test(devices_are_reset),
        cmocka_unit_test(loads),
        cmocka_unit_test(refused_records),
        cmocka_unit_test(stop_silences_interrupts),
        cmocka_unit_test(thousand_restarts),
    };

    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
