/* SPDX-License-Identifier: Apache-2.0 */
/* A backend that serves nobody, and reaches for what it should not see of its frontend: in each life one
 * place, at which it dies. Its own translation has them all. What it has tried is counted in the memory that
 * it does see, which is the control: it holds in the next life what this one has written. "PEEK" begins each
 * line. */
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/hypercall.h"
#include "runtime/log.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { PAGE = 4096 };
#define MARK UINT64_C(0x5045454b00000000)

void domain_start(void)
{
    tree_node node = tree_find(TREE_NONE, "bulkhead,frontend-v1");
    uint64_t window = tree_number(node, "bulkhead,windows", 4, 2, 0);
    uint64_t size = tree_number(node, "bulkhead,windows", 2, 2, 0);
    const uint64_t places[] = {
        window - PAGE,        window - 1,        window + size,
        window + size + PAGE, window + 2 * size, window + (1u << 30),
    };
    const uint32_t nr = sizeof places / sizeof places[0];
    volatile uint64_t *count;
    uint64_t tried;

    if (node == TREE_NONE || window == 0) {
        crash("there is no window", "");
    }
    memory_map(window, size, MEMORY_NORMAL);
    for (uint32_t i = 0; i < nr; i++) {
        memory_map(places[i], 1, MEMORY_NORMAL);
    }
    while (serve((uint16_t)tree_number(node, "bulkhead,domid", 0, 1, 0),
                 (uint16_t)tree_number(node, "bulkhead,server", 0, 1, 0), 1) != 0) {
    }
    count = (volatile uint64_t *)(uintptr_t)(window + size - PAGE);
    tried = *count - MARK <= 2 * nr ? *count - MARK : 0;
    log_line("PEEK sees its window, %u tried", tried);
    if (tried < 2 * nr) {
        volatile uint8_t *place = (volatile uint8_t *)(uintptr_t)places[tried / 2];

        *count = MARK + tried + 1;
        log_line("PEEK tries %x", places[tried / 2]);
        if (tried % 2 == 0) {
            tried = *place;
        } else {
            *place = 0;
        }
        log_line("PEEK REACHED it");
    }
    log_line("PEEK has tried all");
    for (;;) {
        __asm__ volatile("wfi");
    }
}
