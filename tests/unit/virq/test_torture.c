/* SPDX-License-Identifier: Apache-2.0 */
/* Random guests against a model of the GIC. Every run prints its seed when it fails; `test_virq_torture SEED`
 * repeats one run, `test_virq_torture SEED COUNT` does many.
 *
 * Strict runs synchronise all vCPUs after each step: then every acknowledge must return an interrupt of the
 * highest priority that the model knows, and every state must agree. Delayed runs deliver kicks late: then an
 * acknowledge may still see what another vCPU has just changed, but nothing may be lost or doubled, and
 * states must agree once all vCPUs have synchronised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "model.h"

#define RUNS       400u
#define STEPS      3000u
#define SETTLE     61u /* steps between comparisons of all states, delayed runs */
#define RETRIES    200u
#define ISENABLER  0x100u
#define ICENABLER  0x180u
#define ISPENDR    0x200u
#define ICPENDR    0x280u
#define ISACTIVER  0x300u
#define ICACTIVER  0x380u
#define IPRIORITYR 0x400u
#define ITARGETSR  0x800u
#define ICFGR      0xc00u
#define SGIR       0xf00u
#define CPENDSGIR  0xf10u
#define SPENDSGIR  0xf20u
#define IROUTER    0x6000u
#define SGI_FRAME  0x10000u

static struct model m;
static struct machine_config c;
static uint64_t rng;
static unsigned long seed, step, acks, steps_done;
static bool delayed, few;
static bool linked[MODEL_INTIDS];

#define REQUIRE(condition, ...)                                                                              \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("seed %lu step %lu (v%u, %u vCPUs, %u pCPUs, %u LRs, %s) line %d: %s\n", seed, step, \
                        c.version, c.nr_vcpus, c.nr_pcpus, c.nr_lrs, delayed ? "delayed" : "strict",         \
                        __LINE__, #condition);                                                               \
            print_error("  " __VA_ARGS__);                                                                   \
            print_error("\n");                                                                               \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

static unsigned below(unsigned n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)((rng >> 20) % n);
}

static bool chance(unsigned one_in)
{
    return below(one_in) == 0;
}

/* In half of the runs a few interrupts get nearly all of the attention, so that much happens to the same one.
 */
static unsigned some_intid(void)
{
    if (few && !chance(8)) {
        return chance(3) ? below(2) + 16 * below(2) : 32 + below(4);
    }
    switch (below(6)) {
    case 0:
        return below(16);
    case 1:
        return 16 + below(16);
    default:
        return 32 + below(m.nr_intids - 32);
    }
}

static unsigned some_spi(void)
{
    return 32 + (few && !chance(8) ? below(4) : below(m.nr_intids - 32));
}

/* The register at `offset` of the block in which `intid` is, as vCPU v reaches it. */
static enum machine_result reg(unsigned v, unsigned owner, unsigned intid, uint32_t offset, unsigned size,
                               bool write, uint64_t *value)
{
    if (m.version == 3 && intid < 32) {
        return machine_redist(v, owner, SGI_FRAME + offset, size, write, value);
    }
    return machine_dist(v, offset, size, write, value);
}

static void write_bit(unsigned v, unsigned owner, unsigned intid, uint32_t base)
{
    uint64_t value = 1u << intid % 32;

    REQUIRE(reg(v, owner, intid, base + intid / 32 * 4, 4, true, &value) == MACHINE_OK, "write");
}

/* Reads a bit register; the guest repeats the access until it is answered. */
static uint32_t read_bits(unsigned v, unsigned owner, unsigned intid, uint32_t base)
{
    for (unsigned i = 0; i < RETRIES; i++) {
        uint64_t value = 0;
        enum machine_result result = reg(v, owner, intid, base + intid / 32 * 4, 4, false, &value);

        if (result == MACHINE_OK) {
            return (uint32_t)value;
        }
        REQUIRE(result == MACHINE_RETRY, "read");
        if (delayed) {
            machine_sync(below(m.nr_vcpus));
        } else {
            machine_sync_all();
        }
    }
    REQUIRE(false, "livelock: a read was never answered");
    return 0;
}

/* Which vCPU's private interrupt: GICv2 has its own only. */
static unsigned some_owner(unsigned v)
{
    return m.version == 3 && chance(4) ? below(m.nr_vcpus) : v;
}

