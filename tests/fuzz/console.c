/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A hostile frontend with a console of two ports and an entropy device, beside an honest frontend on the same
 * terminal and source. Whatever the hostile one does: no access outside (AddressSanitizer), each line of the
 * honest one appears whole and in its order, its input arrives, and no random byte reaches both.
 *
 * With -DFUZZER for libFuzzer; else a program that makes its inputs itself: [number [seed]]. */
#include "classes_hostile.h"

#include <stdio.h>

#include "devices/console.h"
#include "devices/entropy.h"

#define HOSTILE 0u
#define HONEST  1u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct text text;
    uint32_t room;
    char line[4096]; /* the end of what the terminal has shown */
    uint32_t used;
    struct console_mux mux;
    struct console console[2];
    struct rig rig[2];
    struct entropy_source source;
    struct entropy entropy;
    struct rig random[2];
    uint8_t *place;
    uint32_t said, shown; /* lines of the honest one */
    bool moves;           /* the input may be the honest one's: then its lines are shown in parts */
    bool crashed;         /* then some may be lost, or shown twice */
};

static uint64_t lines;

/* A line has ended. An honest one is "honest: number". */
static void check_line(struct world *world)
{
    unsigned number;
    int end = 0;

    world->line[world->used] = '\0';
    if (sscanf(world->line, "honest: %u\r%n", &number, &end) == 1 && end != 0 && world->line[end] == '\0') {
        assert(number <= world->said && (world->crashed || world->moves || number == world->shown + 1));
        world->shown = number;
        lines++;
    } else {
        assert(strncmp(world->line, "bad", 3) == 0 || strstr(world->line, "has the input\r") != NULL ||
               world->crashed || world->moves);
    }
    world->used = 0;
}

static uint32_t on_put(struct text *text, const uint8_t *data, uint32_t length)
{
    struct world *world = text->user;
    uint32_t part = length < world->room ? length : world->room;

    for (uint32_t i = 0; i < part; i++) {
        if (data[i] == '\n') {
            check_line(world);
        } else if (world->used < sizeof world->line - 1u) {
            world->line[world->used++] = data[i] != '\0' ? (char)data[i] : '0';
        }
    }
    world->room -= part;
    return part;
}

static void on_request(struct entropy_source *source, uint8_t *data, uint32_t length)
{
    struct world *world = source->user;

    assert(world->place == NULL && length == ENTROPY_CHUNK);
    world->place = data;
}

static void set_up(struct world *world)
{
    static const char *const names[2] = {"bad", "honest"};

    memset(&world->mux, 0, sizeof world->mux);
    memset(&world->entropy, 0, sizeof world->entropy);
    memset(world->console, 0, sizeof world->console);
    world->place = NULL;
    console_mux_init(&world->mux, &world->text);
    entropy_init(&world->entropy, &world->source);
    for (uint32_t i = 0; i < 2; i++) {
        world->console[i].device = &world->rig[i].device;
        world->console[i].name = names[i];
        assert(console_add(&world->mux, &world->console[i]));
        assert(entropy_add(&world->entropy, &world->random[i].device));
    }
}

static void create(struct world *world, uint64_t features)
{
    memset(world, 0, sizeof *world);
    world->text.user = world;
    world->text.put = on_put;
    world->source.user = world;
    world->source.request = on_request;
    world->room = ~0u;
    for (uint32_t i = 0; i < 2; i++) {
        rig_create(&world->rig[i], i == HOSTILE ? 6 : 2);
        rig_create(&world->random[i], 1);
    }
    set_up(world);
    for (uint32_t i = 0; i < 2; i++) {
        rig_start(&world->rig[i], features & world->rig[i].device.features);
        rig_start(&world->random[i], 0);
    }
}

static void crash(struct world *world)
{
    world->crashed = true;
    world->used = 0; /* a new backend begins wherever the old one stopped */
    for (uint32_t i = 0; i < 2; i++) {
        rig_crash(&world->rig[i]);
        rig_crash(&world->random[i]);
    }
    set_up(world);
    for (uint32_t i = 0; i < 2; i++) {
        device_init(&world->rig[i].device);
        device_init(&world->random[i].device);
    }
}

