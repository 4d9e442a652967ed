/* SPDX-License-Identifier: Apache-2.0 */
/* The UART drivers on memory: what they look at, what they write, and that firmware's settings stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/uart.h"

static uint32_t regs[64];

#define REG(offset) regs[(offset) / 4]

static void expect_put(bool taken, uint32_t offset)
{
    REG(offset) = 0;
    assert_int_equal(uart_put('x'), taken);
    assert_int_equal(REG(offset), taken ? 'x' : 0);
}

static void expect_get(bool there, uint32_t offset)
{
    uint8_t byte = 0;

    REG(offset) = 'y';
    assert_int_equal(uart_get(&byte), there);
    assert_int_equal(byte, there ? 'y' : 0);
}

static void none(void **state)
{
    uint8_t byte;

    (void)state;
    uart_init(UART_NONE, NULL, 0, 0);
    assert_true(uart_put('x'));
    assert_false(uart_get(&byte));
    uart_tx_interrupt(true);
    uart_acknowledge();
}

static void pl011(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(0x24) = 13; /* IBRD */
    REG(0x2c) = 0x70;
    REG(0x30) = 1u << 11;
    uart_init(UART_PL011, regs, 0, 0);
    assert_int_equal(REG(0x30), 1u << 11 | 0x301);
    assert_true(REG(0x24) == 13 && REG(0x2c) == 0x70);
    assert_int_equal(REG(0x38), 0x50);
    REG(0x18) = 1u << 5 | 1u << 4;
    expect_put(false, 0);
    expect_get(false, 0);
    REG(0x18) = 0;
    expect_put(true, 0);
    expect_get(true, 0);
    uart_tx_interrupt(true);
    assert_int_equal(REG(0x38), 0x70);
    uart_tx_interrupt(false);
    assert_int_equal(REG(0x38), 0x50);
}

static void cadence(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(0x00) = 1u << 3 | 1u << 5 | 1u << 8;
    REG(0x04) = 0x20;
    REG(0x18) = 0x3e;
    uart_init(UART_CADENCE, regs, 0, 0);
    assert_int_equal(REG(0x00), 1u << 2 | 1u << 4 | 1u << 8);
    assert_true(REG(0x04) == 0x20 && REG(0x18) == 0x3e);
    assert_int_equal(REG(0x0c), 0x1fff);
    assert_int_equal(REG(0x08), 1);
    REG(0x2c) = 1u << 4 | 1u << 1;
    expect_put(false, 0x30);
    expect_get(false, 0x30);
    REG(0x2c) = 1u << 3;
    expect_put(true, 0x30);
    expect_get(true, 0x30);
    uart_tx_interrupt(true);
    assert_int_equal(REG(0x08), 1u << 3);
    uart_tx_interrupt(false);
    assert_true(REG(0x0c) == 1u << 3 && REG(0x14) == 1u << 3);
    uart_acknowledge();
    assert_int_equal(REG(0x14), 1);
}

static void imx(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(0x80) = 1u << 9 | 1u << 13;
    REG(0x84) = 1u << 5 | 1u << 14 | 1u << 3;
    REG(0x8c) = 32u << 10 | 1u << 3;
    REG(0x90) = 0xa81;
    uart_init(UART_IMX, regs, 0, 0);
    assert_int_equal(REG(0x80), 1);
    assert_int_equal(REG(0x84), 1u << 5 | 1u << 14 | 1u << 2 | 1u << 1);
    assert_int_equal(REG(0x8c), 32u << 10 | 1);
    assert_int_equal(REG(0x90), 0xa81);
    REG(0xb4) = 1u << 4 | 1u << 5;
    expect_put(false, 0x40);
    expect_get(false, 0x00);
    REG(0xb4) = 0;
    expect_put(true, 0x40);
    expect_get(true, 0x00);
    uart_tx_interrupt(true);
    assert_int_equal(REG(0x80), 1u << 13 | 1);
    uart_tx_interrupt(false);
    assert_int_equal(REG(0x80), 1);
}

static void ns8250_wide(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(0x08) = 0xc1; /* IIR: FIFOs on, nothing pending */
    REG(0x0c) = 3;    /* LCR */
    uart_init(UART_8250, regs, 2, 4);
    assert_true(REG(0x0c) == 3 && REG(0x10) == 8 && REG(0x04) == 1);
    REG(0x14) = 0;
    expect_put(false, 0);
    expect_get(false, 0);
    REG(0x14) = 1u << 5;
    expect_put(true, 0);
    REG(0x14) = 0;
    for (int n = 1; n < 8; n++) {
        expect_put(true, 0);
    }
    expect_put(false, 0);
    REG(0x14) = 1;
    expect_get(true, 0);
    uart_tx_interrupt(true);
    assert_int_equal(REG(0x04), 3);
}

static void ns8250_bytes(void **state)
{
    uint8_t *bytes = (uint8_t *)regs;

    (void)state;
    memset(regs, 0, sizeof(regs));
    bytes[5] = 1u << 5;
    uart_init(UART_8250, regs, 0, 1);
    assert_true(uart_put('a') && bytes[0] == 'a' && bytes[1] == 1);
    bytes[5] = 0;
    assert_false(uart_put('b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none), cmocka_unit_test(pl011),       cmocka_unit_test(cadence),
        cmocka_unit_test(imx),  cmocka_unit_test(ns8250_wide), cmocka_unit_test(ns8250_bytes),
    };

    return cmocka_run_group_tests_name("UART drivers", tests, NULL, NULL);
}