static bool any_kicked(void)
{
    for (unsigned v = 0; v < m.nr_vcpus; v++) {
        if (machine_kicked(v)) {
            return true;
        }
    }
    return false;
}

/* --- comparison --- */

static void compare_irq(unsigned owner, unsigned intid, bool pending, bool active)
{
    struct model_irq *irq = model_irq(&m, owner, intid);

    if (pending != model_pending(irq)) {
        REQUIRE(pending ? irq->may_gain : irq->may_lose, "vCPU %u interrupt %u: pending is %d", owner, intid,
                pending);
        irq->latch = pending;
    }
    if (active != irq->active) {
        REQUIRE(irq->any_active, "vCPU %u interrupt %u: active is %d", owner, intid, active);
        irq->active = active;
    }
    irq->any_active = false;
    if (!irq->line || irq->edge) { /* else the latch behind the line was not seen */
        irq->may_gain = irq->may_lose = false;
    }
}

/* GICv2: which senders of an SGI are pending; the vCPU is resident. */
static void compare_senders(unsigned v)
{
    for (unsigned i = 0; i < 16; i += 4) {
        uint64_t value = 0;

        REQUIRE(machine_dist(v, (i == 4 ? SPENDSGIR : CPENDSGIR) + i, 4, false, &value) == MACHINE_OK,
                "PENDSGIR");
        for (unsigned n = i; n < i + 4; n++, value >>= 8) {
            struct model_irq *irq = model_irq(&m, v, n);
            uint8_t senders = (uint8_t)value;

            REQUIRE((senders & ~irq->sources) == 0 || irq->may_gain, "vCPU %u SGI %u: senders %x", v, n,
                    senders);
            REQUIRE((irq->sources & ~senders) == 0 || irq->may_lose, "vCPU %u SGI %u: senders %x", v, n,
                    senders);
            irq->sources = senders;
        }
    }
}

/* A physical interrupt is active if and only if somebody in the guest will still deactivate it. */
static void compare_physical(void)
{
    for (unsigned i = 32; i < m.nr_intids; i++) {
        struct model_irq *irq = model_irq(&m, 0, i);

        if (linked[i]) {
            REQUIRE(machine_physical_enabled(0, i) == irq->enabled, "interrupt %u: enable", i);
            REQUIRE(!machine_physical_active(0, i) || model_pending(irq) || irq->active,
                    "interrupt %u leaked", i);
        }
    }
    for (unsigned p = 0; p < c.nr_pcpus; p++) {
        if (machine_resident(p) >= 0) {
            struct model_irq *irq = model_irq(&m, (unsigned)machine_resident(p), MACHINE_TIMER);

            REQUIRE(!machine_physical_active(p, MACHINE_TIMER) || model_pending(irq) || irq->active,
                    "timer leaked");
        }
    }
}

static void compare_all(void)
{
    unsigned v;

    machine_sync_all();
    v = below(m.nr_vcpus);
    machine_resume(v);
    machine_sync_all();
    for (unsigned owner = 0; owner < m.nr_vcpus; owner++) {
        uint32_t pending, active;

        if (m.version == 2) {
            machine_resume(owner);
            compare_senders(owner);
        }
        pending = read_bits(m.version == 2 ? owner : v, owner, 0, ISPENDR);
        active = read_bits(m.version == 2 ? owner : v, owner, 0, ICACTIVER);
        machine_sync_all();
        for (unsigned i = 0; i < 32; i++) {
            compare_irq(owner, i, pending >> i & 1, active >> i & 1);
        }
    }
    machine_resume(v);
    for (unsigned first = 32; first < m.nr_intids; first += 32) {
        uint32_t pending = read_bits(v, 0, first, ICPENDR), active = read_bits(v, 0, first, ISACTIVER);

        for (unsigned i = 0; i < 32 && first + i < m.nr_intids; i++) {
            compare_irq(0, first + i, pending >> i & 1, active >> i & 1);
        }
    }
    machine_sync_all();
    compare_physical();
}

/* --- sources --- */

static void mark_gain(struct model_irq *irq)
{
    irq->may_gain = irq->may_gain || delayed;
}

