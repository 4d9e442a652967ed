/* SPDX-License-Identifier: Apache-2.0 */
/* The output side; core/console_input.c is the other. */
#include "core/console.h"

#include "core/format.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "drivers/uart.h"

/* Sources of output: the hypervisor (its log ring), then the domains by domid. */
#define HYPERVISOR 0u
#define NOBODY     ((unsigned)-1)

#define BURST_EARLY  256u     /* a whole line of the hypervisor: no interrupt would send its rest */
#define ROUNDS       2u       /* bursts of one pump while others report work */
#define IMPATIENT    4        /* lines that wait: the focused domain's line is cut */
#define IMPATIENT_BH 256u     /* the same in bytes of the log ring */
#define PATIENCE     1000000u /* polls of a full UART until it counts as dead, where waiting is allowed */

static struct console_port *ports[MAX_DOMAINS];
static unsigned nr_sources = 1; /* highest source ever attached + 1 */

static struct {
    uint8_t busy;     /* try-lock of all below but work and refresh */
    uint8_t work;     /* somebody came while it was busy */
    uint32_t refresh; /* domains whose emulated UART must be looked at */
    bool ready;       /* the UART is known */
    bool wired;       /* it has interrupted */
    bool alone;       /* panic or power-off: nobody else may send */
    bool flush;       /* incomplete lines too */
    bool tx_on;
    unsigned owner; /* in the middle of a line, or NOBODY */
    unsigned last;  /* had the turn */
    uint32_t turn;  /* bytes of the owner's turn */
    uint32_t moved; /* bytes sent, ever */
    uint8_t sent;   /* last byte */
    uint8_t staged_at, staged_end;
    char staged[40]; /* newline and prefix on their way */
    uint64_t log_at;
} mux = {.owner = NOBODY};

static uint32_t level(unsigned source)
{
    if (source == HYPERVISOR) {
        return (uint32_t)min_u64(log_written() - mux.log_at, UINT32_MAX);
    }
    return console_out_level(ports[source - 1]);
}

static int32_t lines(const struct console_port *port)
{
    return (int32_t)(__atomic_load_n(&port->lines_in, __ATOMIC_ACQUIRE) -
                     __atomic_load_n(&port->lines_out, __ATOMIC_RELAXED));
}

bool console_ready(const struct console_port *port)
{
    bool line = lines(port) > 0; /* before the bytes: they are then there to its end */
    bool open = console_focused(port->domid) && (__atomic_load_n(&port->live, __ATOMIC_RELAXED) ||
                                                 __atomic_load_n(&port->settled, __ATOMIC_RELAXED));
    uint32_t bytes = console_out_level(port);

    return bytes != 0 && (line || open || bytes == CONSOLE_OUT);
}

static bool ready(unsigned source)
{
    if (source == HYPERVISOR) {
        return level(HYPERVISOR) != 0;
    }
    return ports[source - 1] != NULL &&
           (console_ready(ports[source - 1]) || (mux.flush && level(source) != 0));
}

/* The focused domain has an open line and nothing to send at the moment: do the others wait a bit more? */
static bool hold(unsigned owner)
{
    if (owner == HYPERVISOR || !console_focused(owner - 1) || mux.flush ||
        __atomic_load_n(&ports[owner - 1]->settled, __ATOMIC_RELAXED) || level(HYPERVISOR) >= IMPATIENT_BH) {
        return false;
    }
    for (unsigned source = 1; source < nr_sources; source++) {
        const struct console_port *port = ports[source - 1];

        if (source != owner && port != NULL &&
            (lines(port) >= IMPATIENT || console_out_level(port) > CONSOLE_OUT / 2)) {
            return false;
        }
    }
    return true;
}

/* Who sends the next byte. */
static unsigned pick(void)
{
    if (mux.owner != NOBODY && mux.turn < CONSOLE_TURN) {
        if (level(mux.owner) != 0) {
            return mux.owner;
        }
        if (hold(mux.owner)) {
            return NOBODY;
        }
    }
    for (unsigned n = 1; n <= nr_sources; n++) {
        unsigned source = (mux.last + n) % nr_sources;

        if (ready(source)) {
            return source;
        }
    }
    return NOBODY;
}

/* What the source gives out next, as far as it lies in one piece: at least a byte if level() is not 0. */
static const uint8_t *peek(unsigned source, uint32_t *length)
{
    const struct console_port *port;
    uint32_t at;

    if (source == HYPERVISOR) {
        return log_bytes(mux.log_at, length);
    }
    port = ports[source - 1];
    at = port->out_tail % CONSOLE_OUT;
    *length = (uint32_t)min_u64(console_out_level(port), CONSOLE_OUT - at);
    return &port->out[at];
}

