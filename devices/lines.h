/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What stands behind the GPIO devices: a controller of lines, whose driver is the host's. All calls come from
 * the thread of the devices. */
#ifndef DEVICES_LINES_H
#define DEVICES_LINES_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers of VIRTIO 1.2, 5.18.6. */
enum line_trigger {
    LINE_NEVER = 0,
    LINE_RISING = 1,
    LINE_FALLING = 2,
    LINE_BOTH = 3, /* edges */
    LINE_HIGH = 4,
    LINE_LOW = 8,
};

struct lines {
    /* Set by the driver. Lines are numbered from 0 to nr - 1. No call waits, and each that is made again has
     * no further effect. */
    void *user;
    uint32_t nr;
    bool interrupts;                                 /* trigger(), mask() and clear() are there */
    bool (*get)(struct lines *lines, uint32_t line); /* what is sensed on the line, whatever its direction */
    void (*output)(struct lines *lines, uint32_t line, bool high); /* drives it so from now on */
    void (*input)(struct lines *lines, uint32_t line);             /* drives it no longer */
    /* When the line, which is masked, is to interrupt. The controller keeps an edge for as long as the line
     * is masked and while its driver is away; a level that ends is forgotten. What was kept until now is
     * forgotten unless `keep`: then the trigger is what the line had before the driver was away. */
    void (*trigger)(struct lines *lines, uint32_t line, enum line_trigger trigger, bool keep);
    void (*mask)(struct lines *lines, uint32_t line, bool masked); /* at first all are */
    void (*clear)(struct lines *lines, uint32_t line);             /* forgets an edge */

    /* Set by the user of the lines. Called by the driver, never from inside the functions above, for a line
     * that is not masked, until it is masked or cleared. */
    void *owner;
    void (*interrupt)(struct lines *lines, uint32_t line);
};

#endif
