/* SPDX-License-Identifier: Apache-2.0 */
/* The console keeps its state in static variables, so each test runs in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/format.h"
#include "core/log.h"
#include "core/print.h"
#include "fake.h"

#define CHECK(condition)                                                                             \
    do {                                                                                             \
        if (!(condition)) {                                                                          \
            fprintf(stderr, "%s:%d: %s\nwire: %.600s\n", __FILE__, __LINE__, #condition, fake.wire); \
            exit(1);                                                                                 \
        }                                                                                            \
    } while (0)

static void isolated(void **state)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        ((void (*)(void))*state)();
        exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Domains 1 .. count; the announcement of the focus is taken off the wire. */
static void start(unsigned count, unsigned depth)
{
    fake_init(0);
    console_init(NULL, false);
    for (unsigned domid = 1; domid <= count; domid++) {
        vpl011_init(&uarts[domid], domid, (struct virq *)(uintptr_t)domid, 32);
    }
    CHECK(strcmp(fake.wire, "(BH) input to DOM1: Ctrl-A three times moves on\r\n") == 0);
    memset(&fake, 0, sizeof(fake));
    fake_init(depth);
}

static void settle(void)
{
    while (fake_irq()) {
    }
}

static void type(const char *text)
{
    fake.input = text;
    settle();
}

static bool wire_is(const char *text)
{
    settle();
    bool same = strcmp(fake.wire, text) == 0;

    if (same) {
        memset(fake.wire, 0, fake.sent);
        fake.sent = 0;
    }
    return same;
}

/* Somebody types at DOM1: from now on it sends byte by byte. */
static void go_live(void)
{
    type("x");
    CHECK(guest_read(1, DR) == 'x');
    CHECK(wire_is(""));
}

/* --- output --- */

static void whole_lines(void)
{
    start(3, 0);
    guest_text(2, "he");
    guest_text(3, "good");
    CHECK(wire_is(""));
    guest_text(2, "llo\r\n");
    CHECK(wire_is("DOM2: hello\r\n"));
    guest_text(3, "bye\n\n\rx\r\n");
    CHECK(wire_is("DOM3: goodbye\r\nDOM3: \r\nDOM3: x\r\n"));
}

static void prompt(void)
{
    start(2, 0);
    guest_text(1, "/ # ");
    guest_text(2, "one\n");
    CHECK(wire_is("DOM2: one\r\n")); /* DOM1 may be in the middle of a line */
    guest_write(1, IMSC, RXI | RTI); /* Linux has masked TX: no */
    CHECK(wire_is("DOM1: / # "));
    guest_text(2, "two\n");
    CHECK(wire_is("\r\nDOM2: two\r\n"));
    guest_text(1, "login: ");
    for (int n = 0; n < 4; n++) { /* polls for input */
        guest_read(1, FR);
    }
    CHECK(wire_is("DOM1: login: "));
    guest_write(1, DR, '\n');
    guest_text(1, "no hint");
    CHECK(wire_is("\r\n"));
    type("k");
    CHECK(wire_is("DOM1: no hint"));
    guest_text(1, "\n");
    CHECK(wire_is("\r\n") && guest_read(1, DR) == 'k');
    guest_text(1, "ls"); /* live: it echoes */
    CHECK(wire_is("DOM1: ls"));
    for (int n = 0; n < 4; n++) { /* polls for input */
        guest_read(1, FR);
    }
    guest_text(2, "three\n");
    CHECK(wire_is("\r\nDOM2: three\r\n"));
    guest_text(1, "\r\nfile\r\n"); /* the end of the line that was cut makes no empty one */
    CHECK(wire_is("DOM1: file\r\n"));
    guest_text(1, "\n");
    CHECK(wire_is("DOM1: \r\n"));
}

