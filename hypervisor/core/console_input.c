/* SPDX-License-Identifier: Apache-2.0 */
/* The input side of the console, and the domain's end of it. */
#include "core/console.h"
#include "core/print.h"
#include "drivers/uart.h"

#define CTRL_A     0x01u
#define SWITCH     3u /* so many of them in a row */
#define HYPERVISOR MAX_DOMAINS

static struct console_port *ports[MAX_DOMAINS];
static unsigned focus = HYPERVISOR; /* domid, or HYPERVISOR */
static bool any;                    /* a domain has had the focus */

static struct {
    uint8_t busy; /* one pCPU at a time takes input */
    uint8_t ctrl_a;
    char verb; /* p, c or r: a domain number is expected */
    bool keys_change_state;
    const struct console_commands *commands;
} input;

/* Received while the hypervisor has the focus; worked on after input.busy is given back. */
struct keys {
    unsigned count;
    uint8_t key[CONSOLE_BURST];
};

bool console_focused(unsigned domid)
{
    return __atomic_load_n(&focus, __ATOMIC_RELAXED) == domid;
}

static bool enter(void)
{
    return __atomic_exchange_n(&input.busy, 1, __ATOMIC_ACQUIRE) == 0;
}

static void leave(void)
{
    __atomic_store_n(&input.busy, 0, __ATOMIC_RELEASE);
}

void console_init(const struct console_commands *commands, bool keys_change_state)
{
    input.commands = commands;
    input.keys_change_state = keys_change_state;
    console_output_init();
}

void console_allow_keys(bool keys_change_state)
{
    input.keys_change_state = keys_change_state;
}

/* --- focus --- */

static void set_focus(unsigned next)
{
    input.verb = 0;
    if (next == HYPERVISOR) {
        print("input to the hypervisor: h lists keys, Ctrl-A three times moves on");
    } else {
        print("input to DOM%u: Ctrl-A three times moves on", next);
    }
    if (focus != HYPERVISOR && ports[focus] != NULL) {
        __atomic_store_n(&ports[focus]->live, false, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&focus, next, __ATOMIC_RELAXED);
}

static unsigned next_focus(void)
{
    unsigned next = focus;

    do {
        next = (next + 1) % (MAX_DOMAINS + 1);
    } while (next != HYPERVISOR && ports[next] == NULL);
    return next;
}

/* --- keys --- */

static void key_help(void)
{
    print("h: this list, l: all that the log ring holds, q: domains and vCPUs, d: registers");
    print("p and a domain (0-9, then a-v): its last crash");
    if (input.keys_change_state) {
        print("c, r and a domain: crash it, restart it");
    }
}

static void key_domain(char verb, uint8_t key)
{
    unsigned domid = MAX_DOMAINS;

    if (key >= '0' && key <= '9') {
        domid = key - (unsigned)'0';
    } else if (key >= 'a' && key <= 'v') {
        domid = key - (unsigned)'a' + 10;
    }
    if (domid >= MAX_DOMAINS) {
        print("no such domain");
    } else if (verb == 'p') {
        input.commands->crashed(domid);
    } else if (verb == 'c') {
        input.commands->crash(domid);
    } else {
        input.commands->restart(domid);
    }
}

static void handle_key(uint8_t key)
{
    char verb = input.verb;

    input.verb = 0;
    if (verb != 0) {
        key_domain(verb, key);
    } else if (key == 'h') {
        key_help();
    } else if (key == 'l') {
        console_repeat_log();
    } else if (key == 'q') {
        input.commands->domains();
    } else if (key == 'd') {
        input.commands->registers();
    } else if (key == 'p') {
        input.verb = 'p';
        print("the last crash of which domain?");
    } else if (input.keys_change_state && (key == 'c' || key == 'r')) {
        input.verb = (char)key;
        print("%s which domain?", key == 'c' ? "crash" : "restart");
    }
}

/* --- receiving --- */

static uint32_t deliver(uint8_t byte, struct keys *keys)
{
    struct console_port *port;

    if (focus == HYPERVISOR) {
        if (keys->count < CONSOLE_BURST) {
            keys->key[keys->count++] = byte;
        }
        return 0;
    }
    port = ports[focus];
    if (port->in_head - __atomic_load_n(&port->in_tail, __ATOMIC_ACQUIRE) == CONSOLE_IN) {
        __atomic_store_n(&port->overrun, true, __ATOMIC_RELAXED);
    } else {
        port->in[port->in_head % CONSOLE_IN] = byte;
        __atomic_store_n(&port->in_head, port->in_head + 1, __ATOMIC_RELEASE);
    }
    return 1u << focus;
}

/* Returns the domains to be refreshed. */
static uint32_t receive(uint8_t byte, struct keys *keys)
{
    uint32_t refresh = 0;

    if (byte == CTRL_A) {
        input.ctrl_a++;
        if (input.ctrl_a == SWITCH) {
            input.ctrl_a = 0;
            set_focus(next_focus());
        }
    }
    if (focus != HYPERVISOR) {
        console_settle(ports[focus]);
    }
    if (byte == CTRL_A) {
        return 0;
    }
    for (; input.ctrl_a > 0; input.ctrl_a--) {
        refresh |= deliver(CTRL_A, keys);
    }
    return refresh | deliver(byte, keys);
}

uint32_t console_interrupt(void)
{
    struct keys keys = {.count = 0};
    uint32_t refresh = 0;
    uint8_t byte;

    uart_acknowledge();
    if (enter()) {
        for (unsigned n = 0; n < CONSOLE_BURST / SWITCH && uart_get(&byte); n++) {
            refresh |= receive(byte, &keys);
        }
        leave();
    }
    for (unsigned n = 0; n < keys.count; n++) {
        handle_key(keys.key[n]);
    }
    return refresh | console_output_interrupt();
}

/* --- the domain's end --- */

void console_attach(struct console_port *port, unsigned domid)
{
    port->domid = (uint16_t)domid;
    port->in_tail = __atomic_load_n(&port->in_head, __ATOMIC_ACQUIRE);
    port->overrun = false;
    port->settled = false;
    port->live = false;
    ports[domid] = port;
    console_output_attach(port);
    if (!any) {
        any = true;
        set_focus(domid);
    }
}

void console_end(struct console_port *port)
{
    if (port->out_head != 0 && port->out[(port->out_head - 1) % CONSOLE_OUT] != '\n') {
        (void)console_put(port, '\n');
    }
    console_settle(port);
    console_kick();
}

bool console_put(struct console_port *port, uint8_t byte)
{
    if (console_out_level(port) == CONSOLE_OUT) {
        return false;
    }
    port->out[port->out_head % CONSOLE_OUT] = byte;
    __atomic_store_n(&port->settled, false, __ATOMIC_RELAXED);
    __atomic_store_n(&port->out_head, port->out_head + 1, __ATOMIC_RELEASE);
    if (byte == '\n') { /* the byte first: who sees the line finds all of it */
        __atomic_store_n(&port->lines_in, port->lines_in + 1, __ATOMIC_RELEASE);
    }
    return true;
}

bool console_get(struct console_port *port, uint8_t *byte)
{
    if (console_in_level(port) == 0) {
        return false;
    }
    *byte = port->in[port->in_tail % CONSOLE_IN];
    __atomic_store_n(&port->in_tail, port->in_tail + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&port->live, true, __ATOMIC_RELAXED);
    return true;
}

void console_settle(struct console_port *port)
{
    __atomic_store_n(&port->settled, true, __ATOMIC_RELAXED);
}
