/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of board_verify(): NULL, or what is broken. */
#ifndef TEST_VERIFY_H
#define TEST_VERIFY_H

#include "board.h"

/* Devices that the domain has from a driver domain, and those that it serves. */
const char *verify_virtio(const struct board *board, const struct domain_record *r);

/* What its device tree tells a driver domain. */
const char *verify_told(const struct domain_record *r, const struct fdt *fdt);

#endif
