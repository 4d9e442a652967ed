/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <stdbool.h>

#include "runtime/arch.h"
#include "runtime/crash.h"

#define PATTERN UINT64_C(0xdeadc0dedeadc0de)
#define PAGE    UINT64_C(4096)
#define ADDRESS UINT64_C(0x0000fffffffff000)
enum { STACK = 4096, ENTRIES = 512, MAX_FRAMES = 16 };
/* Behind the GIC's distributor, in the 2 MiB that the runtime maps for it. */
static const uintptr_t outside = 0x81f0000;

extern uint8_t _start[], bss_begin[], image_end[];
static uintptr_t heap_end;

void fault_object(const void *object, uint64_t size)
{
    uintptr_t end = (uintptr_t)object + size;

    heap_end = end > heap_end ? end : heap_end;
}

static void fill(uintptr_t from, uintptr_t end)
{
    for (uintptr_t at = from; at < end; at += 8) {
        *(volatile uint64_t *)at = PATTERN;
    }
}

/* Translation tables are not touched: what they would map then is anybody's guess. */
static bool is_table(uintptr_t page)
{
    const uint64_t *root = (const uint64_t *)(uintptr_t)(READ_SYSREG(ttbr0_el1) & ADDRESS);

    if (page == (uintptr_t)root) {
        return true;
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        const uint64_t *middle = (const uint64_t *)(uintptr_t)(root[i] & ADDRESS);

        if (root[i] % 4 != 3) {
            continue;
        }
        if (page == (uintptr_t)middle) {
            return true;
        }
        for (uint32_t j = 0; j < ENTRIES; j++) {
            if (middle[j] % 4 == 3 && page == (middle[j] & ADDRESS)) {
                return true;
            }
        }
    }
    return false;
}

static void damage_objects(void)
{
    for (uintptr_t page = (uintptr_t)image_end; page < heap_end; page += PAGE) {
        if (!is_table(page)) {
            fill(page, page + PAGE < heap_end ? page + PAGE : heap_end);
        }
    }
}

_Noreturn static void hang(void)
{
    for (;;) {
        __asm__ volatile("");
    }
}

/* Return addresses only: what else lies on the stack is on its way to where others see it. */
static void damage_stack(uint64_t address)
{
    uint64_t *record = __builtin_frame_address(0);

    for (uint32_t i = 0; i < MAX_FRAMES && (uintptr_t)record >= (uintptr_t)bss_begin &&
                         (uintptr_t)record < (uintptr_t)bss_begin + STACK;
         i++) {
        uint64_t *next = (uint64_t *)(uintptr_t)record[0];

        if (i > 1) { /* fault() itself returns */
            record[1] = address;
        }
        record = next;
    }
}

__attribute__((noinline)) void fault(enum fault kind)
{
    switch (kind) {
    case FAULT_UNDEFINED:
        __asm__ volatile("udf #0");
        break;
    case FAULT_LOOP:
        hang();
    case FAULT_TEXT:
        write32((uintptr_t)_start, 0);
        break;
    case FAULT_NOWHERE:
        write32((uintptr_t)PATTERN, 0);
        break;
    case FAULT_OUTSIDE:
        write32(outside, 0);
        break;
    case FAULT_VARIABLES:
        fill((uintptr_t)bss_begin + STACK, (uintptr_t)image_end);
        return;
    case FAULT_OBJECTS:
        damage_objects();
        return;
    case FAULT_STACK:
        damage_stack(PATTERN);
        return;
    case FAULT_RETURN:
        damage_stack((uintptr_t)hang);
        return;
    default:
        break;
    }
    crash("this store should have been its end", "");
}
