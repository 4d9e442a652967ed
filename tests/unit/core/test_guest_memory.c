/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between the core and guests, changes of a live IPA space, pages shared with EL2, doorbells. */
#include "machine.h"

#include <string.h>

#include "arch/arm64/stage1.h"
#include "base/bits.h"
#include "core/guest_copy.h"
#include "core/physmap.h"
#include "virq/virq.h"

#define RAM_PAGES (GUEST_SIZE / PAGE_SIZE)
#define HOLE      IPA(0x38000000)

static struct vcpu *start(unsigned pcpus_count, unsigned vcpus, unsigned reserve)
{
    struct domain_record *record;

    machine_start(pcpus_count);
    record = machine_record(1, vcpus);
    record->stage2_reserve = reserve;
    machine_domain(record);
    machine_boot();
    for (unsigned i = 1; i < vcpus; i++) {
        host_on(0);
        machine_hvc(&domains[0]->vcpus[0], 0xc4000003u, i, GUEST_RAM, 0);
        machine_settle();
    }
    host_on(0);
    return &domains[0]->vcpus[0];
}

static void guest_put(struct vcpu *vcpu, uint64_t at, const char *text)
{
    host_on(vcpu->pcpu->index);
    for (; *text != '\0'; text++) {
        host_guest_write(at++, (uint8_t)*text, true);
    }
}

static void copies(void **state)
{
    struct vcpu *vcpu = start(1, 1, 0);
    char text[16] = {0};

    (void)state;
    guest_put(vcpu, GUEST_RAM + PAGE_SIZE - 3u, "bulkhead");
    host_put("par_el1", 0x1234);
    assert_int_equal(copy_from_guest(vcpu, text, (va_t){GUEST_RAM + PAGE_SIZE - 3u}, 8), OK);
    assert_string_equal(text, "bulkhead");
    assert_int_equal(copy_to_guest(vcpu, (va_t){GUEST_RAM + 3u * PAGE_SIZE - 2u}, "hull", 4), OK);
    assert_int_equal(host_effective("par_el1"), 0x1234); /* the guest's */
    assert_int_equal(host_guest_read(GUEST_RAM + 3u * PAGE_SIZE + 1u, true), 'l');
    assert_int_equal(copy_from_guest(vcpu, text, (va_t){GUEST_RAM}, 0), OK);
}

/* What the guest does not reach, it cannot make the core reach. */
static void refused_copies(void **state)
{
    static const uint64_t bad[] = {0, 0x3001000, GUEST_RAM - 1u, GUEST_RAM + GUEST_SIZE, ~UINT64_C(0) - 2u};
    struct vcpu *vcpu = start(1, 1, 4);
    char text[8] = "before";

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(copy_from_guest(vcpu, text, (va_t){bad[i]}, 4), ERR_FAULT);
        assert_int_equal(copy_to_guest(vcpu, (va_t){bad[i]}, text, 4), ERR_FAULT);
        assert_int_equal(guest_writable(vcpu, (va_t){bad[i]}, 4), ERR_FAULT);
    }
    assert_string_equal(text, "before");
    assert_int_equal(guest_writable(vcpu, (va_t){GUEST_RAM + GUEST_SIZE - 2u}, 4), ERR_FAULT);
    assert_int_equal(guest_writable(vcpu, (va_t){GUEST_RAM + GUEST_SIZE - 4u}, 4), OK);

    /* read-only: out, but not in */
    assert_int_equal(physmap_place(domains[0], HOLE, PA(HOST_RAM + MIB(5)), PHYSMAP_READ), OK);
    assert_int_equal(copy_from_guest(vcpu, text, (va_t){HOLE.v}, 4), OK);
    assert_int_equal(copy_to_guest(vcpu, (va_t){HOLE.v}, text, 4), ERR_FAULT);
    assert_int_equal(guest_writable(vcpu, (va_t){HOLE.v}, 4), ERR_FAULT);
}

/* Memory that the guest does not cache: the copy goes to memory, and sees what lies there. */
static void uncached_guest(void **state)
{
    struct vcpu *vcpu = start(1, 1, 0);
    uint8_t byte = 0;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        host_put("sctlr_el1", round == 0 ? 0u : 1u); /* its MMU off: everything is Device to it */
        host_memory_attributes = round == 1 ? 0x44 : 0xff;
        host_guest_write(GUEST_RAM + 100, (uint8_t)(7u + round), round == 2);
        assert_int_equal(copy_from_guest(vcpu, &byte, (va_t){GUEST_RAM + 100}, 1), OK);
        assert_int_equal(byte, 7u + round);
        byte = (uint8_t)(90u + round);
        assert_int_equal(copy_to_guest(vcpu, (va_t){GUEST_RAM + 100}, &byte, 1), OK);
        assert_int_equal(host_guest_read(GUEST_RAM + 100, round == 2), 90u + round);
    }
    host_memory_attributes = 0x04; /* the guest maps its memory as Device */
    assert_int_equal(copy_from_guest(vcpu, &byte, (va_t){GUEST_RAM + 100}, 1), ERR_FAULT);
}

