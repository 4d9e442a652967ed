/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/uart.h"

static struct uart uart;
static uint8_t room; /* bytes that the transmit FIFO takes before its status is asked again */

uint32_t uart_read(unsigned reg)
{
    volatile uint8_t *address = uart.base + ((size_t)reg << uart.shift);

    return uart.width == 4   ? *(volatile uint32_t *)address
           : uart.width == 2 ? *(volatile uint16_t *)address
                             : *address;
}

void uart_write(unsigned reg, uint32_t value)
{
    volatile uint8_t *address = uart.base + ((size_t)reg << uart.shift);

    if (uart.width == 4) {
        *(volatile uint32_t *)address = value;
    } else if (uart.width == 2) {
        *(volatile uint16_t *)address = (uint16_t)value;
    } else {
        *address = (uint8_t)value;
    }
}

void uart_init(enum uart_type type, volatile void *registers, unsigned reg_shift, unsigned io_width)
{
    uart = (struct uart){.base = registers, .width = 4, .depth = 1};
    room = 0;
    if (type == UART_PL011) {
        pl011_init(&uart);
    } else if (type == UART_CADENCE) {
        cadence_init(&uart);
    } else if (type == UART_IMX) {
        imx_init(&uart);
    } else if (type == UART_8250) {
        uart.shift = (uint8_t)reg_shift;
        uart.width = (uint8_t)io_width;
        ns8250_init(&uart);
    }
}

bool uart_put(uint8_t byte)
{
    if (uart.full == 0) {
        return true;
    }
    if (room == 0) {
        if (((uart_read(uart.status) ^ uart.invert) & uart.full) != 0) {
            return false;
        }
        room = uart.depth;
    }
    room--;
    uart_write(uart.tx, byte);
    return true;
}

bool uart_get(uint8_t *byte)
{
    if (uart.full == 0 || ((uart_read(uart.status) ^ uart.invert) & uart.empty) != 0) {
        return false;
    }
    *byte = (uint8_t)uart_read(uart.rx);
    return true;
}

void uart_tx_interrupt(bool on)
{
    if (uart.tx_interrupt != NULL) {
        uart.tx_interrupt(on);
    }
}

void uart_acknowledge(void)
{
    if (uart.acknowledge != NULL) {
        uart.acknowledge();
    }
}
