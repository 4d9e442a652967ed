// SPDX-License-Identifier: Apache-2.0
/* Every hypercall that takes a structure, with every kind of pointer that does not lead to one: it returns
 * -EFAULT and nothing has changed. The controls: the same structure at good places, of which one lies across
 * two pages that are not neighbours, one is misaligned, and one is reached through TTBR1, as a kernel's
 * addresses are. */
#include "guest.h"

#define PAGE       4096ul
#define SELF       0x7ff0u
#define OWN        1u
#define GRANTS     0x38000000ul
#define READ_ONLY  0x38100000ul /* a grant of this domain's own page, mapped for reading */
#define HOLE       0x39900000ul
#define EFAULT     (-14)
#define LONGEST    1024u
#define LOW        (1ul << 40)            /* the tables of this test: entry 2 of level 0 */
#define HIGH       (0xfffful << 48 | LOW) /* the same tables under TTBR1 */
#define ATTRIBUTES (1u << 10 | 3u << 8)   /* AF, inner shareable */
#define USER_CODE  (3u << 6)              /* read-only, for EL0 too */

extern uint64_t mmu_l0[512], mmu_tcr;
extern bool (*lower_hook)(struct frame *frame, uint64_t esr);

/* Pages of the window at LOW. */
enum { FIRST, SECOND, NOTHING, THIRD, STAGE1_READ_ONLY, AFTER_IT, TO_HOLE, BEFORE_DEVICE, TO_DEVICE, CODE };

static uint8_t ram[4 * PAGE] __attribute__((aligned(4096)));
static uint32_t code[PAGE / 4] __attribute__((aligned(4096)));
static uint64_t level1[512] __attribute__((aligned(4096))), level2[512] __attribute__((aligned(4096))),
    level3[512] __attribute__((aligned(4096)));

struct call {
    const char *name;
    uint8_t number, command;
    uint8_t in_x2;     /* the pointer; then x1 is `other` */
    uint8_t writes;    /* something is written back */
    uint16_t size;     /* of the structure */
    uint16_t other;    /* x1, or x2 if the pointer is x1 */
    uint64_t words[5]; /* of the structure */
};

#define OWN_AND_NR(nr) (SELF | (uint64_t)(nr) << 32)

static const struct call calls[] = {
    {"add_to_physmap", 12, 7, 0, 0, 24, 0, {SELF, 0, 0x39800}},
    {"decrease_reservation", 12, 1, 0, 0, 32, 0, {(uint64_t)ram, 0, 0, SELF}},
    {"populate_physmap", 12, 6, 0, 0, 32, 0, {(uint64_t)ram, 0, 0, SELF}},
    {"current_reservation", 12, 3, 0, 0, 2, 0, {SELF}},
    {"remove_from_physmap", 12, 15, 0, 0, 16, 0, {SELF, HOLE / PAGE}},
    {"extraversion", 17, 1, 0, 1, 16, 0, {0}},
    {"compile_info", 17, 2, 0, 1, 144, 0, {0}},
    {"capabilities", 17, 3, 0, 1, 1024, 0, {0}},
    {"changeset", 17, 4, 0, 1, 64, 0, {0}},
    {"platform_parameters", 17, 5, 0, 1, 8, 0, {0}},
    {"get_features", 17, 6, 0, 1, 8, 0, {0}},
    {"console_write", 18, 0, 1, 0, 8, 8, {0}},
    {"map_grant_ref", 20, 0, 0, 1, 32, 1, {0x38200000, (uint64_t)99 << 32 | 2, OWN}},
    {"unmap_grant_ref", 20, 1, 0, 1, 24, 1, {0x38200000, 0, 0xffffff}},
    {"setup_table", 20, 2, 0, 10, 24, 1, {OWN_AND_NR(0), 0, 0}},
    {"copy", 20, 5, 0, 1, 40, 1, {99, SELF, 0, SELF, 0}},
    {"query_size", 20, 6, 0, 1, 16, 1, {SELF}},
    {"get_version", 20, 10, 0, 1, 8, 1, {SELF}},
    {"runstate", 24, 5, 1, 0, 8, 0, {(uint64_t)ram + 64}},
    {"set_singleshot_timer", 24, 8, 1, 0, 16, 0, {~0ul >> 1}},
    {"vcpu_info", 24, 10, 1, 0, 16, 0, {0}},
    {"poll", 29, 3, 0, 0, 24, 0, {(uint64_t)ram + 128, 1, 1}},
    {"watchdog", 29, 6, 0, 0, 8, 0, {1}},
    {"bind_interdomain", 32, 0, 0, 1, 12, 0, {SELF | 50ul << 32}},
    {"bind_virq", 32, 1, 0, 1, 12, 0, {0}},
    {"close", 32, 3, 0, 0, 4, 0, {50}},
    {"send", 32, 4, 0, 0, 4, 0, {50}},
    {"status", 32, 5, 0, 1, 24, 0, {OWN_AND_NR(50)}},
    {"alloc_unbound", 32, 6, 0, 1, 8, 0, {SELF | SELF << 16}},
    {"bind_ipi", 32, 7, 0, 1, 8, 0, {0}},
    {"bind_vcpu", 32, 8, 0, 0, 8, 0, {50}},
    {"unmask", 32, 9, 0, 0, 4, 0, {50}},
    {"reset", 32, 10, 0, 0, 2, 0, {SELF}},
    {"get_param", 34, 1, 0, 1, 16, 0, {SELF}},
};