static void op_fire(unsigned v)
{
    unsigned intid = some_spi(), pcpu = below(c.nr_pcpus);

    if (chance(3)) {
        pcpu = machine_pcpu(v);
        if (!machine_physical_active(pcpu, MACHINE_TIMER)) {
            machine_fire(pcpu, v, MACHINE_TIMER);
            model_irq(&m, v, MACHINE_TIMER)->latch = true;
            mark_gain(model_irq(&m, v, MACHINE_TIMER));
        }
        return;
    }
    for (unsigned n = 0; n < m.nr_intids && !linked[intid]; n++) {
        intid = 32 + (intid - 31) % (m.nr_intids - 32);
    }
    if (linked[intid] && machine_physical_enabled(0, intid) && !machine_physical_active(0, intid)) {
        machine_fire(pcpu, 0, intid);
        model_irq(&m, 0, intid)->latch = true;
        mark_gain(model_irq(&m, 0, intid));
    }
}

static void op_source(unsigned v)
{
    unsigned intid = some_intid(), owner = below(m.nr_vcpus);
    struct model_irq *irq = model_irq(&m, owner, intid);

    if (intid < 16 || linked[intid] || intid == MACHINE_TIMER) {
        op_fire(v);
        return;
    }
    if (chance(3)) {
        machine_edge(below(c.nr_pcpus), owner, intid);
        irq->latch = true;
        mark_gain(irq);
        return;
    }
    if (irq->line) {
        irq->may_lose = irq->may_lose || delayed;
    } else {
        mark_gain(irq);
    }
    model_line(&m, owner, intid, !irq->line);
    machine_line(below(c.nr_pcpus), owner, intid, irq->line);
}

static void op_sgi(unsigned v)
{
    unsigned intid = few ? below(2) : below(16), target = below(m.nr_vcpus), kind = below(4);
    uint32_t mask = kind == 0 ? (1u << m.nr_vcpus) - 1 - (1u << v) : kind == 1 ? 1u << v : 1u << target;
    uint64_t value;

    if (m.version == 3) {
        machine_sgi(v, kind == 0 ? 1ull << 40 | (uint64_t)intid << 24 : (uint64_t)intid << 24 | mask);
    } else {
        value = kind == 0 ? 1u << 24 | intid : kind == 1 ? 2u << 24 | intid : mask << 16 | intid;
        REQUIRE(machine_dist(v, SGIR, 4, true, &value) == MACHINE_OK, "SGIR");
    }
    for (unsigned t = 0; t < m.nr_vcpus; t++) {
        if (mask >> t & 1) {
            model_sgi(&m, v, t, intid);
            mark_gain(model_irq(&m, t, intid));
        }
    }
}

/* --- registers --- */

static void op_enable(unsigned v)
{
    unsigned intid = some_intid(), owner = some_owner(v);
    bool on = chance(2);

    if (chance(2)) { /* a whole word */
        uint32_t bits = (uint32_t)rng & (uint32_t)(rng >> 32);
        uint64_t value = bits;

        REQUIRE(reg(v, owner, intid, (on ? ISENABLER : ICENABLER) + intid / 32 * 4, 4, true, &value) ==
                    MACHINE_OK,
                "enable");
        for (unsigned i = intid / 32 * 32; i < intid / 32 * 32 + 32 && i < m.nr_intids; i++) {
            if (bits >> i % 32 & 1 && !(m.version == 2 && i < 16)) {
                model_irq(&m, owner, i)->enabled = on;
            }
        }
        return;
    }
    write_bit(v, owner, intid, on ? ISENABLER : ICENABLER);
    if (!(m.version == 2 && intid < 16)) {
        model_irq(&m, owner, intid)->enabled = on;
    }
}

static void op_pend(unsigned v)
{
    unsigned intid = some_intid(), owner = some_owner(v);
    struct model_irq *irq = model_irq(&m, owner, intid);
    bool set = chance(2);

    if (m.version == 2 && intid < 16) {
        uint64_t senders = below(1u << m.nr_vcpus);

        REQUIRE(machine_dist(v, (set ? SPENDSGIR : CPENDSGIR) + intid, 1, true, &senders) == MACHINE_OK,
                "PENDSGIR");
        irq = model_irq(&m, v, intid);
        irq->sources = (uint8_t)(set ? irq->sources | senders : irq->sources & ~senders);
        return;
    }
    write_bit(v, owner, intid, set ? ISPENDR : ICPENDR);
    irq->latch = set;
    irq->may_gain = irq->may_gain || delayed;
    irq->may_lose = irq->may_lose || (delayed && !set);
}

