/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal domain: prints a line every few seconds and sleeps in between. It uses the fixed addresses of
 * a Xen domain (public/arch-arm.h), as Zephyr does. Boot arguments: period=SECONDS, beats=N (then power off;
 * 0: never). */
#include <stddef.h>
#include <stdint.h>

#define GICD       0x03001000UL
#define GICC       0x03002000UL
#define GICR       0x03020000UL
#define GICR_SGI   (GICR + 0x10000UL)
#define UART       0x22000000UL
#define UART_FR    0x18UL
#define UART_TXFF  (1U << 5)
#define VTIMER_PPI 27U
#define SYSTEM_OFF 0x84000008U

#define READ_SYSREG(name)                              \
    __extension__({                                    \
        uint64_t v_;                                   \
        __asm__ volatile("mrs %0, " #name : "=r"(v_)); \
        v_;                                            \
    })
#define WRITE_SYSREG(name, value) \
    __asm__ volatile("msr " #name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

static void write32(uintptr_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static uint32_t read32(uintptr_t address)
{
    return *(volatile uint32_t *)address;
}

static void put(char c)
{
    while ((read32(UART + UART_FR) & UART_TXFF) != 0)
        ;
    write32(UART, (uint8_t)c);
}

static void print(const char *s)
{
    for (; *s != '\0'; s++)
        put(*s);
}

static void print_number(uint64_t value)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0)
        put(digits[--count]);
}

/* Lets the timer's interrupt become pending at this CPU, which ends a WFI. It is never taken: PSTATE.I stays
 * set. */
static void interrupts_init(void)
{
    if ((READ_SYSREG(ID_AA64PFR0_EL1) >> 24) % 16 != 0) { /* GICv3 system registers */
        WRITE_SYSREG(S3_0_C12_C12_5, 1);                  /* ICC_SRE_EL1 */
        write32(GICD, 0x12);                              /* ARE_NS, EnableGrp1NS */
        write32(GICR + 0x14, 0);                          /* GICR_WAKER: awake */
        while ((read32(GICR + 0x14) & 4U) != 0)
            ;
        write32(GICR_SGI + 0x80, 0xffffffffU); /* group 1 */
        write32(GICR_SGI + 0x100, 1U << VTIMER_PPI);
        WRITE_SYSREG(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1 */
        WRITE_SYSREG(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
    } else {
        write32(GICD, 1);
        write32(GICD + 0x100, 1U << VTIMER_PPI);
        write32(GICC + 0x04, 0xff);
        write32(GICC, 1);
    }
}

static void sleep_until(uint64_t when)
{
    WRITE_SYSREG(CNTV_CVAL_EL0, when);
    WRITE_SYSREG(CNTV_CTL_EL0, 1);
    while (READ_SYSREG(CNTVCT_EL0) < when)
        __asm__ volatile("wfi" : : : "memory");
    WRITE_SYSREG(CNTV_CTL_EL0, 2); /* off and masked: the line falls */
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* The first property called bootargs in a flattened tree; in a domain's tree only /chosen has one. */
static const char *find_bootargs(const uint8_t *tree)
{
    const uint8_t *p = tree + big_endian(tree + 8);
    const char *names = (const char *)tree + big_endian(tree + 12);

    for (;;) {
        uint32_t token = big_endian(p);

        p += 4;
        if (token == 1) { /* a node: its name follows */
            while (*p != 0)
                p++;
            p += 4 - (uintptr_t)p % 4;
        } else if (token == 3) { /* a property: length, name, value */
            if (equal(names + big_endian(p + 4), "bootargs"))
                return (const char *)p + 8;
            p += 8 + (big_endian(p) + 3) / 4 * 4;
        } else if (token != 2 && token != 4) {
            return "";
        }
    }
}

/* The number after "name=" in the boot arguments, or `otherwise`. */
static uint64_t argument(const char *bootargs, const char *name, uint64_t otherwise)
{
    for (const char *s = bootargs; *s != '\0'; s++) {
        const char *a = s, *b = name;
        uint64_t value = 0;

        while (*b != '\0' && *a == *b) {
            a++;
            b++;
        }
        if (*b != '\0' || *a != '=' || (s != bootargs && s[-1] != ' '))
            continue;
        for (a++; *a >= '0' && *a <= '9'; a++)
            value = value * 10 + (uint64_t)(*a - '0');
        return value;
    }
    return otherwise;
}

void main(const uint8_t *tree);

void main(const uint8_t *tree)
{
    const char *bootargs = find_bootargs(tree);
    uint64_t period = argument(bootargs, "period", 5), beats = argument(bootargs, "beats", 0);
    uint64_t frequency = READ_SYSREG(CNTFRQ_EL0), start = READ_SYSREG(CNTVCT_EL0), next = start;

    interrupts_init();
    for (uint64_t beat = 1; beats == 0 || beat <= beats; beat++) {
        next += period * frequency;
        sleep_until(next);
        print("heartbeat ");
        print_number(beat);
        print(": up ");
        print_number((READ_SYSREG(CNTVCT_EL0) - start) / frequency);
        print(" s\n");
    }
    print("heartbeat: powering off\n");
    register uint64_t function __asm__("x0") = SYSTEM_OFF;
    __asm__ volatile("hvc #0" : "+r"(function) : : "x1", "x2", "x3", "memory");
}