static int64_t hypercall(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "memory", "cc", "x3", "x4");
    return (int64_t)x0;
}

static int64_t issue(const struct call *call, uint64_t at)
{
    return call->in_x2 ? hypercall(call->number, call->command, call->other, at)
                       : hypercall(call->number, call->command, at, call->other);
}

/* --- the window --- */

static void show(unsigned page, uint64_t pa, uint64_t bits)
{
    level3[page] = pa | bits | ATTRIBUTES | 3u;
}

static void build_window(void)
{
    const uint64_t normal = (uint64_t)MMU_NORMAL * 4;

    show(FIRST, (uint64_t)ram, normal);
    show(SECOND, (uint64_t)ram + 2 * PAGE, normal);
    show(THIRD, (uint64_t)ram, normal);
    show(STAGE1_READ_ONLY, (uint64_t)ram + PAGE, normal | 1u << 7);
    show(AFTER_IT, (uint64_t)ram, normal);
    show(TO_HOLE, HOLE, normal);
    show(BEFORE_DEVICE, (uint64_t)ram, normal);
    show(TO_DEVICE, uart_base, (uint64_t)MMU_DEVICE * 4);
    show(CODE, (uint64_t)code, normal | USER_CODE);
    level2[0] = (uint64_t)level3 | 3u;
    level1[0] = (uint64_t)level2 | 3u;
    mmu_l0[2] = (uint64_t)level1 | 3u;
    dsb();
    sysreg_write(ttbr1_el1, mmu_l0);
    sysreg_write(tcr_el1, (mmu_tcr & ~(1ul << 23)) | 1u << 24 | 1u << 26 | 3u << 28);
    isb();
    __asm__ volatile("tlbi vmalle1" : : : "memory");
    dsb();
    isb();
}

#define IN_PAGE(page) (LOW + (uint64_t)(page) * PAGE)

struct place {
    const char *name;
    uint64_t at; /* of the structure's first byte, or if it crosses of its second half */
    bool crosses;
    bool writable_matters; /* good for what is only read */
};

static const struct place bad[] = {
    {"null", 0, false, false},
    {"not mapped", IN_PAGE(NOTHING), false, false},
    {"at a page's end, before nothing", IN_PAGE(NOTHING), true, false},
    {"no memory", IN_PAGE(TO_HOLE), false, false},
    {"before no memory", IN_PAGE(TO_HOLE), true, false},
    {"device registers", IN_PAGE(TO_DEVICE), false, false},
    {"before device registers", IN_PAGE(TO_DEVICE), true, false},
    {"not canonical", 1ul << 52, false, false},
    {"end of the address space", ~0ul, false, false},
    {"read-only to stage 1", IN_PAGE(STAGE1_READ_ONLY), false, true},
    {"before read-only memory", IN_PAGE(STAGE1_READ_ONLY), true, true},
    {"a grant for reading", READ_ONLY, false, true},
};

static const struct place good[] = {
    {"memory", IN_PAGE(FIRST) + 256, false, false},
    {"misaligned", IN_PAGE(FIRST) + 255, false, false},
    {"two pages", IN_PAGE(SECOND), true, false},
    {"TTBR1", HIGH + 512, false, false},
};

/* The first byte: of those that cross, half lies before. */
static uint64_t begin_of(const struct place *place, const struct call *call)
{
    return place->crosses ? place->at - call->size / 2u : place->at;
}

/* Whether the call writes to the page of that place. */
static bool written_there(const struct call *call, const struct place *place)
{
    return call->writes == 1 || (call->writes != 0 && (!place->crosses || call->writes > call->size / 2u));
}

/* --- the checks --- */

/* The lowest port that is free: what any call would have taken. */
static uint32_t free_port(void)
{
    static uint32_t arg[2];

    arg[0] = SELF | SELF << 16;
    (void)hypercall(32, 6, (uint64_t)arg, 0);
    arg[0] = arg[1];
    (void)hypercall(32, 3, (uint64_t)arg, 0);
    return arg[1];
}

static uint64_t sum(void)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < sizeof ram; i++) {
        total = total * 31 + ram[i];
    }
    return total;
}

static void put(const struct call *call, uint64_t at)
{
    for (unsigned i = 0; i < call->size; i++) {
        ((volatile uint8_t *)at)[i] = i < sizeof call->words ? ((const uint8_t *)call->words)[i] : 0;
    }
    dsb();
}

static void clean(void)
{
    static uint16_t self = SELF;

    (void)hypercall(32, 10, (uint64_t)&self, 0);
}