static void focused_line_stays_whole(void)
{
    start(2, 0);
    guest_text(1, "be");
    guest_text(2, "a\n");
    guest_text(1, "gin\n");
    CHECK(wire_is("DOM2: a\r\nDOM1: begin\r\n"));
    go_live();
    guest_text(1, "begin ");
    guest_text(2, "a\nb\nc\n");
    guest_text(1, "end\n");
    CHECK(wire_is("DOM1: begin end\r\nDOM2: a\r\nDOM2: b\r\nDOM2: c\r\n"));
    guest_text(1, "hung");
    guest_text(2, "a\nb\nc\nd\n"); /* but not for ever */
    CHECK(wire_is("DOM1: hung\r\nDOM2: a\r\nDOM2: b\r\nDOM2: c\r\nDOM2: d\r\n"));
    guest_text(1, "more");
    for (int n = 0; n < 8; n++) {
        print("message %d, some thirty bytes", n);
    }
    CHECK(strstr(fake.wire, "DOM1: more") == fake.wire && strstr(fake.wire, "\r\n(BH) message 7") == NULL);
    print("message 8, some thirty bytes");
    settle();
    CHECK(strstr(fake.wire, "DOM1: more\r\n(BH) message 0") == fake.wire &&
          strstr(fake.wire, "(BH) message 8") != NULL);
}

static void full_buffer(void)
{
    start(2, 0);
    for (unsigned n = 0; n < CONSOLE_OUT - 1; n++) {
        guest_text(2, "x");
    }
    CHECK(wire_is(""));
    guest_text(2, "x");
    guest_text(1, "one\n");
    settle();
    CHECK(fake.sent == 6 + CONSOLE_OUT + strlen("\r\nDOM1: one\r\n"));
    CHECK(strcmp(fake.wire + 6 + CONSOLE_OUT, "\r\nDOM1: one\r\n") == 0);
}

/* A domain that has everybody's bytes, in order, on a line that is slow: nothing is lost, no line is mixed.
 */
static void no_loss(void)
{
    enum { DOMAINS = 3, LINES = 400 };
    unsigned at[DOMAINS + 1] = {0}, line[DOMAINS + 1] = {0}, seen[DOMAINS + 1] = {0}, idle = 0;
    char text[DOMAINS + 1][160];

    start(DOMAINS, 16);
    srand(1);
    for (unsigned domid = 1; domid <= DOMAINS; domid++) {
        snprintf(text[domid], sizeof(text[domid]), "line 0 of %u\r\n", domid);
    }
    while (idle < 100000) {
        unsigned domid = 1 + (unsigned)rand() % DOMAINS;

        idle++;
        if (line[domid] < LINES && guest_try(domid, text[domid][at[domid]])) {
            idle = 0;
            if (text[domid][++at[domid]] == '\0') {
                at[domid] = 0;
                line[domid]++;
                snprintf(text[domid], sizeof(text[domid]), "line %u of %u %.*s\r\n", line[domid], domid,
                         rand() % 100,
                         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcde"
                         "fghijklm");
            }
        }
        fake_drain((unsigned)rand() % 2);
        fake_irq();
    }
    for (char *save = NULL, *next = strtok_r(fake.wire, "\r\n", &save); next != NULL;
         next = strtok_r(NULL, "\r\n", &save)) {
        unsigned prefix, number, of;

        CHECK(sscanf(next, "DOM%u: line %u of %u", &prefix, &number, &of) == 3);
        CHECK(prefix == of && number == seen[of]);
        seen[of]++;
    }
    for (unsigned domid = 1; domid <= DOMAINS; domid++) {
        CHECK(seen[domid] == LINES);
    }
}

static void fairness(const char *flood, unsigned flooder, unsigned victim)
{
    unsigned at = 0;

    start(2, 16);
    type("x");
    CHECK(guest_read(1, DR) == 'x');
    for (unsigned n = 0; n < 20000; n++) {
        if (guest_try(flooder, flood[at])) {
            at = flood[at + 1] == '\0' ? 0 : at + 1;
        }
        fake_drain(1);
        fake_irq();
    }
    uint32_t before = fake.sent;
    guest_text(victim, "help\n");
    while (strstr(fake.wire + before, "help\r\n") == NULL) {
        CHECK(fake.sent - before < 2 * CONSOLE_TURN);
        if (guest_try(flooder, flood[at])) {
            at = flood[at + 1] == '\0' ? 0 : at + 1;
        }
        fake_drain(1);
        fake_irq();
    }
}

static void fair_focused_lines(void)
{
    fairness("the quick brown fox\n", 1, 2);
}

static void fair_focused_endless(void)
{
    fairness("x", 1, 2);
}

static void fair_background_endless(void)
{
    fairness("x", 2, 1);
}

