// SPDX-License-Identifier: Apache-2.0
/* The device tree, read in one pass. Addresses are taken as two cells each, which holds for the root and the
 * first level of every tree this guest meets. */
#include "guest.h"

#define FDT_MAGIC      0xd00dfeedu
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4
#define MAX_DEPTH      8

struct platform platform;

struct node {
    const char *compatible, *device_type, *method, *bootargs;
    uint32_t compatible_length, reg_length;
    const uint8_t *reg, *interrupts;
};

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t big64(const uint8_t *p)
{
    return (uint64_t)big32(p) << 32 | big32(p + 4);
}

static bool equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool compatible(const struct node *node, const char *wanted)
{
    for (uint32_t i = 0; i < node->compatible_length;) {
        if (equal(node->compatible + i, wanted))
            return true;
        while (i < node->compatible_length && node->compatible[i])
            i++;
        i++;
    }
    return false;
}

static void take_property(struct node *node, const char *name, const uint8_t *value, uint32_t length)
{
    const char *text = (const char *)value;
    if (equal(name, "compatible")) {
        node->compatible = text;
        node->compatible_length = length;
    } else if (equal(name, "reg")) {
        node->reg = value;
        node->reg_length = length;
    } else if (equal(name, "interrupts")) {
        node->interrupts = value;
    } else if (equal(name, "device_type")) {
        node->device_type = text;
    } else if (equal(name, "method")) {
        node->method = text;
    } else if (equal(name, "bootargs")) {
        node->bootargs = text;
    }
}

static void take_node(const struct node *node)
{
    if (node->reg && node->reg_length >= 32) {
        if (compatible(node, "arm,gic-v3")) {
            platform.gicd = big64(node->reg);
            platform.gicr = big64(node->reg + 16);
        } else if (compatible(node, "arm,gic-400") || compatible(node, "arm,cortex-a15-gic")) {
            platform.gicd = big64(node->reg);
            platform.gicc = big64(node->reg + 16);
        }
    }
    if (node->reg_length >= 48 && node->interrupts && compatible(node, "bulkhead,channel-v1")) {
        platform.tx = big64(node->reg);
        platform.ring_size = big64(node->reg + 8);
        platform.rx = big64(node->reg + 16);
        platform.doorbell = big64(node->reg + 32);
        platform.channel_irq = 32 + big32(node->interrupts + 4);
    }
    if (node->reg && !platform.uart && (compatible(node, "arm,pl011") || compatible(node, "arm,sbsa-uart")))
        platform.uart = big64(node->reg);
    if (node->method && equal(node->method, "smc"))
        platform.psci_smc = true;
    if (node->device_type && equal(node->device_type, "memory") && node->reg && !platform.ram_size) {
        platform.ram_base = big64(node->reg);
        platform.ram_size = big64(node->reg + 8);
    }
    for (uint32_t i = 0; node->bootargs && node->bootargs[i] && i < sizeof(platform.bootargs) - 1; i++)
        platform.bootargs[i] = node->bootargs[i];
}

void platform_read(const uint8_t *device_tree)
{
    struct node nodes[MAX_DEPTH];
    uint32_t depth = 0;
    if (big32(device_tree) != FDT_MAGIC)
        return;
    const uint8_t *p = device_tree + big32(device_tree + 8);
    const char *strings = (const char *)device_tree + big32(device_tree + 12);
    for (;;) {
        uint32_t token = big32(p);
        p += 4;
        if (token == FDT_BEGIN_NODE && depth < MAX_DEPTH) {
            nodes[depth++] = (struct node){0};
            uint32_t length = 0;
            while (p[length])
                length++;
            p += (length / 4 + 1) * 4;
        } else if (token == FDT_PROP && depth) {
            uint32_t length = big32(p);
            take_property(&nodes[depth - 1], strings + big32(p + 4), p + 8, length);
            p += 8 + (length + 3) / 4 * 4;
        } else if (token == FDT_END_NODE && depth) {
            take_node(&nodes[--depth]);
            if (!depth)
                return;
        } else if (token != FDT_NOP) {
            return;
        }
    }
}

const char *argument(const char *key)
{
    const char *args = platform.bootargs;
    for (uint32_t i = 0; args[i]; i++) {
        if (i && args[i - 1] != ' ')
            continue;
        uint32_t j = 0;
        while (key[j] && args[i + j] == key[j])
            j++;
        if (!key[j] && args[i + j] == '=')
            return args + i + j + 1;
    }
    return NULL;
}

uint64_t argument_number(const char *key, uint64_t fallback)
{
    const char *text = argument(key);
    uint64_t value = 0;
    if (!text)
        return fallback;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

bool argument_is(const char *key, const char *text)
{
    const char *value = argument(key);
    if (!value)
        return false;
    while (*text && *value == *text) {
        value++;
        text++;
    }
    return !*text && (!*value || *value == ' ');
}
