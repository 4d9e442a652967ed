/* SPDX-License-Identifier: Apache-2.0 */
/* The model against machines that do right and machines that do wrong: each rule has one of both. The machine
 * is an array of pages that the test writes to as a hypervisor would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "generate.h"
#include "model.h"

#define RAM     UINT64_C(0x40010)
#define WINDOW  UINT64_C(0x50000)
#define VA(gfn) ((gfn) * UINT64_C(4096))
#define SELF    MODEL_DOMID_SELF
#define EVENT   32
#define GRANT   20
#define MEMORY  12

static uint8_t pages[MODEL_PAGES][MODEL_PAGE] __attribute__((aligned(8)));
static struct model_slot slots[MODEL_DOMAINS][MODEL_SLOTS];
static unsigned upcalls;
static struct model model;

static const uint8_t *page_now(void *context, unsigned page)
{
    (void)context;
    return pages[page];
}

static void lookup(void *context, unsigned domain, uint64_t gfn, struct model_slot *slot)
{
    (void)context;
    *slot = slots[domain][model_slot_of(&model.domains[domain], gfn)];
}

static bool upcall(void *context, unsigned domain, unsigned vcpu)
{
    (void)context;
    return (upcalls >> (domain * 8u + vcpu)) % 2u != 0;
}

static int start(void **state)
{
    static const struct model_config config = {.domids = {1, 2},
                                               .domids_end = 4,
                                               .max_frames = 4,
                                               .first_frames = 1,
                                               .max_port = 70,
                                               .max_maps = 2,
                                               .ram = {RAM, RAM},
                                               .window = {WINDOW, WINDOW}};
    static const struct model_machine machine = {NULL, page_now, lookup, upcall, NULL};

    (void)state;
    memset(pages, 0, sizeof pages);
    memset(slots, 0, sizeof slots);
    upcalls = 0;
    model_init(&model, &config, &machine);
    memcpy(slots[0], model.domains[0].slots, sizeof slots[0]);
    memcpy(slots[1], model.domains[1].slots, sizeof slots[1]);
    return 0;
}

/* The machine's memory. */
static void set(unsigned page, unsigned offset, unsigned size, uint64_t value)
{
    memcpy(&pages[page][offset], &value, size);
}

/* What the guest writes: the model takes it over. */
static void guest(unsigned page, unsigned offset, unsigned size, uint64_t value)
{
    set(page, offset, size, value);
    model_sync(&model, page, offset, size);
}

/* Fields of the structure at the start of the domain's first page. */
static void arg(unsigned domain, unsigned offset, unsigned size, uint64_t value)
{
    guest(MODEL_RAM_PAGE(domain, 0), offset, size, value);
}

static void answer(unsigned domain, unsigned offset, unsigned size, uint64_t value)
{
    set(MODEL_RAM_PAGE(domain, 0), offset, size, value);
}

static bool call(unsigned domain, uint64_t nr, uint64_t op, uint64_t a1, uint64_t a2, int64_t result)
{
    const struct model_call c = {domain, 0, nr, {op, a1, a2}, result};

    return model_call(&model, &c);
}

static bool does(unsigned domain, uint64_t nr, uint64_t op, int64_t result)
{
    return call(domain, nr, op, VA(RAM), 1, result);
}

/* The machine is wrong: the model says so. The next part of the test begins with agreement again. */
#define WRONG(expression)               \
    do {                                \
        assert_false(expression);       \
        assert_non_null(model.failure); \
        model.failure = NULL;           \
    } while (0)
#define RIGHT(expression)                                                                       \
    do {                                                                                        \
        if (!(expression)) {                                                                    \
            fail_msg("%s: want 0x%lx got 0x%lx at 0x%lx", model.failure, model.want, model.got, \
                     model.where);                                                              \
        }                                                                                       \
    } while (0)

/* --- calls and pointers --- */

static void unknown_numbers(void **state)
{
    (void)state;
    RIGHT(does(0, 7, 0, -38));
    WRONG(does(0, 7, 0, 0));
    WRONG(does(0, 63, 0, -22));
    RIGHT(does(0, EVENT, 11, -38));
    WRONG(does(0, EVENT, 11, 0));
}

