/* SPDX-License-Identifier: Apache-2.0 */
/* The EL2 address space: 48 bits, 4 KiB granule. Everything lies in the last gigabyte slot 511/0, so that no
 * physical address collides with the identity map of the moment at which the MMU is turned on. Included by
 * assembly. */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#ifdef __aarch64__
#define IMAGE_VA 0xff8000000000 /* 2 MiB, 4 KiB pages */
#else
#define IMAGE_VA 0x3f8000000000 /* in the part of a plain process that is free */
#endif
#define STACK_VA       (IMAGE_VA + 0x200000) /* 2 MiB, 4 KiB pages: one slot per pCPU with a guard page below */
#define DEVICE_VA      (IMAGE_VA + 0x400000) /* 28 MiB, 4 KiB pages */
#define DEVICE_VA_SIZE 0x1c00000
#define WINDOW_VA      (IMAGE_VA + 0x2000000) /* per pCPU: two windows of 2 MiB each, 2 MiB blocks */
#define BLOB_VA        (IMAGE_VA + 0x2800000) /* boot only: 8 MiB for the device tree, 2 MiB blocks, read-only */
#define SHARE_VA       (IMAGE_VA + 0x3000000) /* 2 MiB, 4 KiB pages: guests' pages shared with EL2 for long */
#define HEAP_VA        (IMAGE_VA + 0x20000000) /* up to 512 MiB */
#define HEAP_VA_SIZE   0x20000000

#define STACK_SLOT 0x4000 /* guard page, two pages of stack, unused page */
#define STACK_SIZE 0x2000

#endif