/* So many bytes are given out: they end with a newline or have none. */
static void drop(unsigned source, uint32_t count)
{
    struct console_port *port;
    uint32_t left;

    if (source == HYPERVISOR) {
        mux.log_at += count;
        return;
    }
    port = ports[source - 1];
    if (port->out[(port->out_tail + count - 1u) % CONSOLE_OUT] == '\n') {
        __atomic_store_n(&port->lines_out, port->lines_out + 1, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&port->out_tail, port->out_tail + count, __ATOMIC_RELEASE);
    left = level(source);
    if (left <= CONSOLE_OUT / 2 && left + count > CONSOLE_OUT / 2) {
        /* there is room again: every way down comes through here */
        __atomic_fetch_or(&mux.refresh, 1u << port->domid, __ATOMIC_RELAXED);
    }
}

static void stage(const char *text)
{
    for (; *text != '\0'; text++) {
        mux.staged[mux.staged_end++] = *text;
    }
}

/* `source` begins a line, perhaps in the middle of somebody else's. */
static void begin(unsigned source)
{
    char prefix[16];
    uint32_t length;
    uint8_t next;

    if (source == HYPERVISOR && mux.log_at < log_oldest()) {
        mux.log_at = log_oldest();
        stage("(BH) messages were lost\r\n");
    }
    /* A CR or the rest of a line that was cut would only make an empty line. */
    next = *peek(source, &length);
    if (next == '\r' || (next == '\n' && source != HYPERVISOR && ports[source - 1]->cut)) {
        if (next == '\n') {
            ports[source - 1]->cut = false;
        }
        drop(source, 1);
        return;
    }
    if (mux.owner != NOBODY) {
        stage("\r\n");
        if (mux.owner != HYPERVISOR && ports[mux.owner - 1] != NULL) {
            ports[mux.owner - 1]->cut = true;
        }
    }
    if (source == HYPERVISOR) {
        stage("(BH) ");
    } else {
        ports[source - 1]->cut = false;
        (void)format_line(prefix, sizeof(prefix), "DOM%u: ", source - 1);
        stage(prefix);
    }
    mux.owner = source;
    mux.last = source;
    mux.turn = 0;
}

/* Sends at most `most` bytes, up to a newline unless `newlines`. Returns how many the UART took. */
static unsigned send(const uint8_t *from, unsigned most, bool newlines)
{
    unsigned sent = 0;

    while (sent < most && (newlines || from[sent] != '\n') && uart_put(from[sent])) {
        sent++;
    }
    if (sent > 0) {
        mux.sent = from[sent - 1];
        mux.moved += sent;
    }
    return sent;
}

static unsigned send_staged(unsigned most)
{
    unsigned sent = send((const uint8_t *)&mux.staged[mux.staged_at],
                         (unsigned)min_u64(most, (unsigned)(mux.staged_end - mux.staged_at)), true);

    mux.staged_at = (uint8_t)(mux.staged_at + sent);
    return sent;
}

/* Of the line that is open, at most `most` bytes. A newline costs none: it is staged. Returns false if the
 * UART is full. */
static bool send_line(unsigned source, unsigned most, unsigned *sent)
{
    uint32_t length;
    const uint8_t *from = peek(source, &length);

    *sent = 0;
    if (*from == '\n') {
        stage(mux.sent == '\r' ? "\n" : "\r\n");
        mux.owner = NOBODY;
        drop(source, 1);
        return true;
    }
    if (mux.turn >= CONSOLE_TURN) {
        mux.turn = 0; /* nobody else wants it */
    }
    *sent = send(from, (unsigned)min_u64(min_u64(most, length), CONSOLE_TURN - mux.turn), false);
    if (*sent == 0) {
        return false;
    }
    mux.turn += *sent;
    drop(source, *sent);
    return true;
}

/* Moves at most `budget` bytes. Returns what is left of it: 0 if there is, or may be, more to move. */
static unsigned move(unsigned budget)
{
    while (budget > 0) {
        unsigned source, sent;

        if (mux.staged_at < mux.staged_end) {
            sent = send_staged(budget);
            if (sent == 0) {
                return 0;
            }
            budget -= sent;
            continue;
        }
        mux.staged_at = mux.staged_end = 0;
        source = pick();
        if (source == NOBODY) {
            return budget;
        }
        if (source != mux.owner) {
            begin(source);
            budget--;
            continue;
        }
        if (!send_line(source, budget, &sent)) {
            return 0;
        }
        budget -= sent;
    }
    return 0;
}

static bool enter(void)
{
    return __atomic_exchange_n(&mux.busy, 1, __ATOMIC_SEQ_CST) == 0;
}

static void leave(void)
{
    __atomic_store_n(&mux.busy, 0, __ATOMIC_SEQ_CST);
}

/* Whoever finds the console busy leaves a note (work) for the one who is there; who has done enough leaves
 * the rest to the UART's interrupt. `keep`: the caller cannot refresh domains, so the interrupt must come and
 * do it; once it is known to come, it also does the sending: whoever prints has interrupts masked, and only
 * takes its turn. */
static void pump(bool keep)
{
    unsigned burst = !keep ? CONSOLE_BURST : __atomic_load_n(&mux.wired, __ATOMIC_RELAXED) ? 1u : BURST_EARLY;

    if (!mux.ready || __atomic_load_n(&mux.alone, __ATOMIC_RELAXED)) {
        return;
    }
    __atomic_store_n(&mux.work, 1, __ATOMIC_SEQ_CST);
    for (unsigned round = 1; round <= ROUNDS && __atomic_load_n(&mux.work, __ATOMIC_SEQ_CST) != 0 && enter();
         round++) {
        if (mux.tx_on) {
            uart_tx_interrupt(false);
        }
        __atomic_store_n(&mux.work, 0, __ATOMIC_SEQ_CST);
        mux.tx_on = move(burst) == 0 || round == ROUNDS ||
                    (keep && __atomic_load_n(&mux.refresh, __ATOMIC_RELAXED) != 0);
        if (mux.tx_on) {
            if (__atomic_load_n(&mux.wired, __ATOMIC_RELAXED)) {
                interrupt_console_here();
            }
            uart_tx_interrupt(true);
        }
        leave();
    }
}

uint32_t console_pump(void)
{
    pump(false);
    return __atomic_exchange_n(&mux.refresh, 0, __ATOMIC_RELAXED);
}

uint32_t console_output_interrupt(void)
{
    __atomic_store_n(&mux.wired, true, __ATOMIC_RELAXED);
    return console_pump();
}

void console_ask_refresh(const struct console_port *port)
{
    __atomic_fetch_or(&mux.refresh, 1u << port->domid, __ATOMIC_RELAXED);
}

void console_kick(void)
{
    pump(true);
}

void console_output_init(void)
{
    mux.log_at = log_boot();
    mux.ready = true;
    console_kick();
}

void console_log_moved(void)
{
    mux.log_at = log_moved(mux.log_at);
}

void console_repeat_log(void)
{
    if (enter()) {
        mux.log_at = log_oldest();
        leave();
    }
    console_kick();
}

void console_output_attach(struct console_port *port)
{
    nr_sources = port->domid + 2u > nr_sources ? port->domid + 2u : nr_sources;
    __atomic_store_n(&ports[port->domid], port, __ATOMIC_RELEASE);
}

/* From now on this pCPU alone sends. Whoever is sending now gets time to end, unless it was stopped in the
 * middle. */
static void take_over(void)
{
    __atomic_store_n(&mux.alone, true, __ATOMIC_RELAXED);
    for (unsigned polls = 0; polls < PATIENCE && !enter(); polls++) {
    }
}

/* Sends until nothing is left, or the UART does not move any more. */
static void send_all(void)
{
    uint32_t moved = mux.moved;

    for (unsigned polls = 0; mux.ready && polls < PATIENCE && move(CONSOLE_BURST) == 0; polls++) {
        if (moved != mux.moved) {
            moved = mux.moved;
            polls = 0;
        }
    }
}

void console_drain(void)
{
    take_over();
    mux.flush = true;
    send_all();
    mux.flush = false;
    __atomic_store_n(&mux.alone, false, __ATOMIC_RELAXED);
    leave();
}

void console_panic(void)
{
    if (nr_sources != 1 || !mux.alone) { /* the first time */
        take_over();
        nr_sources = 1;
        if (mux.owner != NOBODY && mux.owner != HYPERVISOR) {
            mux.owner = NOBODY;
            mux.staged_at = mux.staged_end = 0;
            stage("\r\n");
        }
    }
    send_all();
}