static void honest_says(struct world *world)
{
    struct rig *rig = &world->rig[HONEST];
    char words[16];

    if (rig->ring[1].nr_free != 0) {
        if (rig->next > RIG_BASE + RIG_MEMORY - 64u) {
            rig->next = RIG_BASE + 0x8000u; /* long since written */
        }
        snprintf(words, sizeof words, "%u\n", ++world->said);
        rig_send(rig, 1, words, (uint32_t)strlen(words));
        rig_run(rig);
    }
}

/* Bytes for whoever asked: 0xff, which is nobody's memory otherwise. */
static void give(struct world *world, struct input *input)
{
    uint32_t length = input_byte(input) % (ENTROPY_CHUNK + 1u);
    uint8_t *place = world->place;

    if (place != NULL) {
        world->place = NULL;
        memset(place, 0xff, length);
        entropy_arrived(&world->source, length);
        for (uint32_t i = 0; i < ENTROPY_CHUNK; i++) {
            assert(length == 0 || world->entropy.bytes[i] == 0);
        }
    }
}

static void environment(struct world *world, struct input *input)
{
    uint8_t what = input_byte(input), keys[8];

    if (what < 60) {
        world->room = world->room > 4096u ? input_byte(input) : world->room + input_word(input) % 2048u;
        if (world->room != 0) {
            world->text.ready(&world->text);
        }
    } else if (what < 120) {
        for (uint32_t i = 0; i < sizeof keys; i++) {
            keys[i] = world->moves ? input_byte(input) % 4u : 'k';
        }
        world->text.input(&world->text, keys, 1u + what % sizeof keys);
    } else if (what < 240) {
        give(world, input);
    } else if (what >= 250) {
        crash(world);
    }
}

static void look_at_all(struct world *world)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (world->rig[i].device.more) {
            (void)device_run(&world->rig[i].device);
        }
        if (world->random[i].device.more) {
            (void)device_run(&world->random[i].device);
        }
    }
    assert(!rig_failed(&world->rig[HONEST]) && !rig_failed(&world->random[HONEST]));
    while (rig_used(&world->rig[HONEST], 1, NULL, NULL)) {
    }
}

/* The terminal is fast again: what was said is shown; and the honest one has its random bytes. */
static void all_is_well(struct world *world)
{
    struct rig *random = &world->random[HONEST];
    const uint8_t full = ENTROPY_CHUNK;
    uint32_t turns = 0, length;
    uint64_t at;

    world->room = ~0u;
    rig_reset(&world->rig[HOSTILE]);
    rig_reset(&world->random[HOSTILE]);
    world->text.ready(&world->text);
    honest_says(world);
    do {
        look_at_all(world);
    } while ((world->rig[HONEST].device.more || world->mux.used != 0) && ++turns < 1000u);
    assert(world->shown == world->said &&
           rig_used_idx(&world->rig[HONEST], 1) == world->rig[HONEST].ring[1].taken);
    rig_room(random, 0, 10, &at);
    rig_run(random);
    while (!rig_used(random, 0, NULL, &length)) {
        struct input input = {.data = &full, .left = 1};

        give(world, &input);
        rig_run(random);
        assert(++turns < 2000u);
    }
    assert(length == 10 && rig_at(random, at)[9] == 0xff && rig_at(random, at)[10] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct input input = {.data = data, .left = size};
    uint8_t options = input_byte(&input);
    uint64_t features = options % 2u != 0 ? VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC : 0;

    features |= options / 2u % 2u != 0 ? VIRTIO_CONSOLE_F_MULTIPORT : 0;
    create(&world, features);
    world.moves = options / 4u % 4u == 0;
    while (input.left != 0) {
        uint8_t who = input_byte(&input);

        if (who < 140) {
            hostile_step(&world.rig[HOSTILE], &input, features & world.rig[HOSTILE].device.features);
        } else if (who < 170) {
            hostile_step(&world.random[HOSTILE], &input, 0);
        } else if (who < 215) {
            honest_says(&world);
        } else {
            environment(&world, &input);
        }
        look_at_all(&world);
    }
    all_is_well(&world);
    for (uint32_t i = 0; i < 2; i++) {
        rig_destroy(&world.rig[i]);
        rig_destroy(&world.random[i]);
    }
    return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
    uint32_t number = hostile_inputs(argc, argv, LLVMFuzzerTestOneInput);

    printf("console and entropy: %u inputs, %llu hostile chains, %llu honest lines\n", number,
           (unsigned long long)hostile_chains, (unsigned long long)lines);
    return lines > number ? 0 : 1;
}
#endif
