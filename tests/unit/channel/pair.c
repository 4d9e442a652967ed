/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "pair.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t pages(uint64_t region)
{
    return (region + 4095u) / 4096u * 4096u;
}

static unsigned char *map_one(int file, uint64_t region, int protection)
{
    unsigned char *all = mmap(NULL, pages(region) + 8192u, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *middle;

    assert(all != MAP_FAILED);
    middle = mmap(all + 4096, pages(region), protection, MAP_SHARED | MAP_FIXED, file, 0);
    assert(middle == all + 4096);
    return all + 4096 + (pages(region) - region);
}

static void unmap_one(const void *region_start, uint64_t region)
{
    const unsigned char *start = region_start;

    munmap((void *)(start - (pages(region) - region) - 4096), pages(region) + 8192u);
}

void pair_create(struct pair *pair, uint64_t region)
{
    pair->region = region;
    for (unsigned i = 0; i < 2; i++) {
        int file = memfd_create("channel", 0);

        assert(file >= 0 && ftruncate(file, (off_t)pages(region)) == 0);
        pair->tx[i] = (void *)map_one(file, region, PROT_READ | PROT_WRITE);
        pair->rx[1 - i] = (void *)map_one(file, region, PROT_READ);
        close(file);
    }
}

void pair_destroy(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        unmap_one(pair->tx[i], pair->region);
        unmap_one(pair->rx[i], pair->region);
    }
}

void pair_open(struct pair *pair, unsigned side, uint32_t flags)
{
    enum bh_channel_status status =
        bh_channel_open(&pair->side[side], pair->tx[side], pair->rx[side], pair->region, flags);

    assert(status == BH_CHANNEL_OK);
    (void)status;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return (random_next(state) >> 16) % limit;
}

uint64_t random_seed(const char *test, uint64_t otherwise)
{
    const char *given = getenv("CHANNEL_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : otherwise;

    printf("%s: CHANNEL_SEED=0x%llx\n", test, (unsigned long long)seed);
    fflush(stdout);
    return seed ? seed : 1;
}