static void op_active(unsigned v)
{
    unsigned intid = some_intid(), owner = some_owner(v);
    struct model_irq *irq = model_irq(&m, owner, intid);
    bool set = chance(3);

    if (model_in_service(&m, owner, intid) && (set || (intid >= 32 && m.nr_vcpus > 1) || delayed)) {
        return; /* the guest would end what another one acknowledged: unpredictable */
    }
    write_bit(v, owner, intid, set ? ISACTIVER : ICACTIVER);
    if (set) {
        irq->active = true;
    } else {
        model_deactivate(&m, owner, intid);
    }
    irq->any_active = irq->any_active || delayed;
    irq->may_lose = irq->may_lose || delayed;
}

static void op_priority(unsigned v)
{
    unsigned intid = some_intid(), owner = some_owner(v);
    bool word = chance(3);
    uint64_t value = (uint32_t)(rng >> 7);

    intid = word ? intid / 4 * 4 : intid;
    if (!word) {
        value &= 0xff;
    }
    REQUIRE(reg(v, owner, intid, IPRIORITYR + intid, word ? 4 : 1, true, &value) == MACHINE_OK, "priority");
    for (unsigned i = 0; i < (word ? 4u : 1u); i++) {
        model_irq(&m, owner, intid + i)->priority = (value >> 8 * i) & 0xf8;
    }
}

static void op_route(unsigned v)
{
    unsigned intid = some_spi(), target = below(m.nr_vcpus);
    uint64_t value = chance(8) ? 0x7700 : target;

    if (m.version == 3) {
        REQUIRE(machine_dist(v, IROUTER + 8 * intid, 8, true, &value) == MACHINE_OK, "IROUTER");
        m.spis[intid].route = value == target ? (uint8_t)target : 0xff;
    } else {
        value = below(256);
        REQUIRE(machine_dist(v, ITARGETSR + intid, 1, true, &value) == MACHINE_OK, "ITARGETSR");
        m.spis[intid].route = (uint8_t)(value & ((1u << m.nr_vcpus) - 1));
    }
}

static void op_configure(unsigned v)
{
    unsigned intid = some_intid() / 16 * 16, owner = some_owner(v);
    uint64_t value = 0, bits = rng >> 11;

    for (unsigned i = 0; i < 16; i++) {
        value |= (bits >> i & 1) << (2 * i + 1);
    }
    REQUIRE(reg(v, owner, intid, ICFGR + intid / 4, 4, true, &value) == MACHINE_OK, "ICFGR");
    for (unsigned i = 0; i < 16 && intid + i < m.nr_intids && intid >= 16; i++) {
        struct model_irq *irq = model_irq(&m, owner, intid + i);

        if (intid + i != MACHINE_TIMER && irq->edge != (bits >> i & 1)) {
            irq->edge = bits >> i & 1;
            irq->may_gain = irq->may_gain || delayed;
            irq->may_lose = irq->may_lose || delayed;
        }
    }
}

static void op_forward(unsigned v)
{
    uint64_t value = chance(4) ? 0 : m.version == 3 ? 2 : 1;

    REQUIRE(machine_dist(v, 0, 4, true, &value) == MACHINE_OK, "CTLR");
    m.forwarding = value != 0;
}

static void op_read(unsigned v)
{
    unsigned intid = some_intid(), owner = some_owner(v);
    bool active = chance(2);
    uint32_t bits, expected = 0;

    bits = read_bits(v, owner, intid, active ? ISACTIVER : ISPENDR);
    if (delayed) {
        return;
    }
    for (unsigned i = 0; i < 32 && intid / 32 * 32 + i < m.nr_intids; i++) {
        struct model_irq *irq = model_irq(&m, owner, intid / 32 * 32 + i);

        expected |= (uint32_t)(active ? irq->active : model_pending(irq)) << i;
    }
    REQUIRE(bits == expected, "bank %u of vCPU %u read by %u: %08x, expected %08x", intid / 32, owner, v,
            bits, expected);
}

/* --- the CPU interface --- */

static void op_interface(unsigned v)
{
    struct model_cpu *cpu = &m.cpus[v];

    cpu->pmr = chance(3) ? below(32) * 8 : 0xf8;
    cpu->enabled = !chance(10);
    if (cpu->depth == 0 && cpu->nr_dropped == 0) {
        cpu->bpr = (m.version == 3 ? 3 : 2) + below(4);
        cpu->eoi_mode = chance(3);
    }
    machine_interface(v, cpu->enabled, cpu->pmr, cpu->bpr, cpu->eoi_mode);
}

