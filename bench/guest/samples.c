// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

uint32_t samples[MAX_SAMPLES];

static void sort(uint32_t count)
{
    static const uint16_t gaps[] = {4193, 1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (uint32_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
        for (uint32_t i = gaps[g]; i < count; i++) {
            uint32_t value = samples[i], j = i;
            for (; j >= gaps[g] && samples[j - gaps[g]] > value; j -= gaps[g])
                samples[j] = samples[j - gaps[g]];
            samples[j] = value;
        }
    }
}

void report(const char *name, uint32_t count)
{
    if (!count)
        return;
    sort(count);
    print("R ");
    print(name);
    print_field("n", count);
    print_field("min", samples[0]);
    print_field("median", samples[count / 2]);
    print_field("p99", samples[(uint64_t)count * 99 / 100]);
    print_field("max", samples[count - 1]);
    print("\n");
}
