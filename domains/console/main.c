/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain that serves consoles, all of them lines of one UART: the PL011 that was passed through, or
 * its own virtual one. */
#include <stddef.h>

#include "devices/console.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/terminals.h"
#include "runtime/memory.h"

static struct console_mux mux;

static void create(struct device *device, tree_node node, const char *frontend)
{
    struct console *console = arena_alloc(sizeof *console, 16, "consoles");

    (void)node;
    console->device = device;
    console->name = frontend;
    if (!console_add(&mux, console)) {
        crash("no line of the terminal for ", frontend);
    }
}

void domain_start(void)
{
    static const struct backend_class classes[] = {{"console", create}};
    struct text *text = pl011_start();

    if (text == NULL) {
        crash("no UART", "");
    }
    console_mux_init(&mux, text);
    backend_start(classes, 1);
}
