/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain that serves entropy of the device that was passed through. Without one, nobody gets any. */
#include <stddef.h>

#include "devices/entropy.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/random.h"
#include "runtime/log.h"

static struct entropy entropy;

static void create(struct device *device, tree_node node, const char *frontend)
{
    (void)node;
    if (!entropy_add(&entropy, device)) {
        crash("too many devices; this one is for ", frontend);
    }
}

void domain_start(void)
{
    static const struct backend_class classes[] = {{"entropy", create}};
    struct entropy_source *source = virtio_random_start();

    if (source == NULL) {
        log_line("entropy: no source");
    }
    entropy_init(&entropy, source);
    backend_start(classes, 1);
}