static void last_words(void)
{
    start(2, 0);
    guest_text(2, "Oops");
    CHECK(wire_is(""));
    console_end(&uarts[2].port);
    CHECK(wire_is("DOM2: Oops\r\n"));
    guest_text(1, "a");
    guest_text(1, "\n");
    CHECK(wire_is("DOM1: a\r\n"));
}

static void drain_at_the_end(void)
{
    start(2, 0);
    guest_text(1, "one");
    guest_text(2, "two");
    print("three");
    console_drain();
    CHECK(strstr(fake.wire, "DOM2: two") != NULL && strstr(fake.wire, "(BH) three\r\n") != NULL);
    fake_init(8); /* a dead UART must not keep us */
    guest_text(1, "never seen, never seen\n");
    console_drain();
}

static void panic(void)
{
    start(2, 0);
    go_live();
    guest_text(1, "middle of");
    guest_text(2, "held");
    print("last message");
    CHECK(strstr(fake.wire, "last message") == NULL);
    print_panic("fault at %lx", 0x1234ul);
    CHECK(wire_is("DOM1: middle of\r\n(BH) last message\r\n(BH) fault at 1234\r\n"));
    guest_text(1, "\n"); /* a pCPU that still runs */
    CHECK(wire_is(""));
    print_panic("more");
    CHECK(wire_is("(BH) more\r\n"));
}

/* --- vpl011 --- */

static void flow_control(void)
{
    unsigned taken = 0;

    start(1, 16);
    guest_write(1, ICR, 0x7ff);
    CHECK(guest_read(1, FR) == (TXFE | RXFE));
    while (guest_try(1, 'x')) {
        taken++;
    }
    CHECK(taken == CONSOLE_OUT + 16 - 6); /* full, then what went to the wire after the prefix */
    CHECK((guest_read(1, FR) & (TXFF | BUSY | TXFE)) == (TXFF | BUSY));
    CHECK((guest_read(1, RIS) & TXI) == 0);
    guest_write(1, IMSC, TXI);
    CHECK(!fake.line[1]);
    for (int n = 0; n < 600; n++) {
        fake_drain(1);
        fake_irq();
    }
    CHECK(fake.line[1] && fake.raised[1] == 1);
    CHECK(guest_read(1, MIS) == TXI && (guest_read(1, FR) & (TXFF | BUSY | TXFE)) == TXFE);
    for (int n = 0; n < 16; n++) { /* Linux writes half a FIFO without looking at TXFF */
        guest_write(1, DR, 'y');
    }
    guest_write(1, IMSC, 0);
    CHECK(!fake.line[1]);
}

/* Polling for room is not polling for input: a line is not cut because its writer waits. */
static void waiting_is_not_idle(void)
{
    start(2, 16);
    for (unsigned n = 0; n < CONSOLE_OUT + 400; n++) {
        guest_try(1, 'x');
    }
    CHECK(!uarts[1].port.settled);
}

static void held_line_is_not_busy(void)
{
    start(2, 0);
    guest_text(2, "no newline");
    CHECK(guest_read(2, FR) == (TXFE | RXFE));
}

static void registers(void)
{
    start(1, 0);
    CHECK(guest_read(1, 0x30) == 0 && guest_read(1, 0xfe0) == 0 && guest_read(1, 0x19) == 0);
    guest_write(1, 0x30, 0x301);
    guest_write(1, IMSC, 0xffffffff);
    CHECK(guest_read(1, IMSC) == 0x7ff);
    CHECK(guest_read(1, MIS) == 0 && guest_read(1, RIS) == 0);
    guest_text(1, "a");
    CHECK(guest_read(1, RIS) == TXI && fake.line[1]);
    guest_write(1, ICR, TXI);
    CHECK(guest_read(1, RIS) == 0 && !fake.line[1]);
    guest_text(1, "\n");
    struct virq_effects effects = {0};
    vpl011_reset(&uarts[1], &effects);
    CHECK(!fake.line[1] && guest_read(1, IMSC) == 0 && guest_read(1, RIS) == 0);
}

