/* SPDX-License-Identifier: Apache-2.0 */
/* Tries everything that an extension must not be able to do, one attempt a life. */
#include "extension.h"

#include "escape.h"
#include "negative.h"

#define STACK_TOP (BH_EXT_WINDOW + BH_EXT_WINDOW_SIZE - 4096u)

struct attempt {
    void (*run)(uint64_t argument);
    uint64_t argument;
    uint32_t end;
};

struct bad_call {
    uint64_t call, arguments[5];
};

#define BAD_CALL(call, at, a, b, c, d, e) {BH_EXT_CALL_##call, {a, b, c, d, e}},
static const struct bad_call bad_calls[] = {NEGATIVE(BAD_CALL)
                                            /* no call has these numbers */
                                            {0, {0}},
                                            {BH_EXT_CALLS_END, {0}},
                                            {UINT64_MAX, {0}},
                                            /* only init may */
                                            {BH_EXT_CALL_VERSION, {BH_EXT_MAJOR, BH_EXT_MINOR}}};

static const uint32_t constant = 0xd65f03c0u; /* RET */
static uint32_t variable = 0xd65f03c0u;
static uint32_t survived, what, address, sink;

static void read_at(uint64_t at)
{
    sink = *(volatile uint32_t *)at;
}

static void write_at(uint64_t at)
{
    *(volatile uint32_t *)at = constant;
}

static void call_at(uint64_t at)
{
    ((void (*)(void))at)();
}

static void read_core(uint64_t argument)
{
    (void)argument;
    read_at((uint64_t)address * 4096u);
}

static void overflow(uint64_t depth)
{
    volatile uint64_t frame[64];

    frame[0] = depth;
    if (depth != UINT64_MAX) {
        overflow(frame[0] + 1u);
    }
    sink = (uint32_t)frame[0];
}

static void call_stack(uint64_t argument)
{
    volatile uint32_t code = constant;

    (void)argument;
    call_at((uint64_t)&code);
}

static void loop(uint64_t argument)
{
    for (volatile uint64_t i = argument;;) {
        i++;
    }
}

static void loop_of_calls(uint64_t argument)
{
    for (;;) {
        sink = (uint32_t)(extension_time() + argument);
    }
}

static void bad_call(uint64_t argument)
{
    const struct bad_call *b = &bad_calls[argument];

    (void)extension_call(b->call, b->arguments[0], b->arguments[1], b->arguments[2], b->arguments[3],
                         b->arguments[4]);
}

static void give_up(uint64_t argument)
{
    extension_give_up(argument);
}

/* One instruction that is not for EL0. */
#define INSTRUCTION(name, text)                                  \
    static void name(uint64_t argument)                          \
    {                                                            \
        __asm__ volatile(text ::"r"(argument) : "x9", "memory"); \
    }
#define INSTRUCTIONS(x)                                                                                      \
    x(svc_1, "svc #1") x(hvc, "hvc #0") x(hvc_xen, "hvc #0xea1") x(smc, "smc #0") x(eret, "eret")            \
        x(brk, "brk #0") x(hlt, "hlt #1") x(wfi, "wfi") x(undefined, ".inst 0")                              \
            x(fp, ".inst 0x1e204000") /* FMOV S0, S0 */                                                      \
        x(daif, "msr daifset, #2") x(read_daif, "mrs x9, daif") x(current_el, "mrs x9, currentel") x(        \
            sctlr_el1, "msr sctlr_el1, %0") x(vbar_el1, "msr vbar_el1, %0")                                  \
            x(ttbr0_el1, "msr ttbr0_el1, %0") x(tcr_el1, "mrs x9, tcr_el1") x(elr_el1, "mrs x9, elr_el1") x( \
                spsr_el1, "msr spsr_el1, %0") x(esr_el1, "mrs x9, esr_el1") x(far_el1, "mrs x9, far_el1")    \
                x(par_el1, "mrs x9, par_el1") x(mair_el1, "msr mair_el1, %0") x(sp_el0, "mrs x9, sp_el0")    \
                    x(tpidr_el1, "mrs x9, tpidr_el1") x(cpacr_el1, "msr cpacr_el1, %0")                      \
                        x(midr_el1, "mrs x9, midr_el1") x(mdscr_el1, "msr mdscr_el1, %0")                    \
                            x(hcr_el2, "mrs x9, hcr_el2") x(vttbr_el2, "msr vttbr_el2, %0")                  \
                                x(sctlr_el2, "msr sctlr_el2, %0") x(vbar_el2, "msr vbar_el2, %0")            \
                                    x(tpidr_el2, "mrs x9, tpidr_el2") x(cnthp, "msr cnthp_ctl_el2, %0")      \
                                        x(cnthctl, "msr cnthctl_el2, %0") x(cntpct, "mrs x9, cntpct_el0") x( \
                                            cntvct, "mrs x9, cntvct_el0") x(cntv, "msr cntv_ctl_el0, %0")    \
                                            x(cntp, "msr cntp_ctl_el0, %0") x(ctr, "mrs x9, ctr_el0") x(     \
                                                pmcr, "mrs x9, pmcr_el0") x(pmccntr, "mrs x9, pmccntr_el0")  \
                                                x(pmuserenr, "msr pmuserenr_el0, %0")                        \
                                                    x(icc_iar, "mrs x9, s3_0_c12_c12_0")                     \
                                                        x(icc_sgi, "msr s3_0_c12_c11_5, %0")                 \
                                                            x(implementation, "mrs x9, s3_3_c15_c0_0")       \
                                                                x(tlbi, "tlbi vmalle1is")                    \
                                                                    x(ic_iallu, "ic iallu") x(dc_isw,        \
                                                                                              "dc isw, %0")  \
                                                                        x(dc_civac, "dc civac, %0")          \
                                                                            x(dc_zva, "dc zva, %0")          \
                                                                                x(ic_ivau, "ic ivau, %0")    \
                                                                                    x(at, "at s1e1r, %0")
