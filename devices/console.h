/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The console device (VIRTIO 1.2, 5.3). With two queues it has one port; with 4 + 2n queues it offers
 * VIRTIO_CONSOLE_F_MULTIPORT and has 1 + n ports, the first of which is a console. All ports of all frontends
 * are lines of one terminal (devices/console_mux.h).
 *
 * Text that waits for room on the terminal keeps its buffer; after a restart it is written again from the
 * buffer's beginning. */
#ifndef DEVICES_CONSOLE_H
#define DEVICES_CONSOLE_H

#include "devices/console_mux.h"
#include "devices/device.h"

#define CONSOLE_MAX_PORTS 3u /* as many as DEVICE_MAX_QUEUES allow */

#define VIRTIO_CONSOLE_F_SIZE        (UINT64_C(1) << 0)
#define VIRTIO_CONSOLE_F_MULTIPORT   (UINT64_C(1) << 1)
#define VIRTIO_CONSOLE_F_EMERG_WRITE (UINT64_C(1) << 2)

struct console;

struct console_port {
    struct console_line line;
    struct console *console;
    uint32_t number;
    uint32_t rx, tx;         /* queues */
    uint64_t done;           /* bytes of the first buffer in flight that were written */
    bool tx_again, rx_again; /* heads may be in flight */
};

struct console {
    /* Set by the host before console_add(), all else zero. */
    struct device *device;
    const char *name;       /* of the frontend: begins its lines; NULL or "": no prefix */
    uint16_t columns, rows; /* 0: 80, 25 */
    /* The library's. */
    struct console_mux *mux;
    uint32_t nr;
    struct console_port ports[CONSOLE_MAX_PORTS];
    bool control_again[2];
    struct queue_chain chain;
};

extern const struct device_class console_class;

/* Before device_init(): sets class, user and features of console->device. False: the terminal has no line
 * left, or the number of queues is none of the above. */
bool console_add(struct console_mux *mux, struct console *console);

#endif
