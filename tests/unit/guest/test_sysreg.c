/* SPDX-License-Identifier: Apache-2.0 */
/* System registers that trap: every encoding, identification, cache maintenance by set and way. */
#include "machine.h"

#include "base/bits.h"
#include "guest/arm64/id_registers.h"
#include "guest/arm64/set_way.h"
#include "guest/arm64/trap.h"

#define REG(op0, op1, crn, crm, op2)                                                                 \
    ((uint32_t)(op0) << 20 | (uint32_t)(op2) << 17 | (uint32_t)(op1) << 14 | (uint32_t)(crn) << 10 | \
     (uint32_t)(crm) << 1)
#define READ    1u
#define RT(n)   ((uint32_t)(n) << 5)
#define DC_CISW REG(1, 0, 7, 14, 2)
#define SCTLR   REG(3, 0, 1, 0, 0)

static struct vcpu *guest(void)
{
    machine_start(1);
    machine_domain(machine_record(1, 1));
    machine_boot();
    return host_pcpu->current;
}

enum want { UNDEFINED, ZERO_AND_IGNORED, ID, WRITE_ONLY };

static bool debug(unsigned op0, unsigned op1)
{
    return op0 == 2 && op1 != 1;
}

/* As the tables of the architecture list them, not as the code decides it. */
static enum want expected(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
    uint32_t reg = REG(op0, op1, crn, crm, op2);

    if (op0 == 3 && op1 == 0 && crn == 0 && crm >= 1 && crm <= 7) {
        return ID;
    }
    if (reg == REG(3, 0, 12, 11, 5) || reg == REG(3, 0, 12, 11, 6) || reg == REG(3, 0, 12, 11, 7) ||
        reg == REG(3, 0, 12, 11, 1)) {
        return WRITE_ONLY; /* ICC_SGI1R, ASGI1R, SGI0R, DIR */
    }
    if (debug(op0, op1) || reg == REG(3, 0, 1, 0, 1)) {
        return ZERO_AND_IGNORED;
    }
    if (op0 == 3 &&
        ((op1 == 0 && crn == 9 && crm >= 12 && crm <= 14) ||
         (op1 == 3 && crn == 9 && crm >= 12 && crm <= 14) || (op1 == 3 && crn == 14 && crm >= 8))) {
        return ZERO_AND_IGNORED;
    }
    return UNDEFINED;
}

static void check(struct vcpu *vcpu, uint32_t reg, enum want want, bool read)
{
    bool done;

    host_put("elr_el2", 0x100);
    vcpu->x[3] = 0x5555;
    done = sysreg_access(vcpu, reg | RT(3) | (read ? READ : 0));
    if (done != (want == ZERO_AND_IGNORED || (want == ID && read) || (want == WRITE_ONLY && !read))) {
        host_fail("register 0x%x, %s: %u", reg, read ? "read" : "write", done);
    }
    host_eret();
    assert_int_equal(host_effective("elr_el2"), done ? 0x104 : 0x100);
    if (read && want == ZERO_AND_IGNORED) {
        assert_int_equal(vcpu->x[3], 0);
    } else if (!read || want != ID) {
        assert_int_equal(vcpu->x[3], 0x5555);
    }
}

static void every_encoding(void **state)
{
    struct vcpu *vcpu = guest();

    (void)state;
    for (uint32_t n = 0; n < 2u << 14; n++) { /* op0 2 and 3 */
        unsigned op0 = 2u + n / (1u << 14), op1 = n / (1u << 11) % 8u, crn = n / (1u << 7) % 16u,
                 crm = n / 8u % 16u, op2 = n % 8u;
        enum want want = expected(op0, op1, crn, crm, op2);

        check(vcpu, REG(op0, op1, crn, crm, op2), want, true);
        check(vcpu, REG(op0, op1, crn, crm, op2), want, false);
    }
}

static uint64_t id(unsigned crm, unsigned op2)
{
    uint64_t value = 0x1234;

    assert_true(id_register(REG(3, 0, 0, crm, op2), &value));
    return value;
}

