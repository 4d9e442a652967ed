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

static volatile uint32_t *regs;

static bool put(uint8_t byte)
{
    if ((regs[SR / 4] & SR_TXFULL) != 0) {
        return false;
    }
    regs[FIFO / 4] = byte;
    return true;
}

static bool get(uint8_t *byte)
{
    if ((regs[SR / 4] & SR_RXEMPTY) != 0) {
        return false;
    }
    *byte = (uint8_t)regs[FIFO / 4];
    return true;
}

static void tx_interrupt(bool on)
{
    regs[(on ? IER : IDR) / 4] = INT_TXEMPTY;
}

/* All causes are latched. They are cleared before the FIFOs are looked at, so that what happens meanwhile interrupts
 * again. */
static void acknowledge(void)
{
    regs[ISR / 4] = regs[ISR / 4];
}

void cadence_init(struct uart_driver *driver, volatile void *registers)
{
    regs = registers;
    regs[IDR / 4] = INT_ALL;
    regs[CR / 4] = (regs[CR / 4] & ~(CR_RX_DIS | CR_TX_DIS)) | CR_RX_EN | CR_TX_EN;
    regs[RXWM / 4] = 1; /* interrupt with the first byte */
    acknowledge();
    regs[IER / 4] = INT_RXTRIG;

    driver->put = put;
    driver->get = get;
    driver->tx_interrupt = tx_interrupt;
    driver->acknowledge = acknowledge;
}
