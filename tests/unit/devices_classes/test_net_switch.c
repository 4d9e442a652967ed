/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Where frames go, and the limit of what a port sends. */
#include <assert.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "devices/net_rate.h"
#include "devices/net_switch.h"

#define UP (1u << NET_UPLINK)

struct header {
    uint8_t bytes[14];
};

static struct header header(const uint8_t *to, const uint8_t *from)
{
    struct header result = {0};

    memcpy(result.bytes, to, 6);
    memcpy(result.bytes + 6, from, 6);
    return result;
}

/* Station `n` of the world outside, or behind a port. */
static const uint8_t *outside(uint32_t n)
{
    static uint8_t mac[16][6];
    static uint32_t next;
    uint8_t *result = mac[next++ % 16u];

    result[0] = 0x02;
    result[1] = 0xaa;
    result[4] = (uint8_t)(n / 256u);
    result[5] = (uint8_t)n;
    return result;
}

static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Ports 0 and 1 are ordinary, 2 is isolated, 3 sends from any address. */
static struct net_rules rules[NET_MAX_PORTS] = {
    {.mac = {2, 0, 0, 0, 0, 0}},
    {.mac = {2, 0, 0, 0, 0, 1}},
    {.mac = {2, 0, 0, 0, 0, 2}, .isolated = true},
    {.mac = {2, 0, 0, 0, 0, 3}, .any_source = true},
};

static void create(struct net_switch *table, bool uplink)
{
    memset(table, 0, sizeof *table);
    table->uplink = uplink;
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(net_switch_add(table, i, &rules[i]));
    }
}

static uint32_t route(struct net_switch *table, uint32_t from, const uint8_t *to, const uint8_t *source,
                      uint64_t now)
{
    struct header frame = header(to, source);

    return net_switch_route(table, from, frame.bytes, now);
}

static uint32_t own(struct net_switch *table, uint32_t from, const uint8_t *to)
{
    return route(table, from, to, rules[from].mac, 1);
}

static void addresses_are_those_of_stations(void **state)
{
    struct net_switch table;
    struct net_rules group = {.mac = {1, 2, 3, 4, 5, 6}}, none = {{0}, false, false}, twice = rules[1];

    (void)state;
    create(&table, true);
    assert_false(net_switch_add(&table, 4, &group));
    assert_false(net_switch_add(&table, 4, &none));
    assert_false(net_switch_add(&table, 4, &twice));
    assert_false(net_switch_add(&table, NET_MAX_PORTS, &group));
}

static void stations_are_reached_directly(void **state)
{
    struct net_switch table;

    (void)state;
    create(&table, true);
    assert_int_equal(own(&table, 0, rules[1].mac), 1u << 1);
    assert_int_equal(own(&table, 1, rules[0].mac), 1u << 0);
    assert_int_equal(own(&table, 0, rules[3].mac), 1u << 3);
    assert_int_equal(own(&table, 0, rules[0].mac), 0); /* to itself */
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(route(&table, NET_UPLINK, rules[i].mac, outside(1), 1), 1u << i);
    }
}

static void groups_and_unknown_ones_are_flooded(void **state)
{
    struct net_switch table;

    (void)state;
    create(&table, true);
    assert_int_equal(own(&table, 0, all), UP | 1u << 1 | 1u << 3);
    assert_int_equal(own(&table, 3, all), UP | 1u << 0 | 1u << 1);
    assert_int_equal(route(&table, NET_UPLINK, all, outside(1), 1), 15u);
    assert_int_equal(own(&table, 0, outside(9)), UP | 1u << 3);
    assert_int_equal(route(&table, NET_UPLINK, outside(9), outside(1), 1), 1u << 3);
    create(&table, false);
    assert_int_equal(own(&table, 0, all), 1u << 1 | 1u << 3);
    assert_int_equal(own(&table, 0, outside(9)), 1u << 3);
}

static void an_isolated_port_has_the_uplink_only(void **state)
{
    struct net_switch table;

    (void)state;
    create(&table, true);
    assert_int_equal(own(&table, 2, all), UP);
    assert_int_equal(own(&table, 2, outside(9)), UP);
    assert_int_equal(own(&table, 2, rules[0].mac), 0);
    assert_int_equal(own(&table, 0, rules[2].mac), 0);
    create(&table, false);
    assert_int_equal(own(&table, 2, all), 0);
}