/* A core that has everything: what is not virtualised is not shown. */
static void identification(void **state)
{
    static const char *const names[] = {
        "id_aa64pfr0_el1",  "id_aa64pfr1_el1",  "id_aa64mmfr0_el1", "id_aa64mmfr1_el1", "s3_0_c0_c7_2",
        "id_aa64isar0_el1", "id_aa64isar1_el1", "s3_0_c0_c6_2",     "id_aa64dfr0_el1",  "id_pfr0_el1"};

    (void)state;
    machine_start(1);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        host_set(names[i], UINT64_C(0x1111111111111111));
    }
    host_set("id_aa64pfr0_el1", UINT64_C(0x3111112111112222));
    assert_int_equal(FIELD(id(4, 0), 3, 0), 2);   /* EL0: both */
    assert_int_equal(FIELD(id(4, 0), 7, 4), 1);   /* EL1: AArch64 only, or what the core has with that bit */
    assert_int_equal(FIELD(id(4, 0), 15, 8), 0);  /* no EL2, no EL3 */
    assert_int_equal(FIELD(id(4, 0), 27, 24), 1); /* GIC system registers */
    assert_int_equal(FIELD(id(4, 0), 35, 28), 0); /* no RAS, no SVE */
    assert_int_equal(FIELD(id(4, 0), 47, 40), 0); /* no MPAM, no AMU */
    assert_int_equal(FIELD(id(4, 0), 59, 56), 1); /* CSV2, not CSV2_2 */
    gic_version = 2;
    assert_int_equal(FIELD(id(4, 0), 27, 24), 0);
    assert_int_equal(id(4, 1), 0x11);     /* no MTE, no RAS fraction, no SME */
    assert_int_equal(id(5, 0), 0x101006); /* two breakpoints and watchpoints; no PMU, no trace, no SPE */
    assert_int_equal(FIELD(id(7, 1), 11, 8), 0);  /* no VHE */
    assert_int_equal(FIELD(id(7, 1), 19, 16), 0); /* no LORegions */
    assert_int_equal(FIELD(id(7, 2), 27, 24), 0); /* no nested virtualisation */
    assert_int_equal(id(6, 0), UINT64_C(0x1111111111111111));
    assert_int_equal(id(1, 0), UINT64_C(0x1111111111111111));
    assert_int_equal(id(3, 7), 0);
    assert_int_equal(id(6, 7), 0);
    for (unsigned crm = 1; crm <= 7; crm++) {
        for (unsigned op2 = 0; op2 < 8; op2++) {
            (void)id(crm, op2);
        }
    }
    for (unsigned bit = 0; bit < 25; bit++) { /* nothing else is taken for one */
        uint64_t value;
        uint32_t reg = REG(3, 0, 0, 4, 0) ^ 1u << bit;
        bool is = reg == (reg & (REG(3, 0, 0, 15, 7))) && (reg >> 20) == 3u && FIELD(reg, 4, 1) >= 1 &&
                  FIELD(reg, 4, 1) <= 7 && reg % 2u == 0;

        assert_int_equal(id_register(reg, &value), is);
    }
}

/* The guest's caches are written back and emptied, in slices, whatever set or way it names. */
static void set_and_way(void **state)
{
    struct vcpu *vcpu = guest();
    unsigned slices = 0;

    (void)state;
    for (uint64_t at = 0; at < GUEST_SIZE; at += 1000) {
        host_guest_write(GUEST_RAM + at, (uint8_t)(at / 1000u), true);
    }
    do {
        host_put("elr_el2", 0x100);
        assert_true(sysreg_access(vcpu, DC_CISW | RT(0)));
        host_eret();
        slices++;
    } while (host_effective("elr_el2") == 0x100);
    assert_int_equal(slices, GUEST_SIZE / KIB(16) + 1u);
    for (uint64_t at = 0; at < GUEST_SIZE; at += 1000) {
        assert_int_equal(host_guest_read(GUEST_RAM + at, false), (uint8_t)(at / 1000u));
    }
    assert_true((host_effective("hcr_el2") & HCR_TVM) != 0);
    host_put("elr_el2", 0x100);
    assert_true(sysreg_access(vcpu, DC_CISW | RT(0))); /* the rest of the guest's loop is free */
    host_eret();
    assert_int_equal(host_effective("elr_el2"), 0x104);
}

