/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What stands behind the console devices: a terminal, whose driver (a UART's) is the host's. All calls come
 * from the thread of the devices. */
#ifndef DEVICES_TEXT_H
#define DEVICES_TEXT_H

#include <stdint.h>

struct text {
    /* Set by the driver. */
    void *user;
    /* Takes up to `length` bytes, as many as there is room for; fewer than all: ready() is called when there
     * is more. Does not wait. */
    uint32_t (*put)(struct text *text, const uint8_t *data, uint32_t length);

    /* Set by the user of the terminal; called by the driver, never from inside put(). */
    void *owner;
    void (*ready)(struct text *text);
    void (*input)(struct text *text, const uint8_t *data, uint32_t length);
};

#endif
