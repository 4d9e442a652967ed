// SPDX-License-Identifier: Apache-2.0
/* DMA of a device that its driver directs at memory of others, and a neighbour that looks whether it arrives.
 * The attacker judges nothing but its own memory: the harness knows whether an SMMU stands in between. */
#include "pci.h"

#define STRAY 0x57a757a757a757a7ull
#define WORDS 64u

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

/* Writes 8 bytes to at0=, at1= and so on, and reads them: what comes back is 0 where nothing was read. */
TEST(dma_attack)
{
    char key[4] = "at0";
    uint32_t attempts = 0, seen = 0;

    CHECK(edu_find(&edu), "no edu device");
    delay_us(arg_number("delay-us", 200000));
    for (; key[2] <= '9' && arg_number(key, 0) != 0; key[2]++, attempts++) {
        uint64_t at = arg_number(key, 0), before;

        CHECK(arm(STRAY) && edu_copy(&edu, at, 8, true), "no end of a write to 0x%lx", at);
        CHECK(arm(0) && edu_copy(&edu, at, 8, false), "no end of a read of 0x%lx", at);
        buffer[0] = 0;
        CHECK(edu_copy(&edu, (uint64_t)buffer, 8, true), "no end of a transfer");
        before = read64((uint64_t)buffer);
        seen += before != 0;
        print("DMA 0x%lx reads 0x%lx\n", at, before);
    }
    test_figure("attempts", attempts);
    test_figure("read", seen);
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

/* Leaves a transfer to at= on its way, and crashes. In its next life it looks whether it arrived. */
TEST(dma_leave)
{
    uint64_t at = arg_number("at", (uint64_t)buffer);
    uint32_t changed = 0;

    CHECK(edu_find(&edu), "no edu device");
    if (read64((uint64_t)buffer) == 0) { /* RAM is scrubbed between two lives */
        print("LIFE begins\n");
    }
    memset(buffer, 0x11, sizeof(buffer));
    delay_us(arg_number("watch", 300000));
    for (uint32_t i = 0; i < ARRAY_SIZE(buffer); i++) {
        changed += read64((uint64_t)&buffer[i]) != 0x1111111111111111ull;
    }
    print("LIFE found %u\n", changed);
    CHECK(arm(STRAY), "no end of a transfer");
    memset(buffer, 0, sizeof(buffer));
    edu_begin(&edu, at, sizeof(buffer), true);
    if (arg_is("end", "stay")) {
        delay_us(300000);
        for (uint32_t i = 0; i < ARRAY_SIZE(buffer); i++) {
            changed += read64((uint64_t)&buffer[i]) == STRAY;
        }
        test_figure("arrived", changed);
        return;
    }
    system_reset();
}
