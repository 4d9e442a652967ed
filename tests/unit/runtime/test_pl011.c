/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of the PL011 on models of its registers: nothing that is written or typed stays where it is,
 * whatever the hardware does between two accesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/console_mux.h"
#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/terminals.h"
#include "runtime/gic.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { BASE = 0x9000000, INTID = 33, TX = 1 << 5, RX = 1 << 4, TIMEOUT = 1 << 6 };
enum { MAX_CHOICES = 256, MAX_DEPTH = 32 };

/* When the interrupts become pending. DDI 0183, 2.8: the transmitter's when the FIFO has come down to its
 * level, the receiver's when it has come up to it, and the time-out's when bytes wait and none comes any
 * more. */
struct kind {
    const char *name;
    uint32_t depth;      /* of either FIFO */
    uint32_t low;        /* level of the transmitter's */
    uint32_t high;       /* and of the receiver's */
    bool filling_clears; /* the transmitter's ends when the level is exceeded, and not only when it is cleared
                          */
    bool each_byte;      /* it comes with each byte that leaves, at any level: QEMU */
    bool timeout;        /* there is one: not in QEMU */
    bool
        follows; /* the receiver's cannot be cleared while bytes wait: the hypervisor's own (core/vpl011.h) */
};

static const struct kind kinds[] = {
    {"FIFO of 4, level 2", 4, 2, 2, true, false, true, false},
    {"FIFO of 3, level 1, cleared only", 3, 1, 2, false, false, true, false},
    {"no FIFO", 1, 0, 1, true, false, true, false},
    {"QEMU, FIFO of 4", 4, 3, 1, false, true, false, false},
    {"QEMU, no FIFO", 1, 0, 1, false, true, false, false},
    {"the hypervisor's", 4, 2, 1, false, true, false, true},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static struct {
    const struct kind *kind;
    uint32_t mask, raw;
    uint32_t waiting; /* bytes in the transmitter */
    uint8_t fifo[MAX_DEPTH];
    char *sent;
    uint32_t nr_sent, size;
    const char *typed;         /* what comes in, */
    uint32_t nr_typed, length; /* how much of it has come, and all */
    uint32_t unread;           /* of that, in the receiver */
} model;

static void (*handler)(void *context);
static void *handler_context;
static struct alarm *alarm;
static uint64_t now;
static bool is_sbsa;

/* ---- what the hardware does by itself: each possibility in turn, or by chance */

static uint8_t choices[MAX_CHOICES];
static uint32_t nr_choices, at_choice;
static uint64_t seed; /* 0: each in turn */

static bool choose(void)
{
    if (seed != 0) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (seed >> 33) % 4 == 0;
    }
    assert_true(nr_choices < MAX_CHOICES);
    if (at_choice == nr_choices) {
        choices[nr_choices++] = 0;
    }
    return choices[at_choice++] != 0;
}

static bool next_choices(void)
{
    while (nr_choices != 0 && choices[nr_choices - 1] != 0) {
        nr_choices--;
    }
    if (nr_choices == 0) {
        return false;
    }
    choices[nr_choices - 1] = 1;
    at_choice = 0;
    return true;
}

static void send_one(void)
{
    assert_true(model.nr_sent < model.size);
    model.sent[model.nr_sent++] = (char)model.fifo[0];
    memmove(model.fifo, model.fifo + 1, --model.waiting);
    if (model.waiting == model.kind->low || model.kind->each_byte) {
        model.raw |= TX;
    }
}

static bool comes(void)
{
    return model.nr_typed < model.length && model.unread < model.kind->depth;
}

static void receive_one(void)
{
    model.nr_typed++;
    if (++model.unread == model.kind->high) {
        model.raw |= RX;
    }
}

static void follow(void)
{
    if (model.kind->follows) {
        model.raw = model.unread != 0 ? model.raw | RX : model.raw & ~(uint32_t)RX;
    }
}

/* True: something happened. */
static bool time_goes_on(void)
{
    uint32_t before = model.nr_sent + model.nr_typed;

    now++;
    while (model.waiting != 0 && choose()) {
        send_one();
    }
    while (comes() && choose()) {
        receive_one();
    }
    follow();
    return model.nr_sent + model.nr_typed != before;
}

