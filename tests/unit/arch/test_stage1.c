/* SPDX-License-Identifier: Apache-2.0 */
/* EL2's own address space: windows and what boot maps and unmaps. */
#include "machine.h"

#include <string.h>

#include "arch/arm64/layout.h"
#include "arch/arm64/stage1.h"

#define PAGE_A (HOST_RAM + MIB(4))
#define PAGE_B (HOST_RAM + MIB(5))

static void window_is_another_page_each_time(void **state)
{
    uint8_t *window;

    (void)state;
    machine_start(1);
    window = window_map(host_pcpu->tables, 1, PA(PAGE_A), 2, WINDOW_WRITE);
    memset(window, 0xaa, 2 * PAGE_SIZE);
    window_unmap(host_pcpu->tables, 1, 2);
    window = window_map(host_pcpu->tables, 1, PA(PAGE_B), 2, WINDOW_WRITE);
    memset(window, 0xbb, 2 * PAGE_SIZE);
    window_unmap(host_pcpu->tables, 1, 2);
    window = window_map(host_pcpu->tables, 0, PA(PAGE_A), 2, WINDOW_READ);
    assert_int_equal(window[0], 0xaa);
    assert_int_equal(window[2 * PAGE_SIZE - 1u], 0xaa);
    window_unmap(host_pcpu->tables, 0, 2);
}

static void window_is_closed_at_once(void **state)
{
    const uint8_t *window;
    uint64_t pa;

    (void)state;
    machine_start(1);
    window = window_map(host_pcpu->tables, 0, PA(PAGE_A), 1, WINDOW_READ);
    assert_int_equal(window[0], 0);
    assert_true(host_el2_translate(window, false, &pa));
    assert_false(host_el2_translate(window, true, &pa));
    window_unmap(host_pcpu->tables, 0, 1);
    assert_false(host_el2_translate(window, false, &pa));
}

static void windows_are_private(void **state)
{
    const uint8_t *window;
    uint64_t pa;

    (void)state;
    machine_start(2);
    window = window_map(host_pcpu->tables, 0, PA(PAGE_A), 1, WINDOW_READ);
    host_on(1);
    assert_false(host_el2_translate(window, false, &pa));
    host_on(0);
    window_unmap(host_pcpu->tables, 0, 1);
}

static void clean_reaches_memory(void **state)
{
    uint8_t *window;

    (void)state;
    machine_start(1);
    window = window_map(host_pcpu->tables, 1, PA(PAGE_A), 1, WINDOW_WRITE);
    memset(window, 0x11, 200);
    cache_clean(window + 10, 190);
    assert_int_equal(host_memory(PAGE_A), 0x11);
    assert_int_equal(host_memory(PAGE_A + 199), 0x11);
    memset(window, 0x22, 200);
    assert_int_equal(host_memory(PAGE_A + 100), 0x11);
    cache_clean_invalidate(window + 100, 1);
    assert_int_equal(host_memory(PAGE_A + 100), 0x22);
    assert_int_equal(host_memory(PAGE_A + 10), 0x11);
    window_unmap(host_pcpu->tables, 1, 1);
}

static void device_registers(void **state)
{
    volatile uint8_t *regs, *more;
    uint64_t pa;

    (void)state;
    machine_start(2);
    regs = stage1_map_device(PA(0x9000010), 0x1000);
    assert_true(host_el2_translate(regs, true, &pa) && pa == 0x9000010);
    assert_true(host_el2_translate(regs + 0xfff, true, &pa) && pa == 0x900100f);
    more = stage1_map_device(PA(0xa000000), PAGE_SIZE);
    assert_true(host_el2_translate(more, true, &pa) && pa == 0xa000000);
    assert_null((void *)stage1_map_device(PA(0xb000000), MIB(4)));
    stage1_give_device_table(machine_alloc(PAGE_SIZE, PAGE_SIZE));
    regs = stage1_map_device(PA(0xb000000), MIB(2));
    assert_non_null((void *)regs);
    assert_true(host_el2_translate(regs + MIB(2) - 1u, true, &pa) && pa == 0xb1fffff);
}

static void blob(void **state)
{
    const uint8_t *at;
    uint64_t pa;

    (void)state;
    machine_start(1);
    assert_null(stage1_map_blob(PA(0x48000000 - 8u), MIB(8)));
    at = stage1_map_blob(PA(0x48000008), MIB(2));
    assert_true(host_el2_translate(at, false, &pa) && pa == 0x48000008);
    assert_true(host_el2_translate(at + MIB(2) - 1u, false, &pa) && pa == 0x48200007);
    assert_false(host_el2_translate(at, true, &pa));
    stage1_unmap_blob();
    assert_false(host_el2_translate(at, false, &pa));
    at = stage1_map_blob(PA(0x50000000), 64);
    assert_true(host_el2_translate(at, false, &pa) && pa == 0x50000000);
    stage1_unmap_blob();
}