/* No TLB keeps what was there before, on any pCPU; the neighbours of a split block stay. */
static void live_changes(void **state)
{
    struct vcpu *vcpu = start(2, 2, 4);
    struct domain *domain = vcpu->domain;
    pa_t home = PA(domain->record->maps[0].pa.v + PAGE_SIZE), other = PA(HOST_RAM + MIB(5));
    ipa_t at = IPA(GUEST_RAM + PAGE_SIZE);
    struct physmap_page page;
    uint64_t pa;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        assert_true(host_guest_translate(at.v, &pa) && pa == home.v);
        assert_true(host_guest_translate(at.v + PAGE_SIZE, &pa) && pa == home.v + PAGE_SIZE);
    }
    host_on(0);
    assert_true(physmap_look(domain, at, &page) && page.home && page.normal && page.writable);
    assert_int_equal(physmap_place(domain, at, other, PHYSMAP_READ), OK);
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        host_eret();
        assert_true(host_guest_translate(at.v, &pa));
        assert_int_equal(pa, other.v);
        assert_true(host_guest_translate(at.v + PAGE_SIZE, &pa) && pa == home.v + PAGE_SIZE);
    }
    host_on(0);
    assert_true(physmap_look(domain, at, &page) && !page.home && page.normal && !page.writable);
    assert_true(physmap_valid(domain, at, PHYSMAP_READ));
    assert_false(physmap_valid(domain, at, PHYSMAP_WRITE));
    assert_int_equal(physmap_restore(domain, at), ERR_EXIST);
    assert_int_equal(physmap_remove(domain, at, home), ERR_NOENT); /* something else lies there */
    assert_int_equal(physmap_remove(domain, at, other), OK);
    assert_int_equal(physmap_remove(domain, at, PA(0)), ERR_NOENT);
    host_on(1);
    host_eret();
    assert_false(host_guest_translate(at.v, &pa));
    host_on(0);
    assert_int_equal(physmap_restore(domain, at), OK);
    assert_true(physmap_look(domain, at, &page) && page.home);
    assert_int_equal(physmap_restore(domain, HOLE), ERR_NOENT);
}

/* Blocks of 1 GiB and 2 MiB are split where a page changes, at both levels. */
static void blocks_are_split(void **state)
{
    static const struct domain_map map = {IPA(0x40000000), PA(0x80000000), GIB(2), MAP_RAM};
    struct domain_record record = {.maps = &map, .nr_maps = 1};
    struct stage2 stage2;
    struct pool pool;
    uint64_t size, pa;

    (void)state;
    machine_start(1);
    size = (stage2_table_pages(&record) + 2u) * PAGE_SIZE;
    pool_init(&pool, machine_alloc(size, PAGE_SIZE), size);
    assert_int_equal(stage2_build(&stage2, &pool, &record, 3), OK);
    host_put("vtcr_el2", stage2.vtcr);
    host_put("vttbr_el2", stage2.vttbr);
    host_eret();
    assert_true(host_guest_translate(0x40000000 + MIB(300), &pa) && pa == 0x80000000 + MIB(300));
    assert_int_equal(stage2_drop(&stage2, &pool, IPA(0x40000000 + MIB(300))), OK);
    host_eret();
    assert_false(host_guest_translate(0x40000000 + MIB(300), &pa));
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t offsets[] = {0, MIB(300) - PAGE_SIZE, MIB(300) + PAGE_SIZE, GIB(2) - PAGE_SIZE};

        assert_true(host_guest_translate(0x40000000 + offsets[i], &pa));
        assert_int_equal(pa, 0x80000000 + offsets[i]);
    }
    /* the reserve is used up: nothing changes */
    assert_int_equal(stage2_drop(&stage2, &pool, IPA(0x40000000 + GIB(1))), ERR_NOMEM);
    assert_true(host_guest_translate(0x40000000 + GIB(1), &pa) && pa == 0x80000000 + GIB(1));
    assert_int_equal(stage2_drop(&stage2, &pool, IPA(0x40000000 + MIB(300) + PAGE_SIZE)), OK);
    assert_int_equal(stage2_drop(&stage2, &pool, IPA(UINT64_C(1) << 40)), ERR_RANGE);
}

