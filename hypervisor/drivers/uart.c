/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/uart.h"

static bool none_put(uint8_t byte)
{
    (void)byte;
    return true;
}

static bool none_get(uint8_t *byte)
{
    (void)byte;
    return false;
}

static void none_tx_interrupt(bool on)
{
    (void)on;
}

static void none_acknowledge(void)
{
}

static struct uart_driver driver;

void uart_init(enum uart_type type, volatile void *registers, unsigned reg_shift, unsigned io_width)
{
    driver.put = none_put;
    driver.get = none_get;
    driver.tx_interrupt = none_tx_interrupt;
    driver.acknowledge = none_acknowledge;

    switch (type) {
    case UART_PL011:
        pl011_init(&driver, registers);
        break;
    case UART_CADENCE:
        cadence_init(&driver, registers);
        break;
    case UART_IMX:
        imx_init(&driver, registers);
        break;
    case UART_8250:
        ns8250_init(&driver, registers, reg_shift, io_width);
        break;
    case UART_NONE:
        break;
    }
}

bool uart_put(uint8_t byte)
{
    return driver.put(byte);
}

bool uart_get(uint8_t *byte)
{
    return driver.get(byte);
}

void uart_tx_interrupt(bool on)
{
    driver.tx_interrupt(on);
}

void uart_acknowledge(void)
{
    driver.acknowledge();
}