/* Does the model know exactly what the vCPU may see? */
static bool certain(unsigned v)
{
    bool result = !any_kicked(); /* one that is routed to v may still be with another vCPU */

    for (unsigned i = 0; i < m.cpus[v].depth; i++) {
        result = result && m.cpus[v].stack[i].group != MODEL_UNKNOWN;
    }
    for (unsigned i = 0; result && i < m.nr_intids; i++) {
        struct model_irq *irq = model_irq(&m, v, i);

        result = !irq->may_gain && !irq->may_lose && !irq->any_active;
    }
    return result;
}

static void op_acknowledge(unsigned v)
{
    struct model_cpu *cpu = &m.cpus[v];
    bool strict = certain(v);
    int best;
    uint32_t iar;

    if (cpu->depth == MODEL_NESTING) {
        return;
    }
    best = model_best(&m, v);
    if (strict) {
        REQUIRE(machine_deliverable(v) == (best >= 0), "vCPU %u, best %d", v, best);
    }
    iar = machine_acknowledge(v);
    if (iar == MACHINE_SPURIOUS) {
        REQUIRE(!strict || best < 0, "vCPU %u: an interrupt of priority %d was lost", v, best);
        return;
    }
    acks++;
    if (strict) {
        REQUIRE(best >= 0 && model_is_candidate(&m, v, iar), "vCPU %u: interrupt %u came from nowhere", v,
                iar);
        REQUIRE(model_irq(&m, v, iar % 1024)->priority == best, "vCPU %u: interrupt %u before priority %d", v,
                iar, best);
    } else {
        struct model_irq *irq = model_irq(&m, v, iar % 1024);

        REQUIRE(model_pending(irq) || irq->may_lose || irq->may_gain,
                "vCPU %u: interrupt %u came from nowhere", v, iar);
    }
    model_acknowledge(&m, v, iar, strict);
}

static void op_end(unsigned v)
{
    if (m.cpus[v].depth > 0) {
        uint32_t iar = model_end(&m, v);

        machine_end(v, iar);
    }
}

static void op_deactivate(unsigned v)
{
    unsigned from = chance(4) ? below(m.nr_vcpus) : v;
    struct model_cpu *cpu = &m.cpus[from];
    uint32_t iar;

    if (cpu->nr_dropped == 0) {
        return;
    }
    iar = cpu->dropped[below(cpu->nr_dropped)];
    v = iar % 1024 < 32 ? from : v;
    if (m.cpus[v].eoi_mode) {
        machine_resume(v);
        model_irq(&m, v, iar % 1024)->any_active |= delayed;
        model_irq(&m, v, iar % 1024)->may_lose |= delayed;
        model_deactivate(&m, v, iar % 1024);
        machine_deactivate(v, iar);
    }
}

static void op_suspend(unsigned v)
{
    machine_suspend(v);
}

/* Something else happens between an EOI and the maintenance interrupt that it causes. */
static void op_end_held(unsigned v)
{
    machine_hold_maintenance(true);
    op_end(v);
    switch (below(4)) {
    case 0:
        op_suspend(v);
        break;
    case 1:
        op_sgi(v);
        break;
    case 2:
        op_fire(v);
        break;
    default:
        op_source(v);
        break;
    }
    machine_hold_maintenance(false);
}

static void op_wait(unsigned v)
{
    if (certain(v)) {
        REQUIRE(machine_deliverable(v) == (model_best(&m, v) >= 0), "WFI of vCPU %u", v);
    }
}

static const struct {
    void (*run)(unsigned v);
    unsigned weight;
} ops[] = {
    {op_source, 20},     {op_fire, 12},     {op_sgi, 12},         {op_enable, 8},    {op_pend, 8},
    {op_active, 4},      {op_priority, 6},  {op_route, 6},        {op_configure, 2}, {op_forward, 1},
    {op_read, 4},        {op_interface, 3}, {op_acknowledge, 40}, {op_end, 28},      {op_end_held, 6},
    {op_deactivate, 12}, {op_suspend, 2},   {op_wait, 4},
};

