// SPDX-License-Identifier: Apache-2.0
/* The console UART: vpl011 in a domain, PL011 on the bare machine. */
#include "gic.h"
#include "guest.h"

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    FR_BUSY = 8,
    FR_RXFE = 16,
    FR_TXFF = 32,
    FR_TXFE = 128,
    INT_RX = 16,
    INT_TX = 32,
    INT_RT = 64
};

static uint32_t reg(uint32_t offset)
{
    return read32(uart_base + offset);
}
static void set(uint32_t offset, uint32_t v)
{
    write32(uart_base + offset, v);
}

static void drain(void)
{
    uint64_t end = now() + us_to_ticks(1000000);
    while (!(reg(FR) & FR_TXFE) && now() < end) {
        cpu_relax();
    }
}

TEST(uart_registers)
{
    drain();
    uint32_t fr = reg(FR);
    EXPECT_EQ(fr & (FR_RXFE | FR_TXFE | FR_TXFF | FR_BUSY), FR_RXFE | FR_TXFE, "FR of an idle UART");
    EXPECT_EQ(reg(IMSC), 0, "IMSC at start");
    set(IMSC, INT_RX);
    EXPECT_EQ(reg(IMSC), INT_RX, "IMSC read back");
    set(IMSC, 0);
    EXPECT_EQ(reg(MIS), 0, "MIS with nothing enabled");
    if (is_domain()) {
        /* What the SBSA UART lacks reads as 0 and takes writes. */
        static const uint32_t absent[] = {0x24, 0x28, 0x2c, 0x30, 0x34, 0xfe0, 0xff0};
        for (uint32_t i = 0; i < ARRAY_SIZE(absent); i++) {
            set(absent[i], 0xffff);
            EXPECT(reg(absent[i]) == 0, "register 0x%x reads 0x%x", absent[i], reg(absent[i]));
        }
        /* SBSA: 8, 16 and 32-bit accesses are all allowed. */
        EXPECT_EQ(read8(uart_base + FR), fr % 256, "FR by byte");
        EXPECT_EQ(read16(uart_base + FR), fr % 65536, "FR by halfword");
    }
}

static volatile uint32_t tx_irqs;

static void on_tx(uint32_t intid)
{
    if (intid == uart_irq) {
        tx_irqs++;
        if (tx_irqs >= 3) {
            set(IMSC, 0);
        }
    }
}

/* The transmit interrupt is a level: it repeats until masked or cleared, and comes again when unmasked. */
TEST(uart_tx_interrupt)
{
    CHECK(uart_irq >= 32, "no interrupt in the device tree");
    tx_irqs = 0;
    irq_body = on_tx;
    gic_trigger(uart_irq, false);
    gic_target(uart_irq, 0);
    gic_enable(uart_irq);
    console_putc('t');
    console_putc('x');
    console_putc('\n');
    drain();
    irq_on();
    EXPECT_EQ(tx_irqs, 0, "transmit interrupts while masked");
    EXPECT(reg(RIS) & INT_TX, "RIS 0x%x after transmission", reg(RIS));
    set(IMSC, INT_TX);
    CHECK(wait_for(&tx_irqs, 3, 1000000), "%u interrupts from a level that stays", tx_irqs);
    delay_us(500);
    EXPECT_EQ(tx_irqs, 3, "interrupts once masked");
    set(IMSC, INT_TX);
    EXPECT(wait_for(&tx_irqs, 4, 1000000), "no interrupt when unmasked again");
    set(ICR, INT_TX);
    EXPECT_EQ(reg(MIS) & INT_TX, 0, "MIS after the interrupt was cleared");
    irq_off();
    set(IMSC, 0);
}

/* Echo by interrupt until a full stop: the harness types and counts. */
static volatile uint32_t received, sum, over;

static void on_rx(uint32_t intid)
{
    if (intid != uart_irq) {
        return;
    }
    for (int c = console_getc(); c >= 0; c = console_getc()) {
        if (c == '.') {
            over = 1;
        } else {
            received++;
            sum = sum * 31 + (uint32_t)c;
        }
    }
    set(ICR, INT_RX | INT_RT);
}

TEST(uart_input)
{
    received = sum = over = 0;
    irq_body = on_rx;
    gic_trigger(uart_irq, false);
    gic_target(uart_irq, 0);
    gic_enable(uart_irq);
    set(IMSC, INT_RX | INT_RT);
    irq_on();
    print("READY for input\n");
    CHECK(wait_for(&over, 1, 20000000), "no full stop after %u characters", received);
    irq_off();
    set(IMSC, 0);
    test_figure("received", received);
    test_figure("sum", sum);
}

/* Lines as fast as the UART takes them: number, pattern, checksum. lines= of them. */
TEST(uart_output)
{
    uint32_t lines = (uint32_t)arg_number("lines", 500);
    uint64_t seed = 31337 + arg_number("seed", 0);
    for (uint32_t i = 0; i < lines; i++) {
        char text[61];
        uint32_t check = i, n = 20 + random32(&seed) % 40;
        for (uint32_t k = 0; k < n; k++) {
            text[k] = (char)('!' + random32(&seed) % 90);
            check = check * 31 + (uint32_t)text[k];
        }
        text[n] = 0;
        print("OUT %u %s %u\n", i, text, check);
    }
}

/* A line without an end, then another domain's turn: nothing may be lost. */
TEST(uart_partial_line)
{
    print("half a line");
    delay_us(20000);
    print(" and its end\n");
}
