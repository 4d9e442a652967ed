/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain that serves the lines of the GPIO controller that was passed through: to each frontend its
 * range of them. */
#include <stddef.h>

#include "devices/gpio.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/gpios.h"
#include "runtime/memory.h"

static struct gpio_bank bank;

/* The names that the description has, and none for the lines that follow. */
static void read_names(struct gpio *gpio, tree_node node)
{
    uint32_t size, nr = 0;
    const uint8_t *given = tree_property(node, "gpio-line-names", &size);
    uint8_t *names;

    if (given == NULL || size == 0) {
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        nr += given[i] == 0;
    }
    if (nr > gpio->nr) {
        crash("more names than lines: ", tree_name(node));
    }
    gpio->names_size = size + gpio->nr - nr;
    names = arena_alloc(gpio->names_size, 1, "names of lines");
    memcpy(names, given, size);
    gpio->names = names;
}

static void create(struct device *device, tree_node node, const char *frontend)
{
    struct gpio *gpio = arena_alloc(sizeof *gpio, 16, "GPIO devices");

    gpio->device = device;
    gpio->first = (uint32_t)tree_number(node, "bulkhead,gpio-lines", 0, 1, 0);
    gpio->nr = (uint32_t)tree_number(node, "bulkhead,gpio-lines", 1, 1, 0);
    read_names(gpio, node);
    if (!gpio_add(&bank, gpio)) {
        crash("the controller does not have these lines for ", frontend);
    }
}

void domain_start(void)
{
    static const struct backend_class classes[] = {{"gpio", create}};
    struct lines *lines = pl061_start();

    if (lines == NULL) {
        crash("no GPIO controller", "");
    }
    gpio_init(&bank, lines);
    backend_start(classes, 1);
}
