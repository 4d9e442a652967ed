/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bare-metal examples share: memory, interrupts, time, console. They use the fixed addresses of a
 * Xen domain (public/arch-arm.h), as Zephyr does, and find the rest in their device tree. One vCPU.
 */
#ifndef EXAMPLES_GUEST_H
#define EXAMPLES_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READ_SYSREG(name)                              \
    __extension__({                                    \
        uint64_t v_;                                   \
        __asm__ volatile("mrs %0, " #name : "=r"(v_)); \
        v_;                                            \
    })
#define WRITE_SYSREG(name, value) __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

#define ISB() __asm__ volatile("isb" : : : "memory")

#define VTIMER_INTID 27U

/*
 * Registers of devices, 32 bits at base + offset (a constant). A hypervisor is told what an access to an
 * emulated register does if it is a plain load or store: the compiler must not make one that also changes its
 * base register.
 */
#define WRITE32(base, offset, value)                                               \
    __asm__ volatile("str %w0, [%1, %2]"                                           \
                     :                                                             \
                     : "r"((uint32_t)(value)), "r"((uintptr_t)(base)), "i"(offset) \
                     : "memory")
#define READ32(base, offset)                                                                               \
    __extension__({                                                                                        \
        uint32_t v_;                                                                                       \
        __asm__ volatile("ldr %w0, [%1, %2]" : "=r"(v_) : "r"((uintptr_t)(base)), "i"(offset) : "memory"); \
        v_;                                                                                                \
    })

/* The program. `tree` is the device tree. */
_Noreturn void main(const uint8_t *tree);

/* ---- memory.c. Addresses are guest physical ones: the tables map each to itself. */

/* Channels and other shared memory lie here: Normal write-back memory, as the RAM above 1 GiB. The rest below
 * 1 GiB is Device. A doorbell page here is no worse for that: no memory is behind it, every store traps. */
#define SHARED_BEGIN 0x0c000000UL
#define SHARED_END   0x10000000UL

/* Called by start.S with the MMU off. */
void memory_init(void);

/* ---- interrupt.c. Interrupts end a WFI and are acknowledged there; none is ever taken (PSTATE.I stays set).
 */

void interrupt_init(void);
/* A PPI: the timer, Xen's event channels. */
void interrupt_enable_private(uint32_t intid);
/* An SPI, and with it all others of its 16 become edges: doorbells of channels. */
void interrupt_enable_edge(uint32_t intid);
/* Acknowledges all that are pending. The timer has to be off, else it comes again and again. */
void interrupt_acknowledge(void);
/* Waits for an interrupt, and acknowledges all there are. One that came since the last call ends it at once.
 */
void interrupt_wait(void);

/* ---- timer.c */

/* Sleeps until CNTVCT_EL0 has that value; returns the value it has then. Its interrupt has to be enabled. */
uint64_t timer_sleep(uint64_t when);

/* ---- channel.c */

enum { CHANNEL_TX = 0, CHANNEL_SIZE = 1, CHANNEL_RX = 2, CHANNEL_DOORBELL = 4 };

/* A node "bulkhead,channel-v1" of the device tree. */
struct channel_node {
    const char *name;
    uint32_t intid;  /* 0: rung by an event channel, which these programs do not use */
    uint64_t reg[6]; /* address and size of tx, rx, doorbell */
};

#ifndef MAX_CHANNELS
#define MAX_CHANNELS 2
#endif
extern struct channel_node channel_nodes[MAX_CHANNELS + 1];

/* Rings the peer: everything written before is visible to it first. */
static inline void channel_ring(const struct channel_node *node)
{
    __asm__ volatile("dsb ishst" : : : "memory");
    WRITE32(node->reg[CHANNEL_DOORBELL], 0, 1);
}

/* Reads the device tree: fills channel_nodes, in its order (names only if there may be several); returns how
 * many there are. For domains that ring and are rung by devices. */
uint32_t channel_find(const uint8_t *tree);
/* After that: the node of that name, or NULL. */
const struct channel_node *channel_named(const char *name);

/* ---- tree.c */

bool text_equal(const char *a, const char *b);

/* One item of a device tree: a property, or with a name of NULL the end of a node. */
struct tree_item {
    const uint8_t *next; /* these two are tree_next's own */
    const char *names;
    const char *name;
    const uint8_t *value;
    uint32_t length; /* bytes of the value */
};

void tree_open(struct tree_item *item, const uint8_t *tree);
/* The next item, in order. False at the end of the tree. */
bool tree_next(struct tree_item *item);
/* The 32-bit number at that index of a property. */
uint32_t tree_cell(const struct tree_item *item, uint32_t index);

/* ---- print.c */

void print(const char *text);
void print_number(uint64_t value);
/* Writes the digits to `to` (up to 20), without a NUL; returns how many. */
size_t text_number(char *to, uint64_t value);
/* The number after "name=" in a text, or `otherwise`; in the boot arguments. */
uint64_t number_after(const char *text, const char *name, uint64_t otherwise);
uint64_t argument(const uint8_t *tree, const char *name, uint64_t otherwise);

/* ---- power.c */

_Noreturn void power_off(void);
_Noreturn void power_reset(void);

#endif