static void bad_pointers(void **state)
{
    (void)state;
    RIGHT(call(0, EVENT, 6, VA(WINDOW), 0, -14));
    WRONG(call(0, EVENT, 6, VA(WINDOW), 0, 0));
    WRONG(call(0, EVENT, 6, VA(WINDOW), 0, -22));
    RIGHT(call(0, EVENT, 6, ~UINT64_C(3), 0, -14));
    /* across the end of the last page before a hole */
    model.domains[0].slots[6].kind = slots[0][6].kind = MODEL_HOLE;
    RIGHT(call(0, EVENT, 6, VA(RAM + 6) - 4, 0, -14));
    WRONG(call(0, EVENT, 6, VA(RAM + 6) - 4, 0, 0));
    WRONG(call(0, EVENT, 4, VA(RAM + 6) - 4, 0, -14));
}

static void read_only_answers(void **state)
{
    (void)state;
    model.domains[0].slots[30] = (struct model_slot){MODEL_FOREIGN, true, MODEL_RAM_PAGE(1, 9), 0};
    slots[0][30] = model.domains[0].slots[30];
    guest(MODEL_RAM_PAGE(1, 9), 0, 2, SELF);
    guest(MODEL_RAM_PAGE(1, 9), 2, 2, 2);
    RIGHT(call(0, EVENT, 6, VA(WINDOW + 6), 0, -14));
    set(MODEL_RAM_PAGE(1, 9), 4, 4, 1); /* the hypervisor writes through a read-only mapping */
    WRONG(call(0, EVENT, 6, VA(WINDOW + 6), 0, 0));
    WRONG(call(0, EVENT, 6, VA(WINDOW + 6), 0, -14) && model_compare(&model));
}

/* --- event channels --- */

static bool alloc(unsigned domain, uint16_t remote, uint32_t port)
{
    arg(domain, 0, 2, SELF);
    arg(domain, 2, 2, remote);
    answer(domain, 4, 4, port);
    return does(domain, EVENT, 6, 0);
}

/* Sets pending of a port, its word and the upcall as the ABI says, vcpu_info in shared_info. */
static void machine_pends(unsigned domain, unsigned port)
{
    unsigned page = MODEL_SHARED_INFO(domain);

    pages[page][48 + port / 8u] |= (uint8_t)(1u << port % 8u);
    pages[page][8 + port / 64u / 8u] |= (uint8_t)(1u << port / 64u % 8u);
    pages[page][0] = 1;
    upcalls |= 1u << domain * 8u;
}

static bool bind(unsigned domain, uint16_t remote, uint32_t remote_port, uint32_t port, int64_t result)
{
    arg(domain, 0, 2, remote);
    arg(domain, 4, 4, remote_port);
    if (result == 0) {
        answer(domain, 8, 4, port);
    }
    return does(domain, EVENT, 0, result);
}

static void ports_are_chosen_once(void **state)
{
    (void)state;
    RIGHT(alloc(0, 2, 9));
    WRONG(alloc(0, 2, 9));
    WRONG(alloc(0, 2, 0));
    WRONG(alloc(0, 2, 71));
    RIGHT(alloc(0, 2, 70));
    arg(0, 0, 2, 2); /* for another domain */
    RIGHT(does(0, EVENT, 6, -1));
    WRONG(does(0, EVENT, 6, 0));
}

static void a_full_table(void **state)
{
    (void)state;
    for (uint32_t port = 1; port <= 70; port++) {
        RIGHT(alloc(0, 2, port));
        WRONG(does(0, EVENT, 6, port == 70 ? 0 : -28));
    }
    RIGHT(does(0, EVENT, 6, -28));
}

static void binding(void **state)
{
    (void)state;
    RIGHT(alloc(0, 2, 5));
    RIGHT(bind(1, 1, 6, 0, -22));
    WRONG(bind(1, 1, 5, 0, -22));
    machine_pends(1, 3);
    RIGHT(bind(1, 1, 5, 3, 0));
    assert_int_equal(model.domains[0].ports[5].state, PORT_INTERDOMAIN);
    RIGHT(bind(1, 1, 5, 0, -22));
    RIGHT(bind(1, 9, 5, 0, -3));
}

