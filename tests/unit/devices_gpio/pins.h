/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A controller of eight lines that keeps edges while they are masked, as a PL061 does. */
#ifndef PINS_H
#define PINS_H

#include "rig.h"

#include "devices/gpio.h"

#define PINS 8u

struct pins {
    struct lines lines;
    bool outside[PINS]; /* what drives the lines that are no outputs */
    bool out[PINS], value[PINS], masked[PINS], latched[PINS], sensed[PINS];
    enum line_trigger trigger[PINS];
    uint32_t changes[PINS]; /* of what is sensed on the line */
    uint32_t outputs[PINS]; /* calls of output() */
    uint64_t foreign;       /* lines that may not be touched: bits */
    void (*step)(void);     /* behind each access; may not return */
};

/* As after power-on. */
void pins_create(struct pins *pins);
/* The driver begins anew: all lines are masked, the rest is as it was. */
void pins_restart(struct pins *pins);
bool pins_level(const struct pins *pins, uint32_t line);
/* From outside. */
void pins_set(struct pins *pins, uint32_t line, bool high);
/* The interrupts that are due. */
void pins_poll(struct pins *pins);

/* A request, as the bytes of VIRTIO 1.2, 5.18.6. Runs the device; returns status + 256 * value of its answer,
 * or -1: there is none. */
int pins_ask(struct rig *rig, uint16_t type, uint16_t line, uint32_t value);
/* A buffer for the event of a line; the address of its status. Runs nothing. */
uint64_t pins_unmask(struct rig *rig, uint16_t line);

enum { P_NAMES = 1, P_GET_DIRECTION, P_SET_DIRECTION, P_GET, P_SET, P_TYPE };
enum { P_NONE, P_OUT, P_IN };

#endif
