/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/net_switch.h"

#include <stddef.h>

#include "devices/libc.h"

#define MAC     6u
#define SOURCE  6u /* offset in the Ethernet header */
#define NOWHERE (NET_UPLINK + 1u)

static bool is_group(const uint8_t *mac)
{
    return mac[0] % 2u != 0;
}

/* IEEE 802.1D, 7.12.6. */
static bool stays_on_wire(const uint8_t *mac)
{
    static const uint8_t reserved[MAC - 1u] = {0x01, 0x80, 0xc2, 0x00, 0x00};

    return memcmp(mac, reserved, sizeof reserved) == 0 && mac[MAC - 1u] < 16u;
}

/* The port whose own address this is, or NOWHERE. */
static uint32_t station(const struct net_switch *table, const uint8_t *mac)
{
    for (uint32_t i = 0; i < NET_MAX_PORTS; i++) {
        if (table->rules[i] != NULL && memcmp(table->rules[i]->mac, mac, MAC) == 0) {
            return i;
        }
    }
    return NOWHERE;
}

bool net_switch_add(struct net_switch *table, uint32_t port, const struct net_rules *rules)
{
    static const uint8_t none[MAC];

    if (port >= NET_MAX_PORTS || is_group(rules->mac) || memcmp(rules->mac, none, MAC) == 0 ||
        station(table, rules->mac) != NOWHERE) {
        return false;
    }
    table->rules[port] = rules;
    return true;
}

static struct net_learned *set_of(struct net_switch *table, const uint8_t *mac)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < MAC; i++) {
        sum = sum * 31u + mac[i];
    }
    return table->table[sum % NET_TABLE_SETS];
}

static void drop(struct net_switch *table, struct net_learned *entry)
{
    if (entry->used) {
        table->counts[entry->port]--;
        entry->used = false;
    }
}

/* The way that holds the address, or NULL. Drops what has become old. */
static struct net_learned *find(struct net_switch *table, const uint8_t *mac, uint64_t now)
{
    struct net_learned *set = set_of(table, mac), *found = NULL;

    for (uint32_t i = 0; i < NET_TABLE_WAYS; i++) {
        if (set[i].used && now - set[i].seen > NET_AGE_NS) {
            drop(table, &set[i]);
        }
        if (set[i].used && memcmp(set[i].mac, mac, MAC) == 0) {
            found = &set[i];
        }
    }
    return found;
}

/* A free way, else the oldest one of the same port, else NULL: a port takes nothing away from another one. */
static struct net_learned *room(struct net_switch *table, const uint8_t *mac, uint32_t port)
{
    struct net_learned *set = set_of(table, mac), *oldest = NULL;
    bool full = table->counts[port] >= NET_PER_PORT;

    for (uint32_t i = 0; i < NET_TABLE_WAYS; i++) {
        if (!set[i].used && !full) {
            return &set[i];
        }
        if (set[i].used && set[i].port == port && (oldest == NULL || set[i].seen < oldest->seen)) {
            oldest = &set[i];
        }
    }
    return oldest;
}

static void learn(struct net_switch *table, const uint8_t *mac, uint32_t port, uint64_t now)
{
    struct net_learned *entry = find(table, mac, now);

    if (entry != NULL && entry->port != port && table->counts[port] >= NET_PER_PORT) {
        return;
    }
    if (entry == NULL) {
        entry = room(table, mac, port);
    }
    if (entry == NULL) {
        return;
    }
    drop(table, entry);
    memcpy(entry->mac, mac, MAC);
    entry->port = (uint8_t)port;
    entry->seen = now;
    entry->used = true;
    table->counts[port]++;
}

void net_switch_forget(struct net_switch *table, uint32_t port)
{
    for (uint32_t i = 0; i < NET_TABLE_SETS * NET_TABLE_WAYS; i++) {
        struct net_learned *entry = &table->table[i / NET_TABLE_WAYS][i % NET_TABLE_WAYS];

        if (entry->used && entry->port == port) {
            drop(table, entry);
        }
    }
}

static bool may_send(const struct net_switch *table, uint32_t from, const uint8_t *source)
{
    uint32_t owner = station(table, source);

    if (is_group(source) || (owner != NOWHERE && owner != from)) {
        return false;
    }
    return owner == from || from == NET_UPLINK || table->rules[from]->any_source;
}

/* Whether both may exchange frames at all. */
static bool connected(const struct net_switch *table, uint32_t from, uint32_t to)
{
    if (from == to) {
        return false;
    }
    if (to == NET_UPLINK) {
        return table->uplink;
    }
    return table->rules[to] != NULL &&
           (from == NET_UPLINK || (!table->rules[from]->isolated && !table->rules[to]->isolated));
}

uint32_t net_switch_route(struct net_switch *table, uint32_t from, const uint8_t header[14], uint64_t now)
{
    const uint8_t *source = header + SOURCE;
    uint32_t targets = 0, only = NOWHERE;

    if (!may_send(table, from, source) || stays_on_wire(header)) {
        return 0;
    }
    if (from == NET_UPLINK || memcmp(source, table->rules[from]->mac, MAC) != 0) {
        learn(table, source, from, now);
    }
    if (!is_group(header)) {
        only = station(table, header);
        if (only == NOWHERE) {
            const struct net_learned *entry = find(table, header, now);

            only = entry != NULL ? entry->port : NOWHERE;
        }
    }
    for (uint32_t to = 0; to <= NET_UPLINK; to++) {
        bool wanted = only == NOWHERE ? is_group(header) || to == NET_UPLINK ||
                                            (table->rules[to] != NULL && table->rules[to]->any_source)
                                      : to == only;

        if (wanted && connected(table, from, to)) {
            targets |= 1u << to;
        }
    }
    return targets;
}
