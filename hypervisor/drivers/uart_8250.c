/* SPDX-License-Identifier: Apache-2.0 */
/* The 8250 family (16550A, DesignWare APB UART, BCM2835 mini UART). */
#include "drivers/uart.h"

enum { DATA = 0, IER = 1, IIR = 2, MCR = 4, LSR = 5, USR = 31 };

#define IER_RX       (1u << 0)
#define IER_TX       (1u << 1)
#define IIR_FIFO     0xc0u /* FIFOs are there and on */
#define IIR_ID       0x0fu
#define IIR_BUSY     0x07u /* DesignWare: LCR was written while busy; cleared by reading USR */
#define MCR_OUT2     (1u << 3) /* gates the interrupt on PC-like wiring */
#define LSR_DR       (1u << 0)
#define LSR_THRE     (1u << 5)
#define FIFO_DEPTH   8u /* that of the mini UART, the smallest */

static volatile uint8_t *regs;
static uint8_t shift, width;
static uint8_t room; /* bytes that the FIFO takes before LSR is asked again: THRE says "empty", nothing says "not full" */

static uint32_t reg_read(unsigned reg)
{
    volatile uint8_t *address = regs + ((size_t)reg << shift);

    return width == 4 ? *(volatile uint32_t *)address : width == 2 ? *(volatile uint16_t *)address : *address;
}

static void reg_write(unsigned reg, uint8_t value)
{
    volatile uint8_t *address = regs + ((size_t)reg << shift);

    if (width == 4) {
        *(volatile uint32_t *)address = value;
    } else if (width == 2) {
        *(volatile uint16_t *)address = value;
    } else {
        *address = value;
    }
}

static bool put(uint8_t byte)
{
    if (room == 0) {
        if ((reg_read(LSR) & LSR_THRE) == 0) {
            return false;
        }
        room = (reg_read(IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_DEPTH : 1u;
    }
    room--;
    reg_write(DATA, byte);
    return true;
}

static bool get(uint8_t *byte)
{
    if ((reg_read(LSR) & LSR_DR) == 0) {
        return false;
    }
    *byte = (uint8_t)reg_read(DATA);
    return true;
}

static void tx_interrupt(bool on)
{
    reg_write(IER, IER_RX | (on ? IER_TX : 0u));
}

/* Reading IIR clears "transmitter empty". put() reads it too, which loses no interrupt: then it goes on to write a byte, and
 * that one's end raises the next. */
static void acknowledge(void)
{
    if ((reg_read(IIR) & IIR_ID) == IIR_BUSY && shift != 0) {
        (void)reg_read(USR);
    }
}

void ns8250_init(struct uart_driver *driver, volatile void *registers, unsigned reg_shift, unsigned io_width)
{
    regs = registers;
    shift = (uint8_t)reg_shift;
    width = (uint8_t)io_width;
    room = 0;
    reg_write(MCR, (uint8_t)(reg_read(MCR) | MCR_OUT2));
    acknowledge();
    tx_interrupt(false);

    driver->put = put;
    driver->get = get;
    driver->tx_interrupt = tx_interrupt;
    driver->acknowledge = acknowledge;
}