static void bound_ports_begin_pending(void **state)
{
    (void)state;
    RIGHT(alloc(0, 2, 5));
    WRONG(bind(1, 1, 5, 3, 0)); /* nothing was set */
}

static void only_who_was_named_may_bind(void **state)
{
    (void)state;
    RIGHT(alloc(0, 3, 5));
    RIGHT(bind(1, 1, 5, 0, -22));
    machine_pends(1, 3);
    WRONG(bind(1, 1, 5, 3, 0));
}

static void connect(void)
{
    RIGHT(alloc(0, 2, 5));
    machine_pends(1, 3);
    RIGHT(bind(1, 1, 5, 3, 0));
}

static void sending(void **state)
{
    (void)state;
    connect();
    arg(1, 0, 4, 3);
    WRONG(does(1, EVENT, 4, 0));
    machine_pends(0, 5);
    RIGHT(model_compare(&model));
    RIGHT(does(1, EVENT, 4, 0)); /* pending already */
    arg(1, 0, 4, 4);
    RIGHT(does(1, EVENT, 4, -22));
    WRONG(does(1, EVENT, 4, 0));
}

static void upcalls_are_sent(void **state)
{
    (void)state;
    connect();
    arg(1, 0, 4, 3);
    machine_pends(0, 5);
    upcalls = 0;
    WRONG(does(1, EVENT, 4, 0));
}

static void masked_ports_stay_quiet(void **state)
{
    (void)state;
    connect();
    guest(MODEL_SHARED_INFO(0), 560, 8, 1u << 5);
    arg(1, 0, 4, 3);
    set(MODEL_SHARED_INFO(0), 48, 8, 1u << 5);
    RIGHT(does(1, EVENT, 4, 0));
    arg(0, 0, 4, 5);
    set(MODEL_SHARED_INFO(0), 560, 8, 0);
    machine_pends(0, 5);
    RIGHT(does(0, EVENT, 9, 0));
    RIGHT(does(0, EVENT, 9, 0));
}

static void unmasking_tells_what_is_pending(void **state)
{
    (void)state;
    connect();
    guest(MODEL_SHARED_INFO(0), 560, 8, 1u << 5);
    guest(MODEL_SHARED_INFO(0), 48, 8, 1u << 5);
    arg(0, 0, 4, 5);
    set(MODEL_SHARED_INFO(0), 560, 8, 0);
    WRONG(does(0, EVENT, 9, 0));
}

static void closing(void **state)
{
    (void)state;
    connect();
    arg(1, 0, 4, 3);
    set(MODEL_SHARED_INFO(1), 48, 8, 0);
    RIGHT(does(1, EVENT, 3, 0));
    assert_int_equal(model.domains[0].ports[5].state, PORT_UNBOUND);
    RIGHT(does(1, EVENT, 3, -22));
    arg(0, 0, 4, 5);
    RIGHT(does(0, EVENT, 4, 0)); /* unbound: sent to nobody */
    arg(0, 0, 2, SELF);
    arg(0, 4, 4, 5);
    answer(0, 8, 8, 1);
    answer(0, 16, 4, 2);
    RIGHT(does(0, EVENT, 5, 0));
    answer(0, 8, 8, 2);
    WRONG(does(0, EVENT, 5, 0));
}

static void virqs_and_ipis(void **state)
{
    (void)state;
    arg(0, 0, 4, 0);
    arg(0, 4, 4, 1);
    answer(0, 8, 4, 7);
    RIGHT(does(0, EVENT, 1, 0));
    RIGHT(does(0, EVENT, 1, -17));
    WRONG(does(0, EVENT, 1, -22));
    arg(0, 0, 4, 5);
    RIGHT(does(0, EVENT, 1, -22));
    arg(0, 0, 4, 1);
    answer(0, 4, 4, 8);
    RIGHT(does(0, EVENT, 7, 0));
    arg(0, 0, 4, 8);
    arg(0, 4, 4, 0);
    RIGHT(does(0, EVENT, 8, -22)); /* an IPI does not move */
    WRONG(does(0, EVENT, 8, 0));
    arg(0, 0, 4, 7);
    RIGHT(does(0, EVENT, 4, -22)); /* a VIRQ is not the guest's to send */
}

