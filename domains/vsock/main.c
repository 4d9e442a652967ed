/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain without hardware: passes packets of sockets between the domains that it serves. */
#include "devices/vsock.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

static struct vsock vsock;
static struct source settle;

static void settled(struct source *source)
{
    (void)source;
    vsock_settle(&vsock);
}

static void create(struct device *device, tree_node node, const char *frontend)
{
    struct vsock_port *port = arena_alloc(sizeof *port, 16, "ports");

    port->cid = (uint32_t)tree_number(node, "bulkhead,guest-cid", 0, 1, 0);
    port->isolated = tree_has(node, "bulkhead,isolated");
    port->device = device;
    if (!vsock_add(&vsock, port)) {
        crash("no port of the switch for ", frontend);
    }
}

void domain_start(void)
{
    static const struct backend_class classes[] = {{"vsock", create}};

    settle.run = settled;
    backend_start(classes, 1);
    source_ready(
        &settle); /* behind all frontends, which are looked at once before: those that run are attached */
}
