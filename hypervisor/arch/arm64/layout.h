/* SPDX-License-Identifier: Apache-2.0 */
/* The EL2 address space: 48 bits, 4 KiB granule. Everything lies in the last gigabyte slot 511/0, so that no physical
 * address collides with the identity map of the moment at which the MMU is turned on. Included by assembly. */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define IMAGE_VA  0xff8000000000 /* 2 MiB, 4 KiB pages */
#define STACK_VA  0xff8000200000 /* 2 MiB, 4 KiB pages: one slot per pCPU with a guard page below */
#define DEVICE_VA 0xff8000400000 /* 28 MiB, 4 KiB pages */
#define DEVICE_VA_SIZE 0x1c00000
#define WINDOW_VA 0xff8002000000 /* per pCPU: two windows of 2 MiB each, 2 MiB blocks */
#define BLOB_VA   0xff8002800000 /* boot only: 8 MiB for the device tree, 2 MiB blocks, read-only */
#define HEAP_VA   0xff8020000000 /* up to 512 MiB */
#define HEAP_VA_SIZE 0x20000000

#define STACK_SLOT 0x4000 /* guard page, two pages of stack, unused page */
#define STACK_SIZE 0x2000

#endif
