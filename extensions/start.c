/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Entries of an extension. The core has set the stack pointer and, for each life, the variables. */
#include "extension.h"

__attribute__((noreturn)) void extension_start(uint64_t entry, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                               uint64_t e);

__attribute__((weak)) void extension_fail(uint64_t end, uint64_t what, uint64_t where, uint64_t pc)
{
    (void)end;
    (void)what;
    (void)where;
    (void)pc;
}

/* 32 bytes at a time, as a call takes them. */
void extension_log(const char *text)
{
    while (*text != '\0') {
        uint64_t words[4] = {0}, length = 0;

        for (; length < 32u && text[length] != '\0'; length++) {
            words[length / 8u] |= (uint64_t)(uint8_t)text[length] << (length % 8u * 8u);
        }
        (void)extension_call(BH_EXT_CALL_LOG, length, words[0], words[1], words[2], words[3]);
        text += length;
    }
}

void extension_log_number(uint64_t value)
{
    char text[19] = "0x";
    unsigned digits = 1, at = 2;

    while (digits < 16u && value >> (4u * digits) != 0) {
        digits++;
    }
    while (digits > 0) {
        digits--;
        text[at++] = "0123456789abcdef"[(value >> (4u * digits)) % 16u];
    }
    text[at] = '\0';
    extension_log(text);
}

void extension_start(uint64_t entry, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    uint64_t value = 0;

    if (entry == BH_EXT_EXIT) {
        const struct extension_access access = {
            .vcpu = a, .address = b, .size = c, .write = d != 0, .value = e};

        value = extension_access(&access);
    } else if (entry == BH_EXT_INIT) {
        if (extension_call(BH_EXT_CALL_VERSION, BH_EXT_MAJOR, BH_EXT_MINOR, 0, 0, 0).status !=
            BH_EXT_STATUS_OK) {
            extension_give_up(0);
        }
        extension_init();
    } else {
        extension_fail(a, b, c, d);
    }
    extension_end(BH_EXT_CALL_DONE, value);
}
