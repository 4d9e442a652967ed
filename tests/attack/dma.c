// SPDX-License-Identifier: Apache-2.0
/* DMA of a device that its driver directs at memory of others, and a neighbour that looks whether it arrives.
 * The attacker judges nothing but its own memory: the harness knows whether an SMMU stands in between. */
#include "pci.h"

#define STRAY 0x57a757a757a757a7ull
#define WORDS 64u
#define BYTES 4u /* a fault each */

static uint64_t buffer[512] __attribute__((aligned(4096)));
static struct edu edu;

static bool arm(uint64_t value)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(buffer); i++) {
        buffer[i] = value;
    }
    return edu_copy(&edu, (uint64_t)buffer, sizeof(buffer), false);
}

/* The control: the device reaches the memory of its own domain, both ways. */
TEST(dma_own)
{
    CHECK(edu_find(&edu), "no edu device");
    CHECK(arm(STRAY), "no end of a transfer");
    memset(buffer, 0, sizeof(buffer));
    CHECK(edu_copy(&edu, (uint64_t)buffer, sizeof(buffer), true), "no end of a transfer");
    for (uint32_t i = 0; i < ARRAY_SIZE(buffer); i++) {
        EXPECT_EQ(buffer[i], STRAY, "word");
    }
}

/* Reads the addresses key0=, key1= and so on, after writing to them if told to. 0 comes back where nothing
 * was read. */
static void attack(char *key, bool write)
{
    uint32_t attempts = 0, seen = 0;
    char *digit = key + strlen(key) - 1;

    CHECK(edu_find(&edu), "no edu device");
    delay_us(arg_number("delay-us", 200000));
    for (; *digit <= '9' && arg_number(key, 0) != 0; (*digit)++, attempts++) {
        uint64_t at = arg_number(key, 0), before;

        CHECK(arm(STRAY) && (!write || edu_copy(&edu, at, BYTES, true)), "no end of a write to 0x%lx", at);
        CHECK(arm(0) && edu_copy(&edu, at, BYTES, false), "no end of a read of 0x%lx", at);
        buffer[0] = 0;
        CHECK(edu_copy(&edu, (uint64_t)buffer, BYTES, true), "no end of a transfer");
        before = read64((uint64_t)buffer);
        seen += before != 0;
        print("DMA 0x%lx reads 0x%lx\n", at, before);
    }
    test_figure("attempts", attempts);
    test_figure("read", seen);
}

TEST(dma_attack)
{
    attack((char[]){"at0"}, true);
}

TEST(dma_peek)
{
    attack((char[]){"peek0"}, false);
}

/* The neighbour: counts the words of `watched` that change within ms=. It prints where they lie in the
 * domain.
 */
static uint64_t watched[WORDS] __attribute__((aligned(4096)));

TEST(dma_victim)
{
    uint64_t end = now() + us_to_ticks(arg_number("ms", 3000) * 1000);
    uint32_t changed = 0;

    for (uint32_t i = 0; i < WORDS; i++) {
        watched[i] = i * 0x0101010101010101ull;
    }
    print("WATCH 0x%lx\n", (uint64_t)watched);
    while (now() < end) {
        delay_us(10000);
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        changed += read64((uint64_t)&watched[i]) != i * 0x0101010101010101ull;
    }
    test_figure("changed", changed);
}

/* Leaves a transfer on its way and asks for a reset. In its next life it looks whether that arrives before it
 * lets the device do DMA again. */
TEST(dma_leave)
{
    uint32_t changed = 0;

    memset(buffer, 0x11, sizeof(buffer));
    delay_us(arg_number("watch", 300000));
    for (uint32_t i = 0; i < ARRAY_SIZE(buffer); i++) {
        changed += read64((uint64_t)&buffer[i]) != 0x1111111111111111ull;
    }
    print("LIFE found %u\n", changed);
    CHECK(edu_find(&edu) && arm(STRAY), "no end of a transfer");
    edu_begin(&edu, (uint64_t)buffer, sizeof(buffer), true);
    system_reset();
}
