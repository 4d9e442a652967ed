/* SPDX-License-Identifier: Apache-2.0 */
/* Cadence UART of Zynq and ZynqMP (UG1085 chapter 21, UG1087 module UART). */
#include "drivers/uart.h"

enum { CR = 0x00, IER = 0x08, IDR = 0x0c, ISR = 0x14, RXWM = 0x20, SR = 0x2c, FIFO = 0x30 };

#define CR_RX_EN    (1u << 2)
#define CR_RX_DIS   (1u << 3)
#define CR_TX_EN    (1u << 4)
#define CR_TX_DIS   (1u << 5)
#define SR_RXEMPTY  (1u << 1)
#define SR_TXFULL   (1u << 4)
#define INT_RXTRIG  (1u << 0)
#define INT_TXEMPTY (1u << 3)
#define INT_ALL     0x1fffu

/* Causes are latched. This one is cleared before bytes are put, so the FIFO's becoming empty after that is
 * not missed. */
static void tx_interrupt(bool on)
{
    if (!on) {
        uart_write(IDR, INT_TXEMPTY);
        uart_write(ISR, INT_TXEMPTY);
    } else {
        uart_write(IER, INT_TXEMPTY);
    }
}

static void acknowledge(void)
{
    uart_write(ISR, INT_RXTRIG);
}

void cadence_init(struct uart *uart)
{
    uart->tx = FIFO;
    uart->rx = FIFO;
    uart->status = SR;
    uart->full = SR_TXFULL;
    uart->empty = SR_RXEMPTY;
    uart->tx_interrupt = tx_interrupt;
    uart->acknowledge = acknowledge;
    uart_write(IDR, INT_ALL);
    uart_write(CR, (uart_read(CR) & ~(CR_RX_DIS | CR_TX_DIS)) | CR_RX_EN | CR_TX_EN);
    uart_write(RXWM, 1); /* interrupt with the first byte */
    uart_write(ISR, INT_ALL);
    uart_write(IER, INT_RXTRIG);
}
