/* SPDX-License-Identifier: Apache-2.0 */
/* The console of guests that know Xen: the PV console's rings, console_io. */
#include "machine.h"

#include <string.h>

#include "base/bits.h"
#include "core/console.h"
#include "core/event.h"
#include "core/pv_console.h"
#include "guest/arm64/trap.h"

#define PORT     9u
#define IN       0u /* offsets in the page: Xen's io/console.h */
#define OUT      1024u
#define IN_CONS  3072u
#define IN_PROD  3076u
#define OUT_CONS 3080u
#define OUT_PROD 3084u

static struct domain *domain;
static uint8_t *page;

static struct vcpu *start(unsigned flags)
{
    struct domain_record *record;

    machine_start(1);
    record = machine_record(1, 1);
    record->flags = (uint16_t)flags;
    record->nr_ports = 16;
    record->console_port = (flags & DOMAIN_ENHANCED) != 0 ? PORT : 0;
    record->stage2_reserve = 4;
    domain = machine_domain(record);
    machine_boot();
    page = domain->pv_console != NULL ? (uint8_t *)domain->pv_console->page : NULL;
    return &domain->vcpus[0];
}

static uint32_t word(uint32_t at)
{
    uint32_t value;

    memcpy(&value, page + at, sizeof value);
    return value;
}

static void set_word(uint32_t at, uint32_t value)
{
    memcpy(page + at, &value, sizeof value);
}

/* The domain writes: returns how often it had to be moved. */
static unsigned say(const char *text)
{
    uint32_t prod = word(OUT_PROD), refresh;
    unsigned calls = 1;

    for (; *text != '\0'; text++) {
        page[OUT + prod++ % 2048u] = (uint8_t)*text;
    }
    set_word(OUT_PROD, prod);
    while (pv_console_notify(domain, &refresh)) {
        calls++;
        assert_true(calls < 1000);
    }
    return calls;
}

/* Somebody types. */
static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        domain->port->in[domain->port->in_head++ % CONSOLE_IN] = (uint8_t)*text;
    }
    pv_console_refresh(domain);
}

static bool pending(void)
{
    struct event_port port;
    uint32_t ports[1] = {PORT};

    assert_int_equal(event_status(domain, PORT, &port), OK);
    assert_int_equal(port.state, EVENT_CORE);
    return event_any_pending(domain, ports, 1);
}

static void output(void **state)
{
    char line[301];

    (void)state;
    start(DOMAIN_ENHANCED);
    assert_int_equal(pv_console_gfn(domain), 0x39000);
    assert_int_equal(pv_console_port(domain), PORT);
    assert_false(pending());
    assert_int_equal(say("all hands\n"), 1);
    assert_int_equal(word(OUT_CONS), 10);
    assert_true(pending());
    assert_true(machine_said("DOM1: all hands\r\n"));
    memset(line, 'x', 299);
    line[299] = '\n';
    line[300] = '\0';
    assert_true(say(line) > 1); /* in bounded pieces */
    assert_int_equal(word(OUT_CONS), 310);
    for (unsigned i = 0; i < 40; i++) { /* round the ring */
        say(line);
        (void)machine_said("");
        assert_int_equal(word(OUT_CONS), word(OUT_PROD));
    }
}

/* More than the console takes: what is left comes when there is room, nothing is lost. */
static void full(void **state)
{
    char block[1900];
    uint32_t refresh;

    (void)state;
    start(DOMAIN_ENHANCED);
    memset(block, 'y', sizeof block);
    block[sizeof block - 1u] = '\0';
    say(block);
    assert_true(word(OUT_CONS) >= CONSOLE_OUT && word(OUT_CONS) < word(OUT_PROD));
    for (unsigned i = 0; i < 1000 && word(OUT_CONS) != word(OUT_PROD); i++) {
        refresh = console_pump();
        if (refresh != 0) {
            assert_int_equal(refresh, 2);
            pv_console_refresh(domain);
        }
    }
    assert_int_equal(word(OUT_CONS), word(OUT_PROD));
    say("\n");
    assert_true(machine_said("y\r\n"));
}

static void hostile_positions(void **state)
{
    uint32_t refresh;

    (void)state;
    start(DOMAIN_ENHANCED);
    set_word(OUT_PROD, 2049);
    assert_false(pv_console_notify(domain, &refresh));
    assert_int_equal(word(OUT_CONS), 2049);
    set_word(OUT_CONS, 77); /* ours is not believed from the page */
    say("sound\n");
    assert_int_equal(word(OUT_CONS), 2055);
    assert_true(machine_said("DOM1: sound\r\n"));
    set_word(IN_CONS, 1); /* has read what was never there */
    type("lost");
    assert_int_equal(word(IN_PROD), 0);
    set_word(IN_CONS, 0);
    pv_console_refresh(domain);
    assert_int_equal(word(IN_PROD), 4);
}

