/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Serves the devices that /bulkhead-backend of the domain's device tree declares: hosts the device library
 * (devices/device.h), answers trapped accesses (include/bulkhead/ioreq.h), and follows frontends that stop
 * and start. */
#ifndef RUNTIME_BACKEND_H
#define RUNTIME_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"
#include "runtime/tree.h"

struct backend_class {
    const char *name; /* the value of bulkhead,class */
    /* Sets class, user and features of a device whose other fields are set. `node` is the device's, with its
     * parameters; `frontend` the name of the domain. Does not return if it cannot: crash(). */
    void (*create)(struct device *device, tree_node node, const char *frontend);
};

/* Makes all devices. Those of a class that is not in the table are an error. */
void backend_start(const struct backend_class *classes, uint32_t nr);

#endif