static uint32_t read_byte(void)
{
    uint8_t byte = (uint8_t)model.typed[model.nr_typed - model.unread];

    assert_true(model.unread != 0);
    if (--model.unread < model.kind->high) {
        model.raw &= ~(uint32_t)RX;
    }
    if (model.unread == 0) {
        model.raw &= ~(uint32_t)TIMEOUT;
    }
    return byte;
}

uint32_t read32(uintptr_t at)
{
    (void)time_goes_on();
    if (at == BASE) {
        return read_byte();
    }
    assert_int_equal(at, BASE + 0x18);
    return (model.unread == 0 ? 1u << 4 : 0) | (model.waiting == model.kind->depth ? 1u << 5 : 0);
}

void write32(uintptr_t at, uint32_t value)
{
    (void)time_goes_on();
    switch (at - BASE) {
    case 0:
        assert_true(model.waiting < model.kind->depth); /* else it is lost */
        model.fifo[model.waiting++] = (uint8_t)value;
        if (model.kind->filling_clears && model.waiting > model.kind->low) {
            model.raw &= ~(uint32_t)TX;
        }
        break;
    case 0x30:
        assert_false(is_sbsa);
        break;
    case 0x38:
        model.mask = value;
        break;
    case 0x44:
        model.raw &= ~value;
        follow();
        break;
    default:
        fail_msg("write to 0x%lx", (unsigned long)(at - BASE));
    }
}

/* ---- the runtime */

tree_node tree_find(tree_node node, const char *compatible)
{
    (void)node;
    return (strcmp(compatible, "arm,sbsa-uart") == 0) == is_sbsa ? 1 : TREE_NONE;
}

uint64_t tree_number(tree_node node, const char *name, uint32_t at, uint32_t cells, uint64_t otherwise)
{
    (void)node;
    (void)name;
    (void)at;
    (void)cells;
    (void)otherwise;
    return BASE;
}

const char *tree_name(tree_node node)
{
    (void)node;
    return "serial";
}

void *arena_alloc(size_t size, size_t align, const char *what)
{
    static uint64_t memory[64];

    (void)align;
    (void)what;
    assert_true(size <= sizeof memory);
    return memset(memory, 0, sizeof memory);
}

void memory_map(uint64_t address, uint64_t size, enum memory_kind kind)
{
    (void)address;
    (void)size;
    assert_int_equal(kind, MEMORY_DEVICE);
}

uint32_t gic_intid(tree_node node, bool *edge)
{
    (void)node;
    *edge = false;
    return INTID;
}

void gic_handle(uint32_t intid, bool edge, void (*h)(void *context), void *context)
{
    assert_int_equal(intid, INTID);
    assert_false(edge);
    handler = h;
    handler_context = context;
}

uint64_t ticks_now(void)
{
    return now;
}

uint64_t ticks_per_ms(void)
{
    return 10;
}

void alarm_set(struct alarm *a, uint64_t when)
{
    alarm = a;
    alarm->when = when;
    alarm->set = true;
}

_Noreturn void crash(const char *why, const char *what)
{
    fprintf(stderr, "crash: %s%s\n", why, what);
    abort();
}

void log_begin(const char *text)
{
    (void)text;
}

void log_put(const char *format, const uint64_t *values)
{
    (void)format;
    (void)values;
}

void log_end(void)
{
}

/* ---- */

/* Who tells the driver to go on. */
struct wakers {
    bool interrupt, alarm;
};

/* `before`: bytes that were typed before the driver starts. */
static struct text *power_on(const struct kind *kind, char *sent, uint32_t size, const char *typed,
                             uint32_t before)
{
    struct text *text;

    assert_true(before <= kind->depth);
    memset(&model, 0, sizeof model);
    model.kind = kind;
    model.sent = sent;
    model.size = size;
    model.typed = typed;
    model.length = (uint32_t)strlen(typed);
    while (model.unread < before) {
        receive_one();
    }
    alarm = NULL;
    is_sbsa = kind->follows;
    text = pl011_start();
    assert_non_null(text);
    return text;
}

