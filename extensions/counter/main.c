/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A device of four registers of 32 bits: a counter with an alarm.
 * 0x0 COUNT  how often it was read; a store sets it
 * 0x4 ALARM  when COUNT comes to this, the first declared interrupt is raised; 0: never
 * 0x8 LIFE   1 in the first life of the extension; read only
 * 0xc ID     0x42480001; read only */
#include "extension.h"

#define ID 0x42480001u

enum { COUNT = 0x0, ALARM = 0x4, LIFE = 0x8, IDENTIFICATION = 0xc, SIZE = 0x10 };

static uint32_t count, alarm;

void extension_init(void)
{
    extension_log("counter, life ");
    extension_log_number(extension_information(BH_EXT_ITEM_LIFE));
    extension_log("\n");
}

static uint32_t read_count(void)
{
    count++;
    if (count == alarm && extension_information(BH_EXT_ITEM_INTERRUPTS) != 0) {
        extension_interrupt(0);
    }
    return count;
}

uint64_t extension_access(const struct extension_access *access)
{
    uint64_t offset = access->address % SIZE;

    if (access->size != 4 || offset % 4u != 0) {
        extension_abort();
    }
    if (access->write) {
        if (offset == COUNT) {
            count = (uint32_t)access->value;
        } else if (offset == ALARM) {
            alarm = (uint32_t)access->value;
        }
        return 0;
    }
    return offset == COUNT   ? read_count()
           : offset == ALARM ? alarm
           : offset == LIFE  ? extension_information(BH_EXT_ITEM_LIFE)
                             : ID;
}
