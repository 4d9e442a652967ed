/* SPDX-License-Identifier: Apache-2.0 */
/* Device register accesses: one instruction each, without write-back, so that they can also be emulated. */
#ifndef ARCH_MMIO_H
#define ARCH_MMIO_H

#include "base/types.h"

#ifdef __aarch64__
static inline uint8_t mmio_read8(const volatile void *a)
{
    uint8_t v;

    __asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline uint32_t mmio_read32(const volatile void *a)
{
    uint32_t v;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline uint64_t mmio_read64(const volatile void *a)
{
    uint64_t v;

    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline void mmio_write8(volatile void *a, uint8_t v)
{
    __asm__ volatile("strb %w0, [%1]" ::"r"(v), "r"(a) : "memory");
}

static inline void mmio_write32(volatile void *a, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(v), "r"(a) : "memory");
}

static inline void mmio_write64(volatile void *a, uint64_t v)
{
    __asm__ volatile("str %0, [%1]" ::"r"(v), "r"(a) : "memory");
}
#else
/* On the host a test decides what stands behind a register. */
uint32_t host_mmio_read(const volatile void *a, unsigned size);
void host_mmio_write(volatile void *a, unsigned size, uint64_t v);
#define mmio_read8(a)      ((uint8_t)host_mmio_read((a), 1))
#define mmio_read32(a)     (host_mmio_read((a), 4))
#define mmio_read64(a)     (mmio_read32(a) | (uint64_t)mmio_read32((const volatile uint8_t *)(a) + 4) << 32)
#define mmio_write8(a, v)  host_mmio_write((a), 1, (v))
#define mmio_write32(a, v) host_mmio_write((a), 4, (v))
#define mmio_write64(a, v) host_mmio_write((a), 8, (v))
#endif

#endif
