/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The processor: system registers, barriers, registers of devices. */
#ifndef RUNTIME_ARCH_H
#define RUNTIME_ARCH_H

#include <stdint.h>

#define READ_SYSREG(name)                              \
    __extension__({                                    \
        uint64_t v_;                                   \
        __asm__ volatile("mrs %0, " #name : "=r"(v_)); \
        v_;                                            \
    })
#define WRITE_SYSREG(name, value) __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define ISB()                     __asm__ volatile("isb" : : : "memory")
#define DSB()                     __asm__ volatile("dsb sy" : : : "memory")

/* Until an interrupt is pending, masked or not. */
#define WFI() __asm__ volatile("dsb sy\n\twfi" : : : "memory")

/* Order between memory that a device shares and its registers. */
#define DEVICE_BARRIER() __asm__ volatile("dsb sy" : : : "memory")

/* Registers of devices: plain loads and stores, which a hypervisor can decode. */
static inline void write32(uintptr_t at, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(at) : "memory");
}

static inline uint32_t read32(uintptr_t at)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    return value;
}

/* Of 1, 2 or 4 bytes. */
static inline void write_sized(uintptr_t at, uint32_t size, uint32_t value)
{
    if (size == 1) {
        __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(at) : "memory");
    } else if (size == 2) {
        __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(at) : "memory");
    } else {
        write32(at, value);
    }
}

static inline uint32_t read_sized(uintptr_t at, uint32_t size)
{
    uint32_t value;

    if (size == 1) {
        __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    } else if (size == 2) {
        __asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    } else {
        value = read32(at);
    }
    return value;
}

#endif