static void fixed_ranges(void **state)
{
    struct domain_record *record;
    struct domain_map *maps;
    struct domain *domain;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    maps = (struct domain_map *)(uintptr_t)record->maps;
    maps[1] = (struct domain_map){IPA(0x9000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE};
    maps[2] = (struct domain_map){IPA(0xa000000), PA(HOST_RAM + MIB(5)), PAGE_SIZE, MAP_SHARED_READ};
    record->nr_maps = 3;
    record->stage2_reserve = 4;
    domain = machine_domain(record);
    machine_boot();
    for (unsigned i = 1; i < 3; i++) {
        assert_int_equal(physmap_place(domain, maps[i].ipa, PA(HOST_RAM + MIB(6)), PHYSMAP_WRITE), ERR_RANGE);
        assert_int_equal(physmap_remove(domain, maps[i].ipa, PA(0)), ERR_NOENT);
    }
    assert_int_equal(physmap_place(domain, IPA(GUEST_RAM + 8u), PA(HOST_RAM + MIB(6)), PHYSMAP_WRITE),
                     ERR_RANGE);
}

/* A page that the vCPU found invalid while it was being changed: tried again, not an abort. */
static void late_fault(void **state)
{
    struct vcpu *vcpu = start(1, 1, 4);

    (void)state;
    host_put("elr_el2", 0x500);
    host_put("vbar_el1", 0x1000);
    machine_store(vcpu, GUEST_RAM + PAGE_SIZE, 1);
    assert_int_equal(host_effective("elr_el2"), 0x500);
    machine_store(vcpu, HOLE.v, 1);
    assert_int_equal(host_effective("elr_el2"), 0x1200); /* a hole stays one */
}

static void shared_with_the_core(void **state)
{
    volatile uint8_t *page, *again;

    (void)state;
    machine_start(2);
    host_memory_set(HOST_RAM + MIB(5), "A", 1);
    host_memory_set(HOST_RAM + MIB(6), "B", 1);
    page = stage1_share(3, PA(HOST_RAM + MIB(5)));
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        assert_int_equal(*page, 'A');
    }
    host_on(0);
    again = stage1_share(3, PA(HOST_RAM + MIB(6)));
    assert_ptr_equal(page, again);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t pa;

        host_on(i);
        assert_int_equal(*page, 'B');
        assert_true(host_el2_translate(page, true, &pa));
    }
    host_on(0);
    stage1_unshare(3);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t pa;

        host_on(i);
        assert_false(host_el2_translate(page, false, &pa));
    }
}

#define BELL 0xc000000u

/* One store, one interrupt of the other domain. */
static void doorbells(void **state)
{
    static const struct domain_doorbell bells[] = {{IPA(BELL), PAGE_SIZE, 2, 40, 0},
                                                   {IPA(BELL + PAGE_SIZE), PAGE_SIZE, 2, 41, 0}};
    struct domain_record *record;
    struct vcpu *sender, *receiver;

    (void)state;
    machine_start(2);
    record = machine_record(1, 1);
    record->doorbells = bells;
    record->nr_doorbells = 2;
    machine_domain(record);
    record = machine_record(2, 1);
    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = 1;
    machine_domain(record);
    machine_boot();
    sender = &domains[0]->vcpus[0];
    receiver = &domains[1]->vcpus[0];
    machine_enable_ppi(receiver, 0);
    machine_store(receiver, record->gicd.v + 0x84, ~0u);       /* group 1 */
    machine_store(receiver, record->gicd.v + 0x104, 1u << 8);  /* enable SPI 40 */
    machine_store(receiver, record->gicd.v + 0xc08, 1u << 16); /* edge */
    assert_false(virq_deliverable(domains[1]->virq, receiver->virq));
    host_on(0);
    assert_int_equal(machine_load(sender, BELL), 0);
    machine_settle();
    assert_false(virq_deliverable(domains[1]->virq, receiver->virq));
    machine_store(sender, BELL + PAGE_SIZE, 1); /* another one */
    machine_settle();
    assert_false(virq_deliverable(domains[1]->virq, receiver->virq));
    machine_store(sender, BELL + 8u, 1);
    machine_settle();
    assert_true(virq_deliverable(domains[1]->virq, receiver->virq));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),           cmocka_unit_test(refused_copies),
        cmocka_unit_test(uncached_guest),   cmocka_unit_test(live_changes),
        cmocka_unit_test(blocks_are_split), cmocka_unit_test(fixed_ranges),
        cmocka_unit_test(late_fault),       cmocka_unit_test(shared_with_the_core),
        cmocka_unit_test(doorbells),
    };

    return cmocka_run_group_tests_name("guest_memory", tests, NULL, NULL);
}
