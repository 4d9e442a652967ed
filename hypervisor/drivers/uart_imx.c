/* SPDX-License-Identifier: Apache-2.0 */
/* i.MX UART (i.MX 8M Plus reference manual, chapter UART). */
#include "drivers/uart.h"

enum { URXD = 0x00, UTXD = 0x40, UCR1 = 0x80, UCR2 = 0x84, UCR3 = 0x88, UCR4 = 0x8c, UTS = 0xb4 };

#define UCR1_UARTEN (1u << 0)
#define UCR1_TRDYEN (1u << 13)
#define UCR1_SOURCES \
    (1u << 3 | 1u << 5 | 1u << 6 | 1u << 9 | UCR1_TRDYEN | 1u << 15) /* TXDMA RTSD TXMPTY RRDY TRDY ADEN */
#define UCR2_RXEN    (1u << 1)
#define UCR2_TXEN    (1u << 2)
#define UCR2_SOURCES (1u << 3 | 1u << 4 | 1u << 15) /* ATEN RTSEN ESCI */
#define UCR3_SOURCES \
    (1u << 4 | 1u << 5 | 1u << 6 | 1u << 11 | 1u << 12) /* AWAKEN AIRINTEN RXDSEN FRAERREN PARERREN */
#define UCR4_DREN    (1u << 0)
#define UCR4_SOURCES (1u << 1 | 1u << 2 | 1u << 3 | 1u << 7 | 1u << 8) /* OREN BKEN TCEN WKEN ENIRI */
#define UTS_TXFULL   (1u << 4)
#define UTS_RXEMPTY  (1u << 5)

/* Transmitter ready and receive data ready follow the FIFOs. */
static void tx_interrupt(bool on)
{
    uint32_t control = uart_read(UCR1);

    uart_write(UCR1, on ? control | UCR1_TRDYEN : control & ~UCR1_TRDYEN);
}

void imx_init(struct uart *uart)
{
    uart->tx = UTXD;
    uart->rx = URXD;
    uart->status = UTS;
    uart->full = UTS_TXFULL;
    uart->empty = UTS_RXEMPTY;
    uart->tx_interrupt = tx_interrupt;
    uart_write(UCR1, (uart_read(UCR1) & ~UCR1_SOURCES) | UCR1_UARTEN);
    uart_write(UCR2, (uart_read(UCR2) & ~UCR2_SOURCES) | UCR2_RXEN | UCR2_TXEN);
    uart_write(UCR3, uart_read(UCR3) & ~UCR3_SOURCES);
    uart_write(UCR4, (uart_read(UCR4) & ~UCR4_SOURCES) |
                         UCR4_DREN); /* with the first byte, whatever the trigger level */
}
