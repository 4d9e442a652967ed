// SPDX-License-Identifier: Apache-2.0
/* A page of its own that the domain grants itself, mapped and unmapped. Behind an SMMU, if it has devices
 * there, its devices' table changes with it. */
#include "guest.h"

#define MEMORY_OP      12
#define ADD_TO_PHYSMAP 7
#define GRANT_TABLE    1
#define GRANT_OP       20
#define MAP            0
#define UNMAP          1
#define HOST_MAP       2
#define DOMID_SELF     0x7ff0u
#define PERMIT_ACCESS  1
#define REFERENCE      8
#define PAGE           4096ul
#define HOLE           0x48000000ul /* nothing of the domain's */
#define WARM_UP        16

static uint8_t page[PAGE] __attribute__((aligned(4096)));

static struct {
    uint64_t host_addr;
    uint32_t flags, ref;
    uint16_t domid;
    int16_t status;
    uint32_t handle;
    uint64_t dev_bus_addr;
} map;

static struct {
    uint64_t host_addr, dev_bus_addr;
    uint32_t handle;
    int16_t status;
} unmap;

static inline uint64_t grant_op(uint64_t command, void *argument)
{
    register uint64_t x16 __asm__("x16") = GRANT_OP;
    register uint64_t x0 __asm__("x0") = command;
    register uint64_t x1 __asm__("x1") = (uint64_t)argument;
    register uint64_t x2 __asm__("x2") = 1;
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16)::"memory", "x3", "x4", "x17");
    return x0;
}

static bool grant(uint64_t domid)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, gfn;
    } place = {DOMID_SELF, 0, GRANT_TABLE, 0, (uint64_t)page / PAGE};
    static uint8_t granted[PAGE] __attribute__((aligned(4096)));
    uint64_t entry = PERMIT_ACCESS | domid << 16 | (uint64_t)granted / PAGE << 32;
    if (hypercall(MEMORY_OP, ADD_TO_PHYSMAP, (uint64_t)&place))
        return false;
    ((volatile uint64_t *)(void *)page)[REFERENCE] = entry;
    dsb();
    return true;
}

/* One pair; the time of that call of it. */
static uint32_t pair(bool of_map)
{
    isb();
    uint64_t begin = now();
    (void)grant_op(MAP, &map);
    uint64_t middle = now();
    unmap.handle = map.handle;
    isb();
    uint64_t again = now();
    (void)grant_op(UNMAP, &unmap);
    uint64_t end = now();
    return (uint32_t)(of_map ? middle - begin : end - again);
}

void bench_grants(uint32_t count)
{
    uint64_t domid = argument_number("domid", 1);
    map.host_addr = unmap.host_addr = HOLE;
    map.flags = HOST_MAP;
    map.ref = REFERENCE;
    map.domid = (uint16_t)domid;
    if (!grant(domid)) {
        print("PANIC no grant table\n");
        return;
    }
    for (uint32_t row = 0; row < 2; row++) {
        for (uint32_t i = 0; i < count + WARM_UP; i++) {
            uint32_t time = pair(row == 0);
            samples[i < WARM_UP ? 0 : i - WARM_UP] = time;
            if (map.status || unmap.status) {
                print("PANIC grants are refused\n");
                return;
            }
        }
        report(row == 0 ? "gnt_map" : "gnt_unmap", count);
    }
}