static void receive(void)
{
    start(1, 0);
    guest_write(1, IMSC, RXI | RTI);
    type("hi");
    CHECK(fake.line[1] && guest_read(1, MIS) == (RXI | RTI));
    guest_write(1, ICR, 0x7ff);
    CHECK(fake.line[1]); /* bytes are there */
    CHECK(guest_read(1, FR) == TXFE && guest_read(1, DR) == 'h' && fake.line[1]);
    CHECK(guest_read(1, DR) == 'i' && !fake.line[1]);
    CHECK(guest_read(1, DR) == 0 && guest_read(1, FR) == (TXFE | RXFE));
}

static void overrun(void)
{
    static char many[CONSOLE_IN + 10];

    start(1, 0);
    memset(many, 'm', sizeof(many) - 1);
    type(many);
    CHECK((guest_read(1, FR) & RXFF) != 0 && (guest_read(1, RIS) & OEI) != 0 && guest_read(1, RSR) == 8);
    CHECK(guest_read(1, DR) == ('m' | 1 << 11) && guest_read(1, DR) == 'm');
    guest_write(1, RSR, 0);
    guest_write(1, ICR, OEI);
    CHECK(guest_read(1, RSR) == 0 && (guest_read(1, RIS) & OEI) == 0);
    for (unsigned n = 0; n < CONSOLE_IN - 2; n++) {
        CHECK(guest_read(1, DR) == 'm');
    }
    CHECK((guest_read(1, FR) & RXFE) != 0);
}

/* --- input --- */

static void focus(void)
{
    start(2, 0);
    type("a\001b\001\001c");
    CHECK(wire_is(""));
    CHECK(guest_read(1, DR) == 'a' && guest_read(1, DR) == 1 && guest_read(1, DR) == 'b' &&
          guest_read(1, DR) == 1 && guest_read(1, DR) == 1 && guest_read(1, DR) == 'c');
    guest_text(2, "password: ");
    type("\001\001\001x");
    CHECK(wire_is("(BH) input to DOM2: Ctrl-A three times moves on\r\nDOM2: password: "));
    CHECK(guest_read(2, DR) == 'x' && (guest_read(1, FR) & RXFE) != 0);
    type("\001\001\001");
    CHECK(wire_is("\r\n(BH) input to the hypervisor: h lists keys, Ctrl-A three times moves on\r\n"));
    type("\001\001\001");
    CHECK(wire_is("(BH) input to DOM1: Ctrl-A three times moves on\r\n"));
}

static int crashed = -1, restarted = -1;

static void say_domains(void)
{
    print("no domains here");
}

static void do_crash(unsigned domid)
{
    crashed = (int)domid;
}

static void do_restart(unsigned domid)
{
    restarted = (int)domid;
}

static void keys(void)
{
    static const struct console_commands commands = {say_domains, say_domains, do_crash, do_crash,
                                                     do_restart};

    fake_init(0);
    console_init(&commands, false);
    type("c1r1q");
    CHECK(wire_is("(BH) no domains here\r\n"));
    CHECK(crashed == -1 && restarted == -1);
    type("p5"); /* it changes nothing */
    CHECK(crashed == 5);
    crashed = -1;
    console_allow_keys(true);
    fake.sent = 0;
    memset(fake.wire, 0, 4096);
    type("h");
    CHECK(strstr(fake.wire, "q: domains") != NULL && strstr(fake.wire, "d: registers") != NULL &&
          strstr(fake.wire, "c, r and a domain") != NULL);
    type("c1rb");
    CHECK(crashed == 1 && restarted == 11);
    crashed = -1;
    type("cz1");
    CHECK(crashed == -1 && strstr(fake.wire, "no such domain") != NULL);
    fake.sent = 0;
    memset(fake.wire, 0, 4096);
    type("l");
    CHECK(strstr(fake.wire, "(BH) no domains here\r\n") != NULL);
}

/* --- log ring and printing --- */

static void early_lines(void)
{
    print("before %s", "the UART");
    CHECK(wire_is(""));
    fake_init(0);
    console_init(NULL, false);
    CHECK(wire_is("(BH) before the UART\r\n"));
}

