/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A frontend that does what an input says. */
#ifndef CLASSES_HOSTILE_H
#define CLASSES_HOSTILE_H

#include "rig.h"

struct input {
    const uint8_t *data;
    size_t left;
};

/* The next bytes of the input, zeroes behind its end. */
uint8_t input_byte(struct input *input);
uint16_t input_word(struct input *input);
uint64_t input_long(struct input *input);

/* Chains that hostile frontends have made available in all. */
extern uint64_t hostile_chains;

/* One step: a chain, a change of memory, a register, a doorbell, a reset with a new start. */
void hostile_step(struct rig *rig, struct input *input, uint64_t features);

/* Without libFuzzer: `take` gets inputs of every length up to a page, in the order of a seed. Arguments: how
 * many (4000), the seed (1). Returns how many. */
uint32_t hostile_inputs(int argc, char **argv, int (*take)(const uint8_t *data, size_t size));

/* The offender behaves again. */
void hostile_restart(struct rig *rig, uint64_t features);

#endif