static bool register_info(uint64_t gfn, uint64_t offset, int64_t result)
{
    arg(0, 0, 8, gfn);
    arg(0, 8, 8, offset);
    return call(0, 24, 10, 0, VA(RAM), result);
}

static void vcpu_info(void **state)
{
    (void)state;
    WRONG(register_info(RAM + 8, 64, 0)); /* no event was announced */
    start(NULL);
    set(MODEL_RAM_PAGE(0, 8), 64, 8, 1);
    set(MODEL_RAM_PAGE(0, 8), 72, 8, ~UINT64_C(0));
    upcalls = 1;
    RIGHT(register_info(RAM + 8, 64, 0));
    RIGHT(register_info(RAM + 8, 68, -6));
    RIGHT(register_info(RAM + 8, 4056, -6));
    WRONG(register_info(RAM + 8, 4056, 0));
    RIGHT(register_info(WINDOW, 0, -22));
    WRONG(register_info(RAM + 8, 64, -16)); /* again is no error here */
}

/* --- grants --- */

static void grant(unsigned granter, uint32_t ref, uint16_t flags, uint16_t to, uint64_t gfn)
{
    guest(MODEL_GRANT_FRAME(granter, ref / 512u), ref % 512u * 8u, 8, flags | (uint64_t)to << 16 | gfn << 32);
}

static void map_args(uint64_t gfn, uint32_t flags, uint32_t ref)
{
    arg(0, 0, 8, VA(gfn));
    arg(0, 8, 4, flags);
    arg(0, 12, 4, ref);
    arg(0, 16, 2, 2);
}

/* Domain 1 maps ref of domain 2 at gfn. */
static bool map(uint64_t gfn, uint32_t flags, uint32_t ref, int status, uint32_t handle)
{
    map_args(gfn, flags, ref);
    answer(0, 18, 2, (uint64_t)(int64_t)status);
    answer(0, 20, 4, handle);
    answer(0, 24, 8, 0);
    return does(0, GRANT, 0, 0);
}

static void machine_maps(unsigned slot, bool readonly, unsigned page, uint32_t ref)
{
    slots[0][slot] = (struct model_slot){MODEL_FOREIGN, readonly, (uint16_t)page, 0};
    pages[MODEL_GRANT_FRAME(1, 0)][ref * 8u] |= readonly ? 8 : 24;
}

static bool unmap(uint64_t gfn, uint32_t handle, int status)
{
    arg(0, 0, 8, VA(gfn));
    arg(0, 8, 8, 0);
    arg(0, 16, 4, handle);
    answer(0, 20, 2, (uint64_t)(int64_t)status);
    return does(0, GRANT, 1, 0);
}

static void mapping(void **state)
{
    (void)state;
    grant(1, 9, 1, 1, RAM + 10);
    machine_maps(MODEL_RAM, false, MODEL_RAM_PAGE(1, 10), 9);
    RIGHT(map(WINDOW, 2, 9, 0, 3));
    RIGHT(model_compare(&model));
    set(MODEL_GRANT_FRAME(1, 0), 72, 2, 1);
    slots[0][MODEL_RAM].kind = MODEL_HOLE;
    RIGHT(unmap(WINDOW, 3, 0));
    RIGHT(unmap(WINDOW, 3, -4)); /* twice */
    WRONG(unmap(WINDOW, 3, 0));
    RIGHT(model_compare(&model));
}

