/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs made by hand, and comparison with libfdt. */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include "boot/fdt.h"

#define TREE_STOP 0x5709u /* ends the list of words */

/* A blob with these words as its structure block and the strings "ab" (offset 0). To be freed. Returns its
 * size. */
size_t tree_pack(const uint32_t *words, void **blob);
void tree_set_word(void *blob, unsigned word, uint32_t value);

/* Opens a file; to be freed. */
void *tree_read(const char *path, struct fdt *fdt);

/* Fails the test unless the reader and libfdt see the same nodes, properties, parents and paths. */
void tree_compare(const char *path);

#endif
