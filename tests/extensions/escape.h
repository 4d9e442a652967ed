/* SPDX-License-Identifier: Apache-2.0 */
/* Between the extension that tries to get out (escape.c) and the guest that tells it how. */
#ifndef TESTS_EXTENSIONS_ESCAPE_H
#define TESTS_EXTENSIONS_ESCAPE_H

#include <stdint.h>

/* Registers of 32 bits. A command is done once: it names the life that it is for, and what comes after has
 * another. */
enum {
    ESCAPE_COMMAND = 0x0,   /* written: attempt + life * 65536 */
    ESCAPE_LIFE = 0x4,      /* read */
    ESCAPE_LAST_END = 0x8,  /* read */
    ESCAPE_COUNT = 0xc,     /* read: attempts that there are */
    ESCAPE_WHAT = 0x10,     /* written: the attempt that ESCAPE_END is to speak of */
    ESCAPE_END = 0x14,      /* read: how a life shall end by it (enum bh_ext_end) */
    ESCAPE_SURVIVED = 0x18, /* read: attempts that came back */
    ESCAPE_ADDRESS = 0x1c,  /* written: address / 4096 of memory of the core, for ESCAPE_COMMAND 0 */
    ESCAPE_SIZE = 0x20
};

#endif