static void wrong_mappings(void **state)
{
    (void)state;
    grant(1, 9, 1, 1, RAM + 10);
    WRONG(map(WINDOW, 2, 9, 0, 3)); /* nothing appeared, no flag */
    start(NULL);
    grant(1, 9, 1, 1, RAM + 10);
    machine_maps(MODEL_RAM, false, MODEL_RAM_PAGE(1, 11), 9);
    WRONG(map(WINDOW, 2, 9, 0, 3)); /* another page */
    start(NULL);
    grant(1, 9, 1, 1, RAM + 10);
    machine_maps(MODEL_RAM, false, MODEL_RAM_PAGE(1, 10), 9);
    pages[MODEL_GRANT_FRAME(1, 0)][72] &= (uint8_t)~16u;
    WRONG(map(WINDOW, 2, 9, 0, 3)); /* not marked as being written */
    start(NULL);
    grant(1, 9, 1, 1, RAM + 10);
    machine_maps(MODEL_RAM, false, MODEL_RAM_PAGE(1, 10), 9);
    map_args(WINDOW, 2, 9);
    answer(0, 18, 2, 0);
    answer(0, 24, 8, 0x41234000); /* a host address */
    WRONG(does(0, GRANT, 0, 0));
}

static void refused_mappings(void **state)
{
    static const struct {
        uint16_t flags, to;
        uint64_t gfn;
        uint32_t map_flags, ref;
        int status;
    } cases[] = {
        {0, 1, RAM + 10, 2, 9, -1},    /* not granted */
        {1, 3, RAM + 10, 2, 9, -1},    /* to somebody else */
        {5, 1, RAM + 10, 2, 9, -1},    /* read-only */
        {1, 1, WINDOW, 2, 9, -9},      /* no page of its own */
        {1, 1, RAM + 10, 2, 512, -3},  /* above the table's size */
        {1, 1, RAM + 10, 2, 5000, -3}, /* above its limit */
        {1, 1, RAM + 10, 0, 9, -1},    /* no host mapping wanted */
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(NULL);
        grant(1, 9, cases[i].flags, cases[i].to, cases[i].gfn);
        RIGHT(map(WINDOW, cases[i].map_flags, cases[i].ref, cases[i].status, 0));
        machine_maps(MODEL_RAM, false, MODEL_RAM_PAGE(1, 10), 9);
        WRONG(map(WINDOW, cases[i].map_flags, cases[i].ref, 0, 0));
    }
}

static void handles(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        grant(1, 9 + i, 5, 1, RAM + 10 + i);
        machine_maps(MODEL_RAM + i, true, MODEL_RAM_PAGE(1, 10 + i), 9 + i);
        RIGHT(map(WINDOW + i, 6, 9 + i, 0, i));
    }
    grant(1, 11, 1, 1, RAM + 12);
    RIGHT(map(WINDOW + 2, 2, 11, -13, 0)); /* two are the limit */
    RIGHT(unmap(WINDOW, 1, -5));           /* another one's place */
    WRONG(unmap(WINDOW, 1, 0));
    start(NULL);
    grant(1, 9, 5, 1, RAM + 10);
    machine_maps(MODEL_RAM, true, MODEL_RAM_PAGE(1, 10), 9);
    RIGHT(map(WINDOW, 6, 9, 0, 7));
    machine_maps(MODEL_RAM + 1, true, MODEL_RAM_PAGE(1, 10), 9);
    WRONG(map(WINDOW + 1, 6, 9, 0, 7)); /* one handle for two */
}

static void marks_last_as_long_as_mappings(void **state)
{
    (void)state;
    grant(1, 9, 1, 1, RAM + 10);
    machine_maps(MODEL_RAM, false, MODEL_RAM_PAGE(1, 10), 9);
    RIGHT(map(WINDOW, 2, 9, 0, 1));
    machine_maps(MODEL_RAM + 1, true, MODEL_RAM_PAGE(1, 10), 9);
    RIGHT(map(WINDOW + 1, 6, 9, 0, 2));
    slots[0][MODEL_RAM].kind = MODEL_HOLE;
    set(MODEL_GRANT_FRAME(1, 0), 72, 2, 9); /* no longer written, still read */
    RIGHT(unmap(WINDOW, 1, 0));
    slots[0][MODEL_RAM + 1].kind = MODEL_HOLE;
    WRONG(unmap(WINDOW + 1, 2, 0)); /* the mark stays */
}

