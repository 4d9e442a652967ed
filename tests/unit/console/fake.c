/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <string.h>

#include "core/interrupt.h"
#include "drivers/uart.h"

struct fake fake;
struct vpl011 uarts[MAX_DOMAINS];

bool uart_put(uint8_t byte)
{
    if (fake.depth != 0) { /* 0: endless, as QEMU's */
        if (__atomic_load_n(&fake.room, __ATOMIC_ACQUIRE) == 0) {
            return false;
        }
        __atomic_fetch_sub(&fake.room, 1, __ATOMIC_ACQ_REL);
    }
    if (fake.sent < WIRE) {
        fake.wire[fake.sent++] = (char)byte;
    }
    return true;
}

bool uart_get(uint8_t *byte)
{
    if (fake.input == NULL || *fake.input == '\0') {
        return false;
    }
    *byte = (uint8_t)*fake.input++;
    return true;
}

void uart_tx_interrupt(bool on)
{
    __atomic_store_n(&fake.tx_irq, on, __ATOMIC_RELEASE);
}

void interrupt_console_here(void)
{
}

void uart_acknowledge(void)
{
    fake.acknowledged++;
}

void virq_line(struct virq *virq, unsigned vcpu, unsigned intid, bool high, struct virq_cpu *self,
               struct virq_effects *effects)
{
    unsigned domid = (unsigned)(uintptr_t)virq;

    (void)vcpu;
    (void)intid;
    (void)self;
    effects->kick |= 1;
    __atomic_store_n(&fake.line[domid], high, __ATOMIC_RELEASE);
    fake.raised[domid] += high;
}

void fake_init(unsigned depth)
{
    fake.depth = depth;
    fake.room = depth;
}

void fake_drain(unsigned bytes)
{
    for (; bytes > 0 && __atomic_load_n(&fake.room, __ATOMIC_ACQUIRE) < fake.depth; bytes--) {
        __atomic_fetch_add(&fake.room, 1, __ATOMIC_ACQ_REL);
    }
}

void fake_refresh(uint32_t domains)
{
    for (unsigned domid = 0; domid < MAX_DOMAINS; domid++) {
        struct virq_effects effects = {0};

        if ((domains & (1u << domid)) != 0) {
            vpl011_refresh(&uarts[domid], NULL, &effects);
        }
    }
}

bool fake_irq(void)
{
    bool receive = fake.input != NULL && *fake.input != '\0';
    bool room = __atomic_load_n(&fake.room, __ATOMIC_ACQUIRE) >= fake.depth / 2;

    if (receive || (__atomic_load_n(&fake.tx_irq, __ATOMIC_ACQUIRE) && room)) {
        fake_refresh(console_interrupt());
        return true;
    }
    return false;
}

uint64_t guest_read(unsigned domid, uint64_t offset)
{
    struct virq_effects effects = {0};
    uint64_t value = ~UINT64_C(0);

    fake_refresh(vpl011_access(&uarts[domid], offset, 4, false, &value, NULL, &effects));
    return value;
}

void guest_write(unsigned domid, uint64_t offset, uint64_t value)
{
    struct virq_effects effects = {0};

    fake_refresh(vpl011_access(&uarts[domid], offset, 4, true, &value, NULL, &effects));
}

void guest_text(unsigned domid, const char *text)
{
    for (; *text != '\0'; text++) {
        guest_write(domid, DR, (uint8_t)*text);
    }
}

bool guest_try(unsigned domid, char byte)
{
    if ((guest_read(domid, FR) & TXFF) != 0) {
        return false;
    }
    guest_write(domid, DR, (uint8_t)byte);
    return true;
}