static bool run_alarm(void)
{
    if (alarm == NULL || !alarm->set) {
        return false;
    }
    now = now < alarm->when ? alarm->when : now;
    alarm->set = false;
    alarm->source.run(&alarm->source);
    return true;
}

/* The event loop has nothing to do: the hardware goes on, and somebody may wake it. False: nothing happens
 * any more. */
static bool sleep(struct wakers wakers)
{
    if (time_goes_on()) {
        return true;
    }
    if (wakers.interrupt && (model.raw & model.mask) != 0) {
        handler(handler_context);
    } else if (model.waiting != 0) {
        send_one();
    } else if (comes()) {
        receive_one();
    } else if (model.kind->timeout && model.unread != 0 && (model.raw & TIMEOUT) == 0) {
        model.raw |= TIMEOUT;
    } else {
        return wakers.alarm && run_alarm();
    }
    if (wakers.alarm && alarm != NULL && alarm->set && choose()) {
        (void)run_alarm();
    }
    return true;
}

/* ---- output */

static const char words[] = "abcde";
static uint32_t written;

static void no_input(struct text *text, const uint8_t *data, uint32_t length)
{
    (void)text;
    (void)data;
    assert_int_equal(length, 0);
}

static void write_on(struct text *text)
{
    written += text->put(text, (const uint8_t *)words + written, (uint32_t)strlen(words) - written);
}

/* False: some of it stays where it is. */
static bool says(const struct kind *kind, struct wakers wakers)
{
    char sent[sizeof words] = "";
    struct text *text = power_on(kind, sent, sizeof words - 1, "", 0);

    text->ready = write_on;
    text->input = no_input;
    written = 0;
    write_on(text);
    for (uint32_t steps = 0; model.nr_sent < strlen(words); steps++) {
        assert_true(steps < 100);
        if (!sleep(wakers)) {
            return false;
        }
    }
    assert_string_equal(sent, words);
    return true;
}

/* How many of all ways end well. */
static uint32_t all_ways(const struct kind *kind, struct wakers wakers, uint32_t *ways)
{
    uint32_t good = 0;

    *ways = 0;
    seed = 0;
    nr_choices = 0;
    at_choice = 0;
    do {
        good += says(kind, wakers);
        (*ways)++;
    } while (next_choices());
    return good;
}

static void is_said(struct wakers wakers)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        uint32_t ways, good = all_ways(&kinds[i], wakers, &ways);

        print_message("%s: %u ways\n", kinds[i].name, ways);
        assert_int_equal(good, ways);
        assert_true(ways > 100);
    }
}

static void by_interrupts_alone(void **state)
{
    (void)state;
    is_said((struct wakers){.interrupt = true});
}

static void by_the_alarm_alone(void **state)
{
    (void)state;
    is_said((struct wakers){.alarm = true});
}

static void by_both(void **state)
{
    (void)state;
    is_said((struct wakers){.interrupt = true, .alarm = true});
}

/* The control: with neither, whatever finds the transmitter full stays. */
static void by_nobody(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < KINDS; i++) {
        uint32_t ways, good = all_ways(&kinds[i], (struct wakers){.interrupt = false}, &ways);

        assert_true(good < ways);
    }
}

/* ---- input */

static char typed[301], heard[301];
static uint32_t nr_heard;

static void hear(struct text *text, const uint8_t *data, uint32_t length)
{
    (void)text;
    assert_true(length <= sizeof heard - 1 - nr_heard);
    memcpy(heard + nr_heard, data, length);
    nr_heard += length;
}

static void nothing_more(struct text *text)
{
    (void)text;
}

static void all_is_heard(const struct kind *kind, uint32_t before)
{
    struct text *text = power_on(kind, NULL, 0, typed, before);

    text->input = hear;
    text->ready = nothing_more;
    nr_heard = 0;
    for (uint32_t steps = 0; nr_heard < strlen(typed); steps++) {
        assert_true(steps < 10000);
        if (!sleep((struct wakers){.interrupt = true, .alarm = true})) {
            fail_msg("%s: %u of %u bytes, %u wait", kind->name, nr_heard, model.length, model.unread);
        }
    }
    assert_memory_equal(heard, typed, sizeof typed - 1);
}

