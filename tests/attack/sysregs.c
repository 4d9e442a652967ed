// SPDX-License-Identifier: Apache-2.0
/* Every encoding of the system instruction space that EL1 can execute, read and written. */
#include "guest.h"

static uint32_t code[16] __attribute__((aligned(64)));
static uint64_t attempts, undefined;

static void plant(uint32_t instruction)
{
    code[0] = instruction;
    code[1] = 0xd65f03c0; /* ret */
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code) : "memory");
}

/* x0 in, x0 out. */
static bool execute(uint32_t instruction, uint64_t *x0)
{
    uint64_t (*fn)(uint64_t) = (uint64_t (*)(uint64_t))(uintptr_t)code;
    plant(instruction);
    fault_expect();
    uint64_t v = fn(*x0);
    bool fine = fault_taken(NULL) == 0;
    attempts++;
    undefined += !fine;
    *x0 = v;
    return fine;
}

/* op0 1..3, op1, CRn, CRm, op2 packed as in the instruction, from bit 5 on. */
static uint32_t mrs(uint32_t encoding)
{
    return 0xd5200000 | encoding << 5;
}
static uint32_t msr(uint32_t encoding)
{
    return 0xd5000000 | encoding << 5;
}

/* What would end the guest itself, not anybody else: its own translation and vectors, taken while it needs
 * them. */
static bool own_footing(uint32_t op1, uint32_t crn, uint32_t crm)
{
    return op1 == 0 &&
           ((crn == 1 && crm == 0) || crn == 2 || crn == 10 || (crn == 12 && crm == 0) || crn == 4);
}

TEST(attack_sysregs)
{
    if (!is_domain()) {
        test_skip("EL1 of the bare machine may do all of this");
        return;
    }
    attempts = undefined = 0;
    uint64_t daif = sysreg_read(daif);
    for (uint32_t encoding = 2u << 14; encoding < 4u << 14; encoding++) {
        uint32_t op1 = encoding / (1u << 11) % 8, crn = encoding / 128 % 16, crm = encoding / 8 % 16;
        uint64_t value = 0;
        bool readable = execute(mrs(encoding), &value);
        uint64_t kept = value;
        /* EL1's own registers get their value back; others, and those that cannot be read, get a hostile one.
         */
        if (own_footing(op1, crn, crm)) {
            if (readable) {
                (void)execute(msr(encoding), &kept);
            }
            continue;
        }
        uint64_t evil = readable && (op1 == 0 || op1 == 3) ? kept : ~0ull;
        if (!readable && (op1 == 0 || op1 == 3)) {
            evil = 0;
        }
        (void)execute(msr(encoding), &evil);
    }
    sysreg_write(daif, daif);
    test_figure("attempts", attempts);
    test_figure("undefined", undefined);
    EXPECT(undefined > attempts / 2, "only %lu of %lu are undefined", undefined, attempts);
}

/* SYS and SYSL: cache and TLB maintenance, address translation, everything by encoding, with an address of
 * its own. */
TEST(attack_sys)
{
    static uint64_t mine[8] __attribute__((aligned(64)));
    if (!is_domain()) {
        test_skip("EL1 of the bare machine may do all of this");
        return;
    }
    attempts = undefined = 0;
    for (uint32_t encoding = 1u << 14; encoding < 2u << 14; encoding++) {
        uint64_t x0 = (uint64_t)mine;
        uint32_t op1 = encoding / (1u << 11) % 8, crn = encoding / 128 % 16, crm = encoding / 8 % 16;
        bool set_way = op1 == 0 && crn == 7 && (crm == 6 || crm == 10 || crm == 14);
        if (set_way && encoding % 8 != 1) {
            x0 = 0; /* by set and way: set 0 of level 1 */
        }
        (void)execute(msr(encoding), &x0);
        x0 = 0;
        (void)execute(mrs(encoding), &x0);
    }
    test_figure("attempts", attempts);
    test_figure("undefined", undefined);
}