/* What a good place gives, and all of them alike. */
static int64_t controls(const struct call *call)
{
    int64_t first = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
        uint64_t at = begin_of(&good[i], call);
        int64_t result;

        put(call, at);
        result = issue(call, at);
        clean();
        EXPECT(result != EFAULT, "%s, %s: -EFAULT", call->name, good[i].name);
        first = i == 0 ? result : first;
        EXPECT(result == first || call->number == 12, "%s, %s: %ld, elsewhere %ld", call->name, good[i].name,
               result, first);
    }
    return first;
}

static unsigned refusals(const struct call *call)
{
    unsigned tried = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        uint64_t at = begin_of(&bad[i], call), before;
        uint32_t port = free_port();
        int64_t result;

        if (bad[i].writable_matters && !written_there(call, &bad[i])) {
            continue;
        }
        if (bad[i].writable_matters) { /* what it reads is right */
            put(call, (uint64_t)ram + PAGE);
            put(call, (uint64_t)ram + 3 * PAGE);
        } else if (bad[i].crosses) {
            for (unsigned b = 0; b < call->size / 2u; b++) { /* and so is what lies before */
                ((volatile uint8_t *)at)[b] = ((const uint8_t *)call->words)[b % sizeof call->words];
            }
        }
        before = sum();
        result = issue(call, at);
        EXPECT(result == EFAULT, "%s, %s: %ld", call->name, bad[i].name, result);
        EXPECT(free_port() == port, "%s, %s: a port is gone", call->name, bad[i].name);
        EXPECT(sum() == before || bad[i].crosses, "%s, %s: memory has changed", call->name, bad[i].name);
        tried++;
    }
    return tried;
}

/* A page of this domain that it has mapped from itself, for reading. */
static bool map_read_only(void)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, gfn;
    } frame = {SELF, 0, 1, 0, GRANTS / PAGE};
    struct {
        uint64_t at;
        uint32_t flags, ref;
        uint16_t domid;
        int16_t status;
        uint32_t handle;
        uint64_t bus;
    } map = {READ_ONLY, 2 | 4, 8, OWN, 1, 0, 0};

    if (hypercall(12, 7, (uint64_t)&frame, 0) != 0) {
        return false;
    }
    write64(GRANTS + 8 * 8, 1u | OWN << 16 | ((uint64_t)ram + 3 * PAGE) / PAGE << 32);
    dsb();
    return hypercall(20, 0, (uint64_t)&map, 1) == 0 && map.status == 0;
}

TEST(hypercall_pointers)
{
    uint64_t value;
    unsigned tried = 0;

    build_window();
    CHECK(map_read_only(), "no grant");
    CHECK(try_read(READ_ONLY, 8, &value, NULL), "the grant cannot be read");
    CHECK(!try_write(READ_ONLY, 8, value, NULL), "the grant can be written");
    CHECK(!try_read(IN_PAGE(NOTHING), 8, &value, NULL), "nothing can be read");
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        (void)controls(&calls[i]);
        tried += refusals(&calls[i]);
    }
    test_figure("refused", tried);
    test_figure("calls", ARRAY_SIZE(calls));
}

/* --- from EL0 --- */

static volatile uint32_t undefined, returned;

static bool at_lower(struct frame *frame, uint64_t esr)
{
    extern void user_end(void);

    if (ESR_EC(esr) == EC_SVC) {
        returned++;
        frame->elr = (uint64_t)user_end;
        frame->spsr = 0x3c5; /* EL1h, all masked */
        return true;
    }
    undefined += ESR_EC(esr) == EC_UNKNOWN ? 1u : 0u;
    frame->elr += 4;
    return ESR_EC(esr) == EC_UNKNOWN;
}

/* Runs `code` at EL0 until its SVC. */
static void run_user(uint64_t entry)
{
    __asm__ volatile("msr elr_el1, %0\n"
                     "msr spsr_el1, xzr\n"
                     "msr daifset, #15\n"
                     "isb\n"
                     "eret\n"
                     ".globl user_end\n"
                     "user_end:"
                     :
                     : "r"(entry)
                     : "memory", "cc", "x0", "x1", "x2", "x3", "x16");
}

/* HVC is undefined at EL0 (Arm ARM C6.2.125): neither hypercalls nor PSCI are for programs of a guest. */
TEST(hypercall_from_el0)
{
    uint32_t port;

    build_window();
    port = free_port();
    code[0] = 0xd4000002u | 0xea1u << 5; /* hvc #0xea1 */
    code[1] = 0xd4000002u;               /* hvc #0 */
    code[2] = 0xd4000003u;               /* smc #0 */
    code[3] = 0xd4000001u;               /* svc #0 */
    for (unsigned i = 0; i < 4; i++) {
        __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(&code[i]) : "memory");
    }
    lower_hook = at_lower;
    run_user(IN_PAGE(CODE));
    lower_hook = NULL;
    EXPECT_EQ(returned, 1, "returns from EL0");
    EXPECT_EQ(undefined, 3, "undefined instructions");
    EXPECT_EQ(free_port(), port, "the free port");
    EXPECT(hypercall(17, 0, 0, 0) == (4 << 16 | 17), "the version, from EL1");
}
