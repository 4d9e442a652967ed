/* SPDX-License-Identifier: Apache-2.0 */
/* Arm PrimeCell UART PL011 (DDI 0183), and the SBSA generic UART, which lacks CR. */
#include "drivers/uart.h"

enum { DR = 0x00, FR = 0x18, CR = 0x30, IMSC = 0x38 };

#define FR_RXFE   (1u << 4)
#define FR_TXFF   (1u << 5)
#define CR_ENABLE (1u << 0 | 1u << 8 | 1u << 9) /* UARTEN, TXE, RXE */
#define INT_RX    (1u << 4)
#define INT_TX    (1u << 5)
#define INT_RT    (1u << 6)

/* Nothing is cleared by ICR: RX and RT go away by reading, TX by filling the FIFO above its trigger level. A
 * cleared TX would come again only when the FIFO falls through that level once more, perhaps never. */
static void tx_interrupt(bool on)
{
    uart_write(IMSC, INT_RX | INT_RT | (on ? INT_TX : 0u));
}

void pl011_init(struct uart *uart)
{
    uart->tx = DR;
    uart->rx = DR;
    uart->status = FR;
    uart->full = FR_TXFF;
    uart->empty = FR_RXFE;
    uart->tx_interrupt = tx_interrupt;
    uart_write(CR,
               uart_read(CR) | CR_ENABLE); /* QEMU starts a kernel without firmware that would have done it */
    tx_interrupt(false);
}