/* Some FIFOs are filled again before they are empty, for longer than the driver reads on; and some were full
 * before it started. */
static void each_key_is_heard(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof typed - 1; i++) {
        typed[i] = (char)('a' + i % 26);
    }
    for (uint32_t i = 0; i < KINDS; i++) {
        for (uint64_t n = 1; n <= 1000; n++) {
            seed = n;
            all_is_heard(&kinds[i], 0);
            all_is_heard(&kinds[i], kinds[i].depth);
        }
    }
}

/* ---- and both, with the terminal's lines on it */

enum { WRITERS = 3, LINES = 40 };

static struct console_mux mux;
static struct writer {
    struct console_line line;
    char text[64];
    uint32_t nr, done; /* lines, and bytes of the line */
} writers[WRITERS];

static void begin_line(struct writer *writer)
{
    snprintf(writer->text, sizeof writer->text, "%u of %u, which is neither short nor long\n", writer->nr,
             LINES);
    writer->done = 0;
}

static void go_on(struct console_line *line)
{
    struct writer *writer = (struct writer *)(void *)line;

    while (writer->nr < LINES) {
        uint32_t length = (uint32_t)strlen(writer->text) - writer->done;
        uint32_t taken = console_mux_write(&mux, line, (const uint8_t *)writer->text + writer->done, length);

        writer->done += taken;
        if (taken < length) {
            return;
        }
        writer->nr++;
        begin_line(writer);
    }
}

static void forget(struct console_line *line)
{
    uint8_t bytes[8];

    while (console_line_read(line, bytes, sizeof bytes) != 0) {
    }
}

static bool have_ended(void)
{
    for (uint32_t i = 0; i < WRITERS; i++) {
        if (writers[i].nr < LINES) {
            return false;
        }
    }
    return mux.used == 0 && model.waiting == 0;
}

/* Each writer's lines, all and in order. */
static void all_is_there(char *seen)
{
    uint32_t next[WRITERS] = {0};

    for (char *line = strtok(seen, "\r\n"); line != NULL; line = strtok(NULL, "\r\n")) {
        uint32_t writer, number;

        assert_int_equal(sscanf(line, "w%u: %u of", &writer, &number), 2);
        assert_in_range(writer, 0, WRITERS - 1);
        assert_int_equal(number, next[writer]);
        next[writer]++;
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_int_equal(next[i], LINES);
    }
}

static void lines_of_many(const struct kind *kind, struct wakers wakers)
{
    static char seen[16384];
    struct text *text = power_on(kind, seen, sizeof seen - 1, "keys", 0);

    memset(seen, 0, sizeof seen);
    memset(writers, 0, sizeof writers);
    console_mux_init(&mux, text);
    for (uint32_t i = 0; i < WRITERS; i++) {
        snprintf(writers[i].line.prefix, CONSOLE_PREFIX, "w%u: ", i);
        writers[i].line.room = go_on;
        writers[i].line.input = forget;
        assert_true(console_mux_add(&mux, &writers[i].line));
        begin_line(&writers[i]);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        go_on(&writers[i].line);
    }
    for (uint32_t steps = 0; !have_ended(); steps++) {
        assert_true(steps < 100000);
        if (!sleep(wakers)) {
            fail_msg("%s: %u bytes came out, %u wait", kind->name, model.nr_sent, mux.used);
        }
    }
    all_is_there(seen);
}

static void many_writers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < KINDS; i++) {
        for (uint64_t n = 1; n <= 30; n++) {
            seed = n;
            lines_of_many(&kinds[i], (struct wakers){.interrupt = n % 3 != 0, .alarm = n % 3 != 1});
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_interrupts_alone),
        cmocka_unit_test(by_the_alarm_alone),
        cmocka_unit_test(by_both),
        cmocka_unit_test(by_nobody),
        cmocka_unit_test(each_key_is_heard),
        cmocka_unit_test(many_writers),
    };

    return cmocka_run_group_tests_name("runtime_pl011", tests, NULL, NULL);
}
