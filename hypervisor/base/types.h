/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-width integers and the three kinds of address, which never mix: each is a struct, so that an
 * assignment between them does not compile. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t v;
} pa_t; /* physical address */

typedef struct {
    uint64_t v;
} ipa_t; /* intermediate physical (guest physical) address */

typedef struct {
    uint64_t v;
} va_t; /* virtual address of a guest */

#define PA(x)  ((pa_t){(x)})
#define IPA(x) ((ipa_t){(x)})

#define PAGE_SIZE 4096u
#define KIB(n)    ((uint64_t)(n) * 1024u)
#define MIB(n)    (KIB(n) * 1024u)
#define GIB(n)    (MIB(n) * 1024u)

#define MAX_PCPUS   32u /* physical processors */
#define MAX_VCPUS   32u /* vCPUs of one domain */
#define MAX_DOMAINS 32u /* domids 0 .. MAX_DOMAINS - 1 */
#define MAX_SMMUS   4u

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline uint64_t align_up(uint64_t v, uint64_t align)
{
    return (v + align - 1u) / align * align;
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
    return v / align * align;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* True if [a, a + a_size) and [b, b + b_size) share a byte. No range may wrap. */
static inline bool ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a_size != 0 && b_size != 0 && a < b + b_size && b < a + a_size;
}

#endif