static bool copy(uint16_t length, uint16_t offset, int status)
{
    arg(0, 0, 8, 9);
    arg(0, 8, 2, 2);
    arg(0, 10, 2, offset);
    arg(0, 16, 8, RAM + 7);
    arg(0, 24, 2, SELF);
    arg(0, 26, 2, 16);
    arg(0, 32, 2, length);
    arg(0, 34, 2, 1);
    answer(0, 36, 2, (uint64_t)(int64_t)status);
    return does(0, GRANT, 5, 0);
}

static void copying(void **state)
{
    (void)state;
    grant(1, 9, 5, 1, RAM + 10);
    guest(MODEL_RAM_PAGE(1, 10), 4000, 8, 0x1122334455667788);
    set(MODEL_RAM_PAGE(0, 7), 16, 8, 0x1122334455667788);
    RIGHT(copy(8, 4000, 0));
    RIGHT(copy(97, 4000, -10));
    WRONG(copy(97, 4000, 0));
    set(MODEL_RAM_PAGE(0, 7), 24, 1, 1);
    WRONG(copy(8, 4000, 0) && model_compare(&model)); /* a byte too much */
    start(NULL);
    grant(1, 9, 5, 1, RAM + 10);
    guest(MODEL_RAM_PAGE(1, 10), 4000, 8, 0x1122334455667788);
    set(MODEL_RAM_PAGE(0, 7), 16, 7, 0x22334455667788);
    WRONG(copy(8, 4000, 0)); /* one too few */
    grant(1, 9, 5, 3, RAM + 10);
    RIGHT(copy(8, 4000, -1));
}

static void faults_stop_arrays(void **state)
{
    (void)state;
    model.domains[0].slots[2].kind = slots[0][2].kind = MODEL_HOLE;
    guest(MODEL_RAM_PAGE(0, 1), 4096 - 24 + 16, 4, 77); /* a handle that is not one */
    set(MODEL_RAM_PAGE(0, 1), 4096 - 24 + 20, 2, 0xfffc);
    RIGHT(call(0, GRANT, 1, VA(RAM + 2) - 24, 2, -14));
    WRONG(call(0, GRANT, 1, VA(RAM + 2) - 24, 2, 0));
    RIGHT(call(0, GRANT, 1, VA(RAM + 2) - 24, 1, 0));
    WRONG(call(0, GRANT, 1, VA(RAM + 2) - 24, 1, -14));
}

/* --- the physical map --- */

static bool add(uint32_t space, uint64_t index, uint64_t gfn, int64_t result)
{
    arg(0, 0, 2, SELF);
    arg(0, 4, 4, space);
    arg(0, 8, 8, index);
    arg(0, 16, 8, gfn);
    return does(0, MEMORY, 7, result);
}

static void machine_shows(unsigned slot, unsigned page)
{
    slots[0][slot] = (struct model_slot){MODEL_SHARED, false, (uint16_t)page, 0};
}

static void shared_pages(void **state)
{
    (void)state;
    machine_shows(MODEL_RAM + 1, MODEL_SHARED_INFO(0));
    RIGHT(add(0, 0, WINDOW + 1, 0));
    machine_shows(MODEL_RAM + 2, MODEL_SHARED_INFO(0));
    WRONG(add(0, 0, WINDOW + 2, 0)); /* it is in two places */
    slots[0][MODEL_RAM + 1].kind = MODEL_HOLE;
    RIGHT(model_compare(&model));
    RIGHT(add(0, 1, WINDOW + 3, -22));
    WRONG(add(0, 1, WINDOW + 3, 0));
    RIGHT(add(1, 4, WINDOW + 3, -22));
    RIGHT(add(0, 0, UINT64_C(1) << 52, -22));
    RIGHT(add(4, 0, WINDOW + 3, -38));
    machine_shows(MODEL_RAM + 5, MODEL_GRANT_FRAME(0, 2));
    RIGHT(add(1, 2, WINDOW + 5, 0));
    assert_int_equal(model.domains[0].nr_frames, 3);
    machine_shows(MODEL_RAM + 6, MODEL_GRANT_FRAME(1, 1));
    WRONG(add(1, 1, WINDOW + 6, 0)); /* somebody else's frame */
}