/* What was touched before in what is cut off must be gone; the rest stays. */
static void heap_is_trimmed(void **state)
{
    uint8_t *heap = (uint8_t *)HEAP_VA;
    uint64_t pa;

    (void)state;
    machine_start(1);
    assert_ptr_equal(stage1_map_heap(PA(HOST_RAM), MIB(6)), heap);
    for (uint64_t at = 0; at < MIB(6); at += MIB(1)) {
        assert_true(host_el2_translate(heap + at, true, &pa) && pa == HOST_RAM + at);
    }
    stage1_trim_heap(MIB(2) + 2 * PAGE_SIZE, machine_alloc(PAGE_SIZE, PAGE_SIZE));
    assert_true(host_el2_translate(heap + MIB(1), true, &pa));
    assert_true(host_el2_translate(heap + MIB(2) + PAGE_SIZE, true, &pa) &&
                pa == HOST_RAM + MIB(2) + PAGE_SIZE);
    assert_false(host_el2_translate(heap + MIB(2) + 2 * PAGE_SIZE, true, &pa));
    assert_false(host_el2_translate(heap + MIB(3), true, &pa));
    assert_false(host_el2_translate(heap + MIB(5), true, &pa));
}

static void heap_is_trimmed_to_whole_blocks(void **state)
{
    uint64_t pa;

    (void)state;
    machine_start(1);
    stage1_map_heap(PA(HOST_RAM), MIB(4));
    assert_true(host_el2_translate((void *)(HEAP_VA + MIB(3)), true, &pa));
    stage1_trim_heap(MIB(2), machine_alloc(PAGE_SIZE, PAGE_SIZE));
    assert_true(host_el2_translate((void *)(HEAP_VA + MIB(1)), true, &pa));
    assert_false(host_el2_translate((void *)(HEAP_VA + MIB(3)), true, &pa));
}

/* On every pCPU, whether it had used the pages or not. */
static void boot_is_unmapped(void **state)
{
    extern char image_start[], boot_start[], boot_bss_start[];
    uint64_t image = IMAGE_VA, pa;
    uint64_t boot = image + (uint64_t)(boot_start - image_start),
             bss = image + (uint64_t)(boot_bss_start - image_start);

    (void)state;
    machine_start(2);
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        assert_true(host_el2_translate((void *)boot, false, &pa));
        assert_true(host_el2_translate((void *)bss, true, &pa));
    }
    host_on(0);
    stage1_unmap_boot(true, true);
    for (unsigned i = 0; i < 2; i++) {
        host_on(i);
        assert_false(host_el2_translate((void *)boot, false, &pa));
        assert_false(host_el2_translate((void *)(boot + PAGE_SIZE), false, &pa));
        assert_false(host_el2_translate((void *)bss, false, &pa));
        assert_true(host_el2_translate((void *)image, false, &pa));
        assert_true(host_el2_translate((void *)(boot + 2 * PAGE_SIZE), false, &pa));
        assert_true(host_el2_translate((void *)(boot - PAGE_SIZE), false, &pa));     /* the part for SMMUs */
        assert_true(host_el2_translate((void *)(boot - 2 * PAGE_SIZE), false, &pa)); /* for extensions */
    }
    host_on(0);
    stage1_unmap_boot(true, false);
    host_on(1);
    assert_false(host_el2_translate((void *)(boot - PAGE_SIZE), false, &pa));
    assert_true(host_el2_translate((void *)(boot - 2 * PAGE_SIZE), false, &pa));
    host_on(0);
    stage1_unmap_boot(false, true);
    host_on(1);
    assert_false(host_el2_translate((void *)(boot - 2 * PAGE_SIZE), false, &pa));
    assert_true(host_el2_translate((void *)image, false, &pa));
}

static void stacks_have_guards(void **state)
{
    uint8_t *memory, *top;
    uint64_t pa;

    (void)state;
    machine_start(2);
    memory = machine_alloc(STACK_SIZE, PAGE_SIZE);
    top = stage1_map_stack(3, memory);
    assert_true(host_el2_translate(top - 1, true, &pa) && pa == stage1_pa(memory).v + STACK_SIZE - 1u);
    assert_true(host_el2_translate(top - STACK_SIZE, true, &pa) && pa == stage1_pa(memory).v);
    assert_false(host_el2_translate(top - STACK_SIZE - 1, true, &pa));
    assert_false(host_el2_translate(top, true, &pa));
}

/* Another pCPU starts with its tables at once: what it walks was published. */
static void clone_is_seen_by_others(void **state)
{
    struct stage1_tables *tables;
    uint64_t pa;

    (void)state;
    machine_start(1);
    tables = machine_alloc(sizeof *tables, PAGE_SIZE);
    pa = stage1_clone(tables).v;
    assert_int_equal(pa, stage1_pa(tables).v);
    assert_ptr_equal(stage1_pointer(PA(pa)), tables);
    host_on(1);
    host_put("ttbr0_el2", pa);
    assert_true(host_el2_translate((void *)HEAP_VA, true, &pa) && pa == HOST_RAM);
    assert_true(host_el2_translate((void *)IMAGE_VA, true, &pa));
    assert_false(host_el2_translate((void *)WINDOW_VA, false, &pa));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_is_another_page_each_time),
        cmocka_unit_test(window_is_closed_at_once),
        cmocka_unit_test(windows_are_private),
        cmocka_unit_test(clean_reaches_memory),
        cmocka_unit_test(device_registers),
        cmocka_unit_test(blob),
        cmocka_unit_test(heap_is_trimmed),
        cmocka_unit_test(heap_is_trimmed_to_whole_blocks),
        cmocka_unit_test(boot_is_unmapped),
        cmocka_unit_test(stacks_have_guards),
        cmocka_unit_test(clone_is_seen_by_others),
    };

    return cmocka_run_group_tests_name("stage1", tests, NULL, NULL);
}