static void one_step(void)
{
    unsigned total = 0, pick, n = 0, v = below(m.nr_vcpus);

    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        total += ops[i].weight;
    }
    pick = below(total);
    while (pick >= ops[n].weight) {
        pick -= ops[n++].weight;
    }
    machine_resume(v);
    ops[n].run(v);
    if (!delayed) {
        machine_sync_all();
        REQUIRE(!any_kicked(), "kick");
    } else {
        for (unsigned i = 0; i < m.nr_vcpus; i++) {
            if (machine_kicked(i) && chance(4)) {
                machine_sync(i);
            }
        }
    }
}

/* Everything that is pending is taken, everything active is ended: the guest must see all of it, in order. */
static void drain(void)
{
    for (unsigned v = 0; v < m.nr_vcpus; v++) {
        for (unsigned i = 0; i < m.nr_intids; i++) {
            struct model_irq *irq = model_irq(&m, v, i);

            if (irq->line) {
                model_line(&m, v, i, false);
                machine_line(machine_pcpu(v), v, i, false);
            }
        }
        machine_sync_all();
    }
    compare_all();
    delayed = false;
    for (unsigned v = 0; v < m.nr_vcpus; v++) {
        machine_resume(v);
        while (m.cpus[v].depth > 0) {
            op_end(v);
        }
        while (m.cpus[v].nr_dropped > 0) {
            uint32_t iar = m.cpus[v].dropped[0];

            machine_resume(v);
            model_deactivate(&m, v, iar % 1024);
            machine_deactivate(v, iar);
        }
        machine_sync_all();
    }
    for (unsigned v = 0; v < m.nr_vcpus; v++) {
        machine_resume(v);
        m.cpus[v].enabled = true;
        m.cpus[v].pmr = 0xf8;
        m.cpus[v].eoi_mode = false;
        machine_interface(v, true, 0xf8, m.cpus[v].bpr, false);
        for (unsigned i = 0; i < 100000u; i++) {
            machine_resume(v);
            op_acknowledge(v);
            machine_sync_all();
            if (m.cpus[v].depth == 0) {
                break;
            }
            op_end(v);
            machine_sync_all();
        }
    }
    compare_all();
}

static void run(unsigned long this_seed)
{
    static const unsigned lrs[] = {4, 16, 4, 16, 4, 2, 1};

    seed = this_seed;
    rng = 0x9e3779b97f4a7c15ull * (seed + 1);
    for (unsigned i = 0; i < 10; i++) {
        below(2);
    }
    c.version = 2 + below(2);
    c.nr_vcpus = 1 + below(MODEL_VCPUS);
    c.nr_pcpus = chance(3) ? (c.nr_vcpus + 1) / 2 : c.nr_vcpus;
    c.nr_lrs = lrs[below(7)];
    c.nr_spis = chance(3) ? 32 : 32 * (1 + below(10));
    delayed = chance(2);
    few = chance(2);
    machine_create(&c);
    model_init(&m, c.version, c.nr_vcpus, 32 + c.nr_spis);
    for (unsigned i = 0; i < MODEL_INTIDS; i++) {
        linked[i] = false;
        if (i >= 32 && i < m.nr_intids && chance(4)) {
            bool edge = chance(2);

            linked[i] = true;
            machine_link(i, edge);
            model_irq(&m, 0, i)->edge = edge;
        }
    }
    for (unsigned v = 0; v < m.nr_vcpus; v++) {
        machine_resume(v);
        op_interface(v);
    }
    op_forward(0);
    for (step = 0; step < STEPS; step++) {
        one_step();
        if (step % SETTLE == SETTLE - 1) {
            compare_all();
        }
    }
    steps_done += STEPS;
    compare_all();
    drain();
    machine_destroy();
}

static unsigned long first_seed = 1, nr_runs = RUNS;

static void torture(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < nr_runs; i++) {
        run(first_seed + i);
    }
    print_message(
        "%lu runs from seed %lu, %lu steps, %lu interrupts acknowledged, %lu maintenance interrupts\n",
        nr_runs, first_seed, steps_done, acks, machine_maintenance_count());
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(torture)};

    if (argc > 1) {
        first_seed = strtoul(argv[1], NULL, 0);
        nr_runs = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    }
    return cmocka_run_group_tests_name("virtual interrupts against a model of the GIC", tests, NULL, NULL);
}
