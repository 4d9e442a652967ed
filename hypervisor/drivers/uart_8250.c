/* SPDX-License-Identifier: Apache-2.0 */
/* The 8250 family (16550A, DesignWare APB UART, BCM2835 mini UART). */
#include "drivers/uart.h"

enum { DATA = 0, IER = 1, IIR = 2, MCR = 4, LSR = 5, USR = 31 };

#define IER_RX     (1u << 0)
#define IER_TX     (1u << 1)
#define IIR_FIFO   0xc0u /* FIFOs are there and on */
#define IIR_ID     0x0fu
#define IIR_BUSY   0x07u     /* DesignWare: firmware wrote LCR while busy; cleared by reading USR */
#define MCR_OUT2   (1u << 3) /* gates the interrupt on PC-like wiring */
#define LSR_DR     (1u << 0)
#define LSR_THRE   (1u << 5)
#define FIFO_DEPTH 8u /* that of the mini UART, the smallest */

/* Switching it on raises the interrupt if the transmitter is empty. Only reading IIR would clear it, so
 * nobody does. */
static void tx_interrupt(bool on)
{
    uart_write(IER, IER_RX | (on ? IER_TX : 0u));
}

/* THRE says "empty", nothing says "not full": so a whole FIFO follows each THRE. */
void ns8250_init(struct uart *uart)
{
    uint32_t cause = uart_read(IIR);

    uart->tx = DATA;
    uart->rx = DATA;
    uart->status = LSR;
    uart->full = LSR_THRE;
    uart->empty = LSR_DR;
    uart->invert = LSR_THRE | LSR_DR;
    uart->depth = (cause & IIR_FIFO) == IIR_FIFO ? FIFO_DEPTH : 1u;
    uart->tx_interrupt = tx_interrupt;
    if ((cause & IIR_ID) == IIR_BUSY) {
        (void)uart_read(USR);
    }
    uart_write(MCR, uart_read(MCR) | MCR_OUT2);
    tx_interrupt(false);
}
