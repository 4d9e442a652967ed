/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vpl011.h"

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    NO_REGISTER = 0xffc
};

#define DR_OE    (1u << 11)
#define RSR_OE   (1u << 3)
#define FR_BUSY  (1u << 3)
#define FR_RXFE  (1u << 4)
#define FR_TXFF  (1u << 5)
#define FR_RXFF  (1u << 6)
#define FR_TXFE  (1u << 7)
#define INT_RX   (1u << 4)
#define INT_TX   (1u << 5)
#define INT_RT   (1u << 6)
#define INT_OE   (1u << 10)
#define INT_MASK 0x7ffu

#define TX_LOW     (CONSOLE_OUT / 2) /* trigger level of the transmitter */
#define IDLE_READS 4u /* reads of FR in a row that no driver does between two bytes: it polls for input */

/* Receive and receive time-out follow the FIFO and cannot be cleared with bytes in it: no driver loses a byte
 * that came between its last read and its write to ICR. */
static uint16_t raw_interrupts(const struct vpl011 *uart)
{
    return (uint16_t)(uart->latched | (console_in_level(&uart->port) != 0 ? INT_RX | INT_RT : 0u));
}

/* Brings the latched state up to date with the console's side and applies the line. */
static void update(struct vpl011 *uart, struct virq_cpu *self, struct virq_effects *effects)
{
    bool line;

    if (uart->tx_high && console_out_level(&uart->port) <= TX_LOW) {
        uart->tx_high = false;
        uart->latched |= INT_TX;
    }
    if (__atomic_load_n(&uart->port.overrun, __ATOMIC_RELAXED)) {
        __atomic_store_n(&uart->port.overrun, false, __ATOMIC_RELAXED);
        uart->latched |= INT_OE;
        uart->rsr |= RSR_OE;
        uart->mark_oe = true;
    }
    line = (raw_interrupts(uart) & uart->imsc) != 0;
    if (line != uart->line) {
        uart->line = line;
        virq_line(uart->virq, 0, uart->intid, line, self, effects);
    }
}

static uint32_t read_dr(struct vpl011 *uart)
{
    uint8_t byte;
    uint32_t value;

    if (!console_get(&uart->port, &byte)) {
        return 0;
    }
    value = byte | (uart->mark_oe ? DR_OE : 0u);
    uart->mark_oe = false;
    return value;
}

/* *pump: the console has something to do. */
static uint32_t read_fr(struct vpl011 *uart, bool *pump)
{
    uint32_t out = console_out_level(&uart->port);
    uint32_t in = console_in_level(&uart->port);
    uint32_t value = (in == 0 ? FR_RXFE : 0u) | (in == CONSOLE_IN ? FR_RXFF : 0u);

    if (out <= TX_LOW && uart->fr_reads < IDLE_READS) {
        uart->fr_reads++;
        if (uart->fr_reads == IDLE_READS && !uart->port.settled) {
            console_settle(&uart->port);
            *pump = true;
        }
    }
    if (out == CONSOLE_OUT) {
        *pump = true; /* also serves a UART whose interrupt is not wired */
        value |= FR_TXFF;
    }
    return value | (out > TX_LOW ? FR_BUSY : FR_TXFE);
}

static uint32_t read_register(struct vpl011 *uart, uint64_t offset, bool *pump)
{
    switch (offset) {
    case DR:
        return read_dr(uart);
    case RSR:
        return uart->rsr;
    case FR:
        return read_fr(uart, pump);
    case IMSC:
        return uart->imsc;
    case RIS:
        return raw_interrupts(uart);
    case MIS:
        return raw_interrupts(uart) & uart->imsc;
    default:
        return 0;
    }
}

/* Each byte that leaves room raises TX, as a transmitter does that is faster than its driver. A byte for a
 * full FIFO is lost, as in hardware. */
static bool write_dr(struct vpl011 *uart, uint8_t byte)
{
    uart->fr_reads = 0;
    if (!console_put(&uart->port, byte)) {
        return true;
    }
    uart->tx_high = console_out_level(&uart->port) > TX_LOW;
    uart->latched = (uint16_t)(uart->tx_high ? uart->latched & ~INT_TX : uart->latched | INT_TX);
    return console_ready(&uart->port);
}

static bool write_register(struct vpl011 *uart, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case DR:
        return write_dr(uart, (uint8_t)value);
    case RSR:
        uart->rsr = 0;
        return false;
    case IMSC:
        /* Linux ends what a process wrote, a prompt perhaps, by masking TX; a kernel message does not come
         * here. */
        uart->imsc = (uint16_t)(value & INT_MASK);
        if (uart->port.settled) {
            return false;
        }
        console_settle(&uart->port);
        return true;
    case ICR:
        uart->latched = (uint16_t)(uart->latched & ~value);
        return false;
    default:
        return false;
    }
}

uint32_t vpl011_access(struct vpl011 *uart, uint64_t offset, unsigned size, bool write, uint64_t *value,
                       struct virq_cpu *self, struct virq_effects *effects)
{
    uint32_t refresh = 0;
    bool pump = false;

    if (size > 4) {
        offset = NO_REGISTER;
    }
    spin_lock(&uart->lock);
    if (write) {
        pump = write_register(uart, offset, (uint32_t)*value);
    } else {
        *value = read_register(uart, offset, &pump);
    }
    if (pump) { /* outside the lock: it may take as long as a burst to a slow bus */
        spin_unlock(&uart->lock);
        refresh = console_pump() & ~(1u << uart->port.domid);
        spin_lock(&uart->lock);
    }
    update(uart, self, effects);
    spin_unlock(&uart->lock);
    return refresh;
}

void vpl011_refresh(struct vpl011 *uart, struct virq_cpu *self, struct virq_effects *effects)
{
    spin_lock(&uart->lock);
    update(uart, self, effects);
    spin_unlock(&uart->lock);
}

void vpl011_init(struct vpl011 *uart, unsigned domid, struct virq *virq, unsigned intid)
{
    *uart = (struct vpl011){.virq = virq, .intid = (uint16_t)intid};
    console_attach(&uart->port, domid);
}

void vpl011_reset(struct vpl011 *uart, struct virq_effects *effects)
{
    spin_lock(&uart->lock);
    uart->imsc = 0;
    uart->latched = 0;
    uart->rsr = 0;
    uart->fr_reads = 0;
    uart->mark_oe = false;
    uart->tx_high = console_out_level(&uart->port) > TX_LOW;
    console_attach(&uart->port, uart->port.domid);
    update(uart, NULL, effects);
    spin_unlock(&uart->lock);
}
