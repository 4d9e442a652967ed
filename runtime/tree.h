/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Reads the flattened device tree of the domain (Devicetree Specification 0.4, chapter 5). The hypervisor has
 * written it; a malformed one ends early, and nothing outside it is read. */
#ifndef RUNTIME_TREE_H
#define RUNTIME_TREE_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t tree_node; /* an offset; TREE_NONE: there is none */
#define TREE_NONE 0xffffffffu

/* False: there is no device tree at that address. */
bool tree_open(const void *blob);
uintptr_t tree_address(void);
uint32_t tree_size(void);

/* The next node after `node` in document order, whatever its depth; TREE_NONE begins at the root. */
tree_node tree_next(tree_node node);
/* The first child; the next node with the same parent. */
tree_node tree_child(tree_node node);
tree_node tree_sibling(tree_node node);
const char *tree_name(tree_node node);

/* The value of a property, or NULL; its length in bytes. */
const uint8_t *tree_property(tree_node node, const char *name, uint32_t *length);
bool tree_has(tree_node node, const char *name);
/* A text; NULL if there is none, or it does not end. */
const char *tree_text(tree_node node, const char *name);
/* The number of `cells` (1 or 2) cells that begins at cell `at`; `otherwise` if the property is shorter. */
uint64_t tree_number(tree_node node, const char *name, uint32_t at, uint32_t cells, uint64_t otherwise);
/* Whether `compatible` names it. */
bool tree_compatible(tree_node node, const char *compatible);
/* The next node after `node` that is so (TREE_NONE: from the root). */
tree_node tree_find(tree_node node, const char *compatible);

/* The number behind "name=" in the domain's boot arguments (bootargs of /chosen); `otherwise` without one. */
uint32_t tree_argument(const char *name, uint32_t otherwise);

bool text_equal(const char *a, const char *b);

#endif