static void nobody_sends_as_another(void **state)
{
    static const uint8_t group[6] = {3, 0, 0, 0, 0, 1};
    struct net_switch table;

    (void)state;
    create(&table, true);
    assert_int_equal(route(&table, 0, all, rules[1].mac, 1), 0);
    assert_int_equal(route(&table, 0, all, outside(5), 1), 0);
    assert_int_equal(route(&table, 3, all, rules[1].mac, 1), 0);
    assert_int_equal(route(&table, 3, all, group, 1), 0);
    assert_int_equal(route(&table, NET_UPLINK, all, rules[1].mac, 1), 0);
    assert_int_equal(route(&table, NET_UPLINK, all, group, 1), 0);
    assert_int_not_equal(route(&table, 3, all, outside(5), 1), 0);
    /* what was refused was not learned: still flooded */
    assert_int_equal(own(&table, 1, outside(6)), UP | 1u << 3);
}

static void reserved_groups_stay_on_their_wire(void **state)
{
    uint8_t to[6] = {0x01, 0x80, 0xc2, 0, 0, 0};
    struct net_switch table;

    (void)state;
    create(&table, true);
    for (uint32_t i = 0; i < 16; i++) {
        to[5] = (uint8_t)i;
        assert_int_equal(own(&table, 0, to), 0);
        assert_int_equal(route(&table, NET_UPLINK, to, outside(1), 1), 0);
    }
    to[5] = 16;
    assert_int_not_equal(own(&table, 0, to), 0);
}

static void addresses_are_learned_move_and_age(void **state)
{
    struct net_switch table;

    (void)state;
    create(&table, true);
    route(&table, 3, all, outside(7), 1000);
    assert_int_equal(route(&table, 0, outside(7), rules[0].mac, 1000), 1u << 3);
    assert_int_equal(route(&table, NET_UPLINK, outside(7), outside(1), 1000), 1u << 3);
    assert_int_equal(route(&table, 0, outside(1), rules[0].mac, 1000), UP);
    route(&table, NET_UPLINK, all, outside(7), 2000); /* has moved */
    assert_int_equal(route(&table, 0, outside(7), rules[0].mac, 2000), UP);
    assert_int_equal(route(&table, 0, outside(7), rules[0].mac, 2000 + NET_AGE_NS), UP);
    assert_int_equal(route(&table, 0, outside(7), rules[0].mac, 2001 + NET_AGE_NS), UP | 1u << 3);
    route(&table, 3, all, outside(7), 5000);
    net_switch_forget(&table, 3);
    assert_int_equal(route(&table, 0, outside(7), rules[0].mac, 5000), UP | 1u << 3);
    assert_int_equal(table.counts[3], 0);
}

static uint32_t in_table(const struct net_switch *table, uint32_t port)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < NET_TABLE_SETS * NET_TABLE_WAYS; i++) {
        const struct net_learned *entry = &table->table[i / NET_TABLE_WAYS][i % NET_TABLE_WAYS];

        count += entry->used && entry->port == port;
    }
    return count;
}

/* One that sends from many addresses fills no more than its part, and takes no place of another's. */
static void the_table_is_bounded(void **state)
{
    struct net_switch table;
    uint64_t now = 1;

    (void)state;
    create(&table, true);
    for (uint32_t i = 0; i < 8; i++) {
        route(&table, NET_UPLINK, all, outside(50000u + i), now++);
    }
    assert_int_equal(in_table(&table, NET_UPLINK), 8);
    for (uint32_t i = 0; i < 20000; i++) {
        route(&table, 3, all, outside(i), now++);
        assert_true(table.counts[3] <= NET_PER_PORT);
    }
    assert_int_equal(table.counts[3], in_table(&table, 3));
    assert_int_equal(in_table(&table, NET_UPLINK), 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(route(&table, 0, outside(50000u + i), rules[0].mac, now), UP);
    }
}

/* Nor by claiming addresses that were learned elsewhere. */
static void moved_addresses_count(void **state)
{
    struct net_switch table;

    (void)state;
    create(&table, true);
    for (uint32_t i = 0; i < 3 * NET_PER_PORT; i++) {
        route(&table, NET_UPLINK, all, outside(i), i);
        route(&table, 3, all, outside(i), i);
        assert_true(table.counts[3] <= NET_PER_PORT);
    }
    assert_int_equal(table.counts[3], in_table(&table, 3));
    assert_int_equal(table.counts[3], NET_PER_PORT);
}

