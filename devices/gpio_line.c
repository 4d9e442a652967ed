/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/gpio_line.h"

#include "devices/queue.h"

/* In the state page a line is 16 bits, which one store changes: 2 bits of the latch, the value, 2 bits of the
 * direction and 3 of the trigger's place in this table; then a check. 0 is a line after reset. */
static const enum line_trigger triggers[] = {LINE_NEVER, LINE_RISING, LINE_FALLING,
                                             LINE_BOTH,  LINE_HIGH,   LINE_LOW};
#define NR_TRIGGERS (sizeof triggers / sizeof triggers[0])
#define CHECK       167u

/* The place of a trigger in the table; NR_TRIGGERS: it is none. */
static uint32_t trigger_number(uint32_t trigger)
{
    uint32_t number = 0;

    while (number < NR_TRIGGERS && (uint32_t)triggers[number] != trigger) {
        number++;
    }
    return number;
}

bool gpio_line_known(uint32_t trigger)
{
    return trigger_number(trigger) < NR_TRIGGERS;
}

void gpio_line_store(uint16_t *place, const struct gpio_line *line)
{
    uint32_t bits =
        (((uint32_t)line->latch * 2u + (line->high ? 1u : 0u)) * 4u + (uint32_t)line->direction) * 8u +
        trigger_number((uint32_t)line->trigger);

    __atomic_store_n(place, (uint16_t)(bits + bits * CHECK % 256u * 256u), __ATOMIC_RELAXED);
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

bool gpio_line_load(const uint16_t *place, struct gpio_line *line)
{
    uint32_t word = __atomic_load_n(place, __ATOMIC_RELAXED), bits = word % 256u;
    uint32_t trigger = bits % 8u, direction = bits / 8u % 4u, latch = bits / 64u;

    if (word / 256u != bits * CHECK % 256u || trigger >= NR_TRIGGERS || direction > GPIO_IN ||
        latch > GPIO_LATCHED) {
        return false;
    }
    line->trigger = triggers[trigger];
    line->direction = (enum gpio_direction)direction;
    line->high = bits / 32u % 2u != 0;
    line->latch = (enum gpio_latch)latch;
    return (line->trigger == LINE_NEVER || line->direction != GPIO_OUT) &&
           (line->latch == GPIO_CALM || gpio_line_is_edge(line));
}
