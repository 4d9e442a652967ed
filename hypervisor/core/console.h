/* SPDX-License-Identifier: Apache-2.0 */
/* The console: all domains and the hypervisor share one UART.
 *
 * Output. Each domain has a bounded buffer and gives out whole lines (or a full buffer). Every line begins
 * with "DOM<domid>: ". The domain that has the input focus also gives out the beginning of a line: when it
 * has settled (it shows a prompt, see console_settle), and byte by byte after it has taken input, because
 * then somebody sits there. Such an open line keeps the UART until it ends, unless the domain settles, its
 * turn is over (CONSOLE_TURN bytes), or another has several lines waiting: then a newline is inserted, and
 * the prefix is repeated. Turns go round, so nobody starves. A newline is sent as CR LF; a CR that the domain
 * sent itself is not doubled.
 *
 * Nobody waits for the UART: whoever has something to say moves at most CONSOLE_BURST bytes if the console is
 * free, the rest follows from the UART's interrupt. A full buffer is seen by the domain as a full FIFO.
 *
 * Input goes to one domain, or to the hypervisor. Ctrl-A three times moves it on.
 *
 * Console functions run below the emulated UART and never call up: what has to be looked at again comes back
 * as a mask of domains (bit = domid). For each of them the caller runs vpl011_refresh().
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "base/status.h"
#include "base/types.h"

#define CONSOLE_OUT   1024u /* bytes of output that a domain may have waiting */
#define CONSOLE_IN    1024u /* bytes of input that wait for a domain */
#define CONSOLE_TURN  1024u /* most bytes of one line before others get their turn */
#define CONSOLE_BURST 32u   /* most bytes moved at once, some 75 instructions each */

/* A domain's end of the console. Positions count bytes since the start and never go back; the ring index is
 * the position modulo the size. `out` is filled by the domain (one writer at a time) and emptied by the
 * console, `in` the other way. */
struct console_port {
    uint16_t domid;
    bool settled; /* the domain said that it is not in the middle of something */
    bool live;    /* it has taken input since it got the focus */
    bool cut;     /* the console has put a newline into the middle of its line */
    bool overrun; /* input was dropped since the domain looked last */
    uint32_t out_head, out_tail;
    uint32_t lines_in, lines_out; /* newlines that entered and left `out`; for a moment a newline may leave
                                     before it is counted in */
    uint32_t in_head, in_tail;
    uint8_t out[CONSOLE_OUT];
    uint8_t in[CONSOLE_IN];
};

/* What keys may do while the hypervisor has the input. All are called without console locks on the pCPU that
 * takes the UART's interrupt, and say what they have to say by print(). */
struct console_commands {
    void (*domains)(void);           /* q: domains and vCPUs */
    void (*registers)(void);         /* d: registers of the vCPUs */
    void (*crashed)(unsigned domid); /* p and a domain number: what is known of its last crash */
    void (*crash)(unsigned domid);   /* c and a domain number; only with bulkhead,console-keys */
    void (*restart)(unsigned domid); /* r and a domain number; only with bulkhead,console-keys */
};

/* The UART is initialised (drivers/uart.h): sends what the log ring holds of this boot. `keys_change_state`
 * is bulkhead,console-keys. `commands` is not copied. */
void console_init(const struct console_commands *commands, bool keys_change_state);
void console_allow_keys(bool keys_change_state); /* when the property is known later */

/* The log ring has moved (log_attach() was called). */
void console_log_moved(void);

/* Adds the console of a domain, which starts (again): input that waited is dropped, output that waits is kept
 * if the port is attached already. The first port gets the input focus. */
void console_attach(struct console_port *port, unsigned domid);
/* The domain has stopped: its last words come out even without a newline. */
void console_end(struct console_port *port);

/* The domain's side. Each direction has one caller at a time (the emulated UART's lock). */
bool console_put(struct console_port *port, uint8_t byte);  /* false: full, the byte is not taken */
bool console_get(struct console_port *port, uint8_t *byte); /* false: no input */
bool console_ready(const struct console_port *port); /* something waits that console_pump() would move */
static inline uint32_t console_out_level(const struct console_port *port)
{
    uint32_t tail =
        __atomic_load_n(&port->out_tail, __ATOMIC_ACQUIRE); /* first, so that the level is not below 0 */

    return __atomic_load_n(&port->out_head, __ATOMIC_ACQUIRE) - tail;
}
static inline uint32_t console_in_level(const struct console_port *port)
{
    uint32_t tail = __atomic_load_n(&port->in_tail, __ATOMIC_ACQUIRE);

    return __atomic_load_n(&port->in_head, __ATOMIC_ACQUIRE) - tail;
}
/* The domain is not in the middle of a line even though it sent no newline: it shows a prompt. Holds until
 * its next byte of output. A key also does this to the domain with the focus, so that what it said before it
 * hung can be seen. */
void console_settle(struct console_port *port);

/* The next console_pump() says that this domain must be looked at: it had more to say than was taken at once.
 */
void console_ask_refresh(const struct console_port *port);

/* Moves up to CONSOLE_BURST bytes to the UART. Returns the domains whose emulated UART must be refreshed. */
uint32_t console_pump(void);

/* The UART's interrupt: takes input, moves output. Returns as console_pump(). */
uint32_t console_interrupt(void);

/* Sends everything that waits, incomplete lines too. Waits for the UART (bounded). Only when all domains are
 * stopped: before power-off and reset. */
void console_drain(void);

/* --- for core/print.c --- */
void console_kick(
    void); /* as console_pump(), but leaves the domains to be refreshed to the next caller of that */
void console_panic(void); /* sends what the log ring holds, on a pCPU that runs alone */

/* --- between core/console.c and core/console_input.c --- */
bool console_focused(unsigned domid);
void console_output_init(void);
uint32_t console_output_interrupt(void);
void console_output_attach(struct console_port *port);
void console_repeat_log(void); /* shows the whole log ring again */

#endif
