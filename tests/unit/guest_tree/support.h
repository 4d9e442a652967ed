/* SPDX-License-Identifier: Apache-2.0 */
/* Trees written as text in a test, and a report that remembers. */
#ifndef GUEST_TREE_SUPPORT_H
#define GUEST_TREE_SUPPORT_H

#include "boot/fdt.h"
#include "boot/guest_fdt.h"
#include "boot/host.h"
#include "boot/report.h"

/* Compiles the text with dtc and opens it. The blob is as large as it must be, so that a read behind it is
 * seen. */
void compile_tree(struct fdt *fdt, const char *text);
void close_tree(struct fdt *fdt);

/* A small board: GICv2 or v3, four CPUs, PL011, PL061 (interrupt 39), PL031, a network controller that is
 * dma-coherent, two virtio-mmio devices in one page, a device of unknown kind. */
void make_board(struct host *host, struct fdt *fdt, unsigned gic_version);

/* The guest's tree, in memory of exactly the bound's size. */
uint8_t *build_tree(const struct guest_fdt_input *in, size_t *size);

/* Fails unless dtc prints the tree as `expected`. */
void expect_text(const uint8_t *blob, size_t size, const char *expected);

struct messages {
    struct report report;
    char text[8192]; /* a line each: severity path property: message */
};

void messages_start(struct messages *messages);

#endif