/* Whatever is sent: counts fit the table, no address is there twice, stations are never learned. */
static void random_traffic_keeps_the_table_whole(void **state)
{
    struct net_switch table;
    uint64_t now = 1;

    (void)state;
    srand(1);
    create(&table, true);
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t from = (uint32_t)rand() % 5u;
        const uint8_t *source = rand() % 4 == 0 ? rules[rand() % 4].mac : outside((uint32_t)rand() % 300u);
        const uint8_t *to = rand() % 4 == 0 ? rules[rand() % 4].mac : outside((uint32_t)rand() % 300u);
        uint32_t targets;

        from = from == 4 ? NET_UPLINK : from;
        now += (uint64_t)rand() % (NET_AGE_NS / 100u);
        if (rand() % 1000 == 0) {
            net_switch_forget(&table, from);
        }
        targets = route(&table, from, to, source, now);
        assert_int_equal(targets / (1u << from) % 2u, 0);
        assert_true(from == NET_UPLINK || from == 2 || targets / 4u % 2u == 0);
        assert_true(from != 2 || (targets & ~UP) == 0);
    }
    for (uint32_t port = 0; port <= NET_UPLINK; port++) {
        assert_int_equal(table.counts[port], in_table(&table, port));
    }
    for (uint32_t set = 0; set < NET_TABLE_SETS; set++) {
        for (uint32_t i = 0; i < NET_TABLE_WAYS; i++) {
            for (uint32_t j = 0; j < i; j++) {
                assert_true(!table.table[set][i].used || !table.table[set][j].used ||
                            memcmp(table.table[set][i].mac, table.table[set][j].mac, 6) != 0);
            }
            assert_true(!table.table[set][i].used || table.table[set][i].mac[1] == 0xaa);
        }
    }
}

/* Ten seconds at full speed, asked at the times that it names. */
static void the_rate_is_kept(void **state)
{
    static const uint32_t rates[] = {64, 1000, 9999, 100000, 10000000};

    (void)state;
    for (uint32_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        uint64_t now = 1000, end = now + UINT64_C(10000000000), bytes = 0,
                 expected = rates[i] * UINT64_C(1250), when;
        struct net_rate rate;

        net_rate_start(&rate, rates[i], now);
        while (now < end) {
            if (net_rate_ready(&rate, now, &when)) {
                net_rate_charge(&rate, 1500);
                bytes += 1500;
            } else {
                assert_true(when > now);
                assert_true(rate.limited);
                now = when;
            }
        }
        assert_true(bytes >= expected && bytes <= expected + expected / 1000u + 3072u + 1500u);
    }
}

static void the_rate_at_its_ends(void **state)
{
    struct net_rate rate;
    uint64_t when = 0;

    (void)state;
    net_rate_start(&rate, 0, 5);
    for (uint32_t i = 0; i < 1000000; i++) {
        net_rate_charge(&rate, 9000);
        assert_true(net_rate_ready(&rate, 5, &when));
    }
    net_rate_start(&rate, UINT32_MAX, 5);
    for (uint64_t now = 5; now < UINT64_MAX / 2u; now = now * 3u) {
        assert_true(net_rate_ready(&rate, now, &when));
        for (uint32_t i = 0; i < 100000 && net_rate_ready(&rate, now, &when); i++) {
            net_rate_charge(&rate, 9000);
        }
    }
    net_rate_start(&rate, 1, 5); /* short frames are not free */
    for (uint32_t i = 0; i < 48; i++) {
        assert_true(net_rate_ready(&rate, 5, &when));
        net_rate_charge(&rate, 0);
    }
    assert_false(net_rate_ready(&rate, 5, &when));
    assert_false(net_rate_ready(&rate, when - 1u, &when));
    assert_true(net_rate_ready(&rate, when, &when));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_those_of_stations),
        cmocka_unit_test(stations_are_reached_directly),
        cmocka_unit_test(groups_and_unknown_ones_are_flooded),
        cmocka_unit_test(an_isolated_port_has_the_uplink_only),
        cmocka_unit_test(nobody_sends_as_another),
        cmocka_unit_test(reserved_groups_stay_on_their_wire),
        cmocka_unit_test(addresses_are_learned_move_and_age),
        cmocka_unit_test(the_table_is_bounded),
        cmocka_unit_test(moved_addresses_count),
        cmocka_unit_test(random_traffic_keeps_the_table_whole),
        cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(the_rate_at_its_ends),
    };

    return cmocka_run_group_tests_name("devices_net_switch", tests, NULL, NULL);
}