static void log_survives(void)
{
    uint64_t *memory = mmap(NULL, LOG_MIN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct log_header *header = (struct log_header *)memory;
    const char *first = "--- boot 1\nfirst\nsecond\n",
               *both = "--- boot 1\nfirst\nsecond\n--- boot 2\nagain\n";
    int status;

    header->magic = 0x1234;
    if (fork() == 0) { /* the first boot */
        print("first");
        log_attach(memory, LOG_MIN_SIZE);
        print("second");
        exit(log_boot() == 0 ? 0 : 1);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(header->magic == LOG_MAGIC && memcmp(header, "BHDLOG01", 8) == 0);
    CHECK(header->size == LOG_MIN_SIZE - 32 && header->check == (header->size ^ LOG_CHECK) &&
          header->boots == 1);
    CHECK(header->written == strlen(first) && memcmp(header->data, first, strlen(first)) == 0);
    print("again");
    log_attach(memory, LOG_MIN_SIZE);
    CHECK(header->boots == 2 && header->written == strlen(both) &&
          memcmp(header->data, both, strlen(both)) == 0);
    CHECK(log_boot() == strlen(first));
}

static void log_damaged(void)
{
    static uint64_t memory[512];
    struct log_header *header = (struct log_header *)memory;
    uint32_t length;

    *header = (struct log_header){LOG_MAGIC, 1u << 30, (1u << 30) ^ LOG_CHECK, 5, 7};
    log_attach(memory, sizeof(memory));
    CHECK(header->size == sizeof(memory) - 32 && header->boots == 1 && log_oldest() == 0);
    for (int n = 0; n < 1000; n++) {
        print("line %d", n);
    }
    CHECK(log_written() - log_oldest() == header->size);
    CHECK(*log_bytes(log_written() - 2, &length) == '9' && length <= 2 && log_boot() == log_oldest());
}

static void log_moves_under_the_console(void)
{
    static uint64_t memory[1024];

    fake_init(4);
    console_init(NULL, false);
    print("a line that does not fit into the FIFO");
    log_attach(memory, sizeof(memory));
    console_log_moved();
    print("another");
    for (int n = 0; n < 400; n++) {
        fake_drain(1);
        fake_irq();
    }
    CHECK(wire_is("(BH) a line that does not fit into the FIFO\r\n(BH) another\r\n"));
}

static void log_lapped(void)
{
    fake_init(4);
    console_init(NULL, false);
    for (int n = 0; n < 2000; n++) {
        print("message number %d", n);
    }
    CHECK(log_written() - log_oldest() == LOG_DEFAULT_SIZE - sizeof(struct log_header));
    for (int n = 0; n < 40000; n++) {
        fake_drain(1);
        fake_irq();
    }
    CHECK(strstr(fake.wire, "(BH) messages were lost\r\n") != NULL);
    CHECK(strstr(fake.wire, "(BH) message number 1999\r\n") != NULL);
}

static size_t formatted(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    size_t length = format_text(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

static void formats(void)
{
    char text[128];

    formatted(text, sizeof(text), "%s|%c|%d|%d|%u|%x|%lu|%lx|%%", "a", 'b', -5, (int)INT32_MIN, 4000000000u,
              0xbeefu, UINT64_MAX, UINT64_C(0xfedcba9876543210));
    CHECK(strcmp(text, "a|b|-5|-2147483648|4000000000|beef|18446744073709551615|fedcba9876543210|%") == 0);
    formatted(text, sizeof(text), "%ld%u%x", -1l, 0u, 0u);
    CHECK(strcmp(text, "-100") == 0);
    CHECK(formatted(text, 4, "%s", "abcdef") == 3 && strcmp(text, "abc") == 0);
    print("%s", (const char *)NULL);
    CHECK(log_written() == strlen("(null)\n"));
}

#define TEST(f) {#f, isolated, NULL, NULL, (void *)(f)}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_lines),
        TEST(prompt),
        TEST(focused_line_stays_whole),
        TEST(full_buffer),
        TEST(no_loss),
        TEST(fair_focused_lines),
        TEST(fair_focused_endless),
        TEST(fair_background_endless),
        TEST(last_words),
        TEST(drain_at_the_end),
        TEST(panic),
        TEST(flow_control),
        TEST(waiting_is_not_idle),
        TEST(held_line_is_not_busy),
        TEST(registers),
        TEST(receive),
        TEST(overrun),
        TEST(focus),
        TEST(keys),
        TEST(early_lines),
        TEST(log_survives),
        TEST(log_damaged),
        TEST(log_moves_under_the_console),
        TEST(log_lapped),
        TEST(formats),
    };

    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