INSTRUCTIONS(INSTRUCTION)

static const struct attempt attempts[] = {
    {read_core, 0, BH_EXT_END_FAULT},
    {read_at, 0, BH_EXT_END_FAULT},
    {read_at, 0x9000000, BH_EXT_END_FAULT}, /* the console of QEMU's board */
    {write_at, 0x9000000, BH_EXT_END_FAULT},
    {read_at, 0x8000000, BH_EXT_END_FAULT},  /* its GIC */
    {read_at, 0x40000000, BH_EXT_END_FAULT}, /* RAM of a domain, as it sees it */
    {write_at, 0x40400000, BH_EXT_END_FAULT},
    {read_at, UINT64_C(1) << 39, BH_EXT_END_FAULT},
    {read_at, UINT64_C(0xff8000000000), BH_EXT_END_FAULT},
    {read_at, UINT64_MAX - 3u, BH_EXT_END_FAULT},
    {read_at, BH_EXT_WINDOW - 4u, BH_EXT_END_FAULT},
    {read_at, STACK_TOP, BH_EXT_END_FAULT}, /* the guard above the stack */
    {write_at, STACK_TOP - 0x2000 - 4u, BH_EXT_END_FAULT},
    {overflow, 0, BH_EXT_END_FAULT},
    {write_at, BH_EXT_WINDOW, BH_EXT_END_FAULT}, /* its own text */
    {write_at, (uint64_t)&constant, BH_EXT_END_FAULT},
    {call_at, (uint64_t)&constant, BH_EXT_END_FAULT},
    {call_at, (uint64_t)&variable, BH_EXT_END_FAULT},
    {call_stack, 0, BH_EXT_END_FAULT},
    {call_at, BH_EXT_WINDOW + 2u, BH_EXT_END_FAULT},
    {call_at, 0, BH_EXT_END_FAULT},
    {give_up, 7, BH_EXT_END_GAVE_UP},
    {loop, 0, BH_EXT_END_OVERRUN},
    {loop_of_calls, 0, BH_EXT_END_OVERRUN},
#define ONE(name, text) {name, BH_EXT_WINDOW, BH_EXT_END_FAULT},
    INSTRUCTIONS(ONE)};
#define ATTEMPTS  (sizeof(attempts) / sizeof(attempts[0]))
#define BAD_CALLS (sizeof(bad_calls) / sizeof(bad_calls[0]))

void extension_init(void)
{
    survived = 0;
}

static void command(uint32_t value)
{
    uint32_t number = value % 65536u;

    if (value / 65536u != extension_information(BH_EXT_ITEM_LIFE) % 65536u ||
        number >= ATTEMPTS + BAD_CALLS) {
        return;
    }
    if (number < ATTEMPTS) {
        attempts[number].run(attempts[number].argument);
    } else {
        bad_call(number - ATTEMPTS);
    }
    survived++;
}

uint64_t extension_access(const struct extension_access *access)
{
    switch (access->address % 4096u + (access->write ? 4096u : 0)) {
    case ESCAPE_COMMAND + 4096u:
        command((uint32_t)access->value);
        return 0;
    case ESCAPE_WHAT + 4096u:
        what = (uint32_t)access->value;
        return 0;
    case ESCAPE_ADDRESS + 4096u:
        address = (uint32_t)access->value;
        return 0;
    case ESCAPE_LIFE:
        return extension_information(BH_EXT_ITEM_LIFE);
    case ESCAPE_LAST_END:
        return extension_information(BH_EXT_ITEM_LAST_END);
    case ESCAPE_COUNT:
        return ATTEMPTS + BAD_CALLS;
    case ESCAPE_END:
        return what < ATTEMPTS ? attempts[what].end : BH_EXT_END_CALL;
    case ESCAPE_SURVIVED:
        return survived;
    default:
        extension_abort();
    }
}
