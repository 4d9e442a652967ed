/* SPDX-License-Identifier: Apache-2.0 */
/* The one physical UART of the console. Firmware has set its clock, baud rate, frame and pins; the drivers
 * leave them alone.
 *
 * Nothing here waits. Receiving (uart_get) and sending (uart_put, uart_tx_interrupt) touch different state
 * and may run on two pCPUs at once; each of the two sides is serialised by its caller (core/console.c). */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "base/types.h"

enum uart_type { UART_NONE, UART_PL011, UART_CADENCE, UART_IMX, UART_8250 };

/* Takes the UART at `registers` (mapped as Device memory): send interrupt off, receive interrupt on.
 * reg_shift and io_width (bytes: 1, 2 or 4; 0 = 1) matter for UART_8250 only. UART_NONE discards what is sent
 * and receives nothing. */
void uart_init(enum uart_type type, volatile void *registers, unsigned reg_shift, unsigned io_width);

/* Sends a byte if the transmit FIFO has room; false if not. */
bool uart_put(uint8_t byte);

/* Takes a received byte out of the FIFO; false if there is none. Line errors are not reported. */
bool uart_get(uint8_t *byte);

/* Interrupt when the transmit FIFO drains. Call it with false before uart_put() and with true after: then an
 * interrupt comes when the FIFO has room, even if it had room again before the call. It stays until the FIFO
 * is filled or this is off. */
void uart_tx_interrupt(bool on);

/* Before uart_get() in the interrupt handler: clears a latched cause. Does not touch the sending side. */
void uart_acknowledge(void);

/* --- between uart.c and the drivers --- */

/* Filled at run time by the driver, so that the image needs no relocation. Registers are numbered as their
 * offset >> shift. */
struct uart {
    volatile uint8_t *base;
    uint8_t shift, width;   /* of registers: log2 of their distance, bytes of an access */
    uint8_t tx, rx, status; /* data and status registers */
    uint8_t depth;          /* bytes that the FIFO takes once it is not full */
    uint32_t full, empty;   /* status bits: transmit FIFO full, receive FIFO empty ... */
    uint32_t invert;        /* ... those of them that say the opposite */
    void (*tx_interrupt)(bool on);
    void (*acknowledge)(void); /* or NULL */
};

uint32_t uart_read(unsigned reg);
void uart_write(unsigned reg, uint32_t value);

void pl011_init(struct uart *uart);
void cadence_init(struct uart *uart);
void imx_init(struct uart *uart);
void ns8250_init(struct uart *uart);

#endif