static bool reserve(unsigned op, uint64_t gfn, uint64_t count, int64_t result)
{
    arg(0, 0, 8, VA(RAM) + 64);
    arg(0, 8, 8, count);
    arg(0, 16, 8, 0);
    arg(0, 24, 8, SELF);
    for (unsigned i = 0; i < count; i++) {
        arg(0, 64 + i * 8u, 8, gfn + i);
    }
    return does(0, MEMORY, op, result);
}

static void parked_pages(void **state)
{
    (void)state;
    WRONG(reserve(1, RAM + 6, 2, 2));
    model.domains[0].slots[6] = slots[0][6];
    model.domains[0].slots[7] = slots[0][7];
    slots[0][6].kind = slots[0][7].kind = MODEL_HOLE;
    RIGHT(reserve(1, RAM + 6, 2, 2));
    RIGHT(reserve(1, RAM + 6, 2, 0));
    slots[0][6] = (struct model_slot){MODEL_OWN, false, MODEL_RAM_PAGE(0, 6), 0};
    RIGHT(reserve(6, RAM + 6, 1, 1));
    slots[0][7] = (struct model_slot){MODEL_OWN, false, MODEL_RAM_PAGE(0, 8), 0};
    WRONG(reserve(6, RAM + 7, 1, 1)); /* not the same page as before */
    start(NULL);
    WRONG(reserve(1, RAM + 6, 2, 0)); /* could have been done */
}

/* --- the generator --- */

static void one_seed_one_order(void **state)
{
    static const struct gen_layout layout = {1, 2, 3, 0, RAM, WINDOW, 0, 0x3001000, 70, 4, 0};
    static struct gen a, b;
    struct gen_call x, y;
    unsigned kinds[64] = {0};

    (void)state;
    gen_init(&a, &layout, 5);
    gen_init(&b, &layout, 5);
    for (unsigned i = 0; i < 20000; i++) {
        gen_next(&a, &x);
        gen_next(&b, &y);
        assert_memory_equal(&x, &y, sizeof x);
        assert_true(x.block_size <= GEN_BLOCK);
        assert_true(x.block_va >= VA(RAM) && x.block_va + x.block_size <= VA(RAM + 2) - MODEL_RESTLESS);
        kinds[x.kind == GEN_POKE ? 0 : x.nr % 64u]++;
    }
    for (unsigned i = 0; i < 64; i++) {
        static const uint8_t used[] = {0, 12, 17, 18, 20, 24, 29, 32, 34};

        if (memchr(used, (int)i, sizeof used) != NULL) {
            assert_true(kinds[i] > 20);
        }
    }
    gen_init(&b, &layout, 6);
    gen_next(&b, &y);
    gen_next(&b, &y);
    assert_memory_not_equal(&x, &y, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unknown_numbers, start),
        cmocka_unit_test_setup(bad_pointers, start),
        cmocka_unit_test_setup(read_only_answers, start),
        cmocka_unit_test_setup(ports_are_chosen_once, start),
        cmocka_unit_test_setup(a_full_table, start),
        cmocka_unit_test_setup(binding, start),
        cmocka_unit_test_setup(bound_ports_begin_pending, start),
        cmocka_unit_test_setup(only_who_was_named_may_bind, start),
        cmocka_unit_test_setup(sending, start),
        cmocka_unit_test_setup(upcalls_are_sent, start),
        cmocka_unit_test_setup(masked_ports_stay_quiet, start),
        cmocka_unit_test_setup(unmasking_tells_what_is_pending, start),
        cmocka_unit_test_setup(closing, start),
        cmocka_unit_test_setup(virqs_and_ipis, start),
        cmocka_unit_test_setup(vcpu_info, start),
        cmocka_unit_test_setup(mapping, start),
        cmocka_unit_test_setup(wrong_mappings, start),
        cmocka_unit_test_setup(refused_mappings, start),
        cmocka_unit_test_setup(handles, start),
        cmocka_unit_test_setup(marks_last_as_long_as_mappings, start),
        cmocka_unit_test_setup(copying, start),
        cmocka_unit_test_setup(faults_stop_arrays, start),
        cmocka_unit_test_setup(shared_pages, start),
        cmocka_unit_test_setup(parked_pages, start),
        cmocka_unit_test_setup(one_seed_one_order, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