static void input(void **state)
{
    char text[200];

    (void)state;
    start(DOMAIN_ENHANCED);
    type("aye");
    assert_int_equal(word(IN_PROD), 3);
    assert_memory_equal(page + IN, "aye", 3);
    assert_true(pending());
    memset(text, 'z', sizeof text);
    text[199] = '\0';
    for (unsigned i = 0; i < 8; i++) {
        type(text);
        for (unsigned n = 0; n < 4; n++) {
            pv_console_refresh(domain);
        }
    }
    assert_int_equal(word(IN_PROD), 1024); /* full: the rest waits in the console */
    set_word(IN_CONS, 1000);
    for (unsigned n = 0; n < 20; n++) {
        pv_console_refresh(domain);
    }
    assert_int_equal(word(IN_PROD), 3 + 8 * 199);
    /* with an emulated UART, that has the input */
    start(DOMAIN_ENHANCED | DOMAIN_VPL011);
    type("aye");
    assert_int_equal(word(IN_PROD), 0);
}

static void restart(void **state)
{
    struct vcpu *vcpu = start(DOMAIN_ENHANCED);

    (void)state;
    say("before\n");
    type("before");
    machine_hvc(vcpu, 0x84000009u, 0, 0, 0);
    machine_settle();
    assert_int_equal(domain->incarnation, 2);
    for (uint32_t at = IN_CONS; at <= OUT_PROD; at += 4) {
        assert_int_equal(word(at), 0);
    }
    say("after\n");
    assert_true(machine_said("DOM1: after\r\n"));
}

/* HVC #0xEA1 as often as it wants to be executed again. */
static int64_t call(struct vcpu *vcpu, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    vcpu->x[16] = number;
    vcpu->x[0] = a0;
    vcpu->x[1] = a1;
    vcpu->x[2] = a2;
    for (unsigned i = 0; i < 100; i++) {
        host_put("elr_el2", 0x104);
        machine_end(trap_hvc(vcpu, (uint64_t)EC_HVC64 << 26 | 0xea1));
        if (host_effective("elr_el2") == 0x104) {
            return (int64_t)vcpu->x[0];
        }
        assert_int_equal(host_effective("elr_el2"), 0x100);
    }
    fail_msg("%s", "the call never ends");
    return 0;
}

static void console_io_call(void **state)
{
    struct vcpu *vcpu = start(0);
    char text[161] = {0};

    (void)state;
    memset(text, 'w', 159);
    text[159] = '\n';
    for (unsigned i = 0; i < 160; i++) {
        host_guest_write(GUEST_RAM + 4000u + i, (uint8_t)text[i], true);
    }
    assert_int_equal(call(vcpu, 18, 0, 160, GUEST_RAM + 4000u), 0);
    text[159] = '\0';
    assert_true(machine_said(text));
    assert_int_equal(call(vcpu, 18, 0, 160, GUEST_RAM + GUEST_SIZE), -14);
    assert_int_equal(call(vcpu, 18, 0, 0, 0), 0);
    assert_int_equal(call(vcpu, 18, 1, 100, GUEST_RAM), 0); /* nobody types */
    memcpy(domain->port->in, "port", 4);
    domain->port->in_head += 4;
    assert_int_equal(call(vcpu, 18, 1, 100, 0x3001000), -14);
    assert_int_equal(call(vcpu, 18, 1, 3, GUEST_RAM + 4094u), 3);
    assert_int_equal(host_guest_read(GUEST_RAM + 4096u, true), 'r');
    assert_int_equal(call(vcpu, 18, 1, 100, GUEST_RAM), 1);
    assert_int_equal(call(vcpu, 18, 2, 0, 0), -38);
    assert_int_equal(call(vcpu, 63, 0, 0, 0), -38);
    assert_int_equal(call(vcpu, ~UINT64_C(0), 0, 0, 0), -38);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output), cmocka_unit_test(full),    cmocka_unit_test(hostile_positions),
        cmocka_unit_test(input),  cmocka_unit_test(restart), cmocka_unit_test(console_io_call),
    };

    return cmocka_run_group_tests_name("pv_console", tests, NULL, NULL);
}