static void change_of_caches(void **state)
{
    static const struct {
        uint32_t reg;
        const char *name;
    } passed[] = {{REG(3, 0, 2, 0, 0), "ttbr0_el1"},
                  {REG(3, 0, 2, 0, 1), "ttbr1_el1"},
                  {REG(3, 0, 2, 0, 2), "tcr_el1"},
                  {REG(3, 0, 5, 1, 0), "afsr0_el1"},
                  {REG(3, 0, 5, 1, 1), "afsr1_el1"},
                  {REG(3, 0, 5, 2, 0), "esr_el1"},
                  {REG(3, 0, 6, 0, 0), "far_el1"},
                  {REG(3, 0, 10, 2, 0), "mair_el1"},
                  {REG(3, 0, 10, 3, 0), "amair_el1"},
                  {REG(3, 0, 13, 0, 1), "contextidr_el1"},
                  {SCTLR, "sctlr_el1"}};
    struct vcpu *vcpu = guest();
    unsigned slices = 0;

    (void)state;
    vcpu->x[5] = 0x1000;
    assert_int_equal(set_way_register(vcpu, REG(3, 0, 4, 0, 0), 0), TVM_NOT_MINE);
    while (!set_way_trapped(vcpu)) {
        slices++;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(passed); i++) {
        assert_true(sysreg_access(vcpu, passed[i].reg | RT(5)));
        host_eret();
        assert_int_equal(host_effective(passed[i].name), 0x1000);
    }
    assert_false(sysreg_access(vcpu, REG(3, 0, 4, 0, 0) | RT(5)));
    host_guest_write(GUEST_RAM + 777, 0x77, true);
    vcpu->x[5] = 4; /* caches on */
    for (slices = 0; host_effective("sctlr_el1") != 4; slices++) {
        assert_true(sysreg_access(vcpu, SCTLR | RT(5)));
        host_eret();
    }
    assert_int_equal(slices, GUEST_SIZE / KIB(16) + 1u);
    assert_int_equal(host_guest_read(GUEST_RAM + 777, false), 0x77);
    assert_int_equal(host_effective("hcr_el2") & HCR_TVM, 0); /* on: nobody watches any more */
    assert_false(vcpu->sweep.watching);
}

/* The other exceptions from a guest. */
static void exception_classes(void **state)
{
    struct vcpu *vcpu = guest();
    static const unsigned undefined[] = {0, 3, 0x0c, 0x18, 0x19, 0x2f, 0x3c};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(undefined); i++) {
        host_put("elr_el2", 0x100);
        host_put("esr_el1", 0);
        machine_end(trap_sync(vcpu, (uint64_t)undefined[i] << 26 | BIT(25)));
        assert_int_equal(host_effective("esr_el1"), BIT(25));
        assert_int_equal(host_effective("elr_el1"), 0x100);
    }
    host_put("elr_el2", 0x104); /* HVC: the pc is behind it */
    machine_end(trap_hvc(vcpu, 77));
    assert_int_equal(host_effective("elr_el1"), 0x100);
    vcpu->x[0] = 3;
    machine_end(trap_hvc(vcpu, 0xea1));
    assert_int_equal((int64_t)vcpu->x[0], -38);
    host_put("elr_el2", 0x100);
    machine_end(trap_sync(vcpu, (uint64_t)EC_SMC64 << 26 | 1u));
    assert_int_equal(host_effective("elr_el1"), 0x100);
    host_put("elr_el2", 0x100);
    vcpu->x[0] = 0x84000000u;
    machine_end(trap_sync(vcpu, (uint64_t)EC_SMC64 << 26));
    assert_int_equal(host_effective("elr_el2"), 0x104);
    assert_int_equal(vcpu->x[0], 0x10001);
    host_put("esr_el1", 0);
    machine_end(trap_sync(vcpu, (uint64_t)EC_FP << 26)); /* a pCPU that is not shared: not trapped for us */
    assert_int_equal(host_effective("esr_el1"), BIT(25));
    machine_end(trap_serror(vcpu));
    assert_int_equal(vcpu->domain->incarnation, 2);
    assert_true(machine_said("SError"));
    assert_true(machine_said("DOM1 crashed, restarting"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding),    cmocka_unit_test(identification),
        cmocka_unit_test(set_and_way),       cmocka_unit_test(change_of_caches),
        cmocka_unit_test(exception_classes),
    };

    return cmocka_run_group_tests_name("sysreg", tests, NULL, NULL);
}
