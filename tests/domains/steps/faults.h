/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to die. What becomes of private memory is a pattern that is no address, so that whoever uses it
 * faults before anything that others see is stored through it (fail-stop). */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include "devices/device.h"

enum fault {
    FAULT_UNDEFINED, /* an undefined instruction */
    FAULT_LOOP,      /* an endless loop: the watchdog's */
    FAULT_TEXT,      /* a wild store into its own code */
    FAULT_NOWHERE,   /* a wild store where nothing is mapped */
    FAULT_OUTSIDE,   /* a wild store that its own tables let through and stage 2 does not */
    FAULT_VARIABLES, /* all variables are damaged, and it goes on */
    FAULT_OBJECTS,   /* all that was allocated is damaged, and it goes on */
    FAULT_STACK,     /* the return addresses are damaged, and it goes on */
    FAULT_RETURN,    /* it goes on, and a return address leads into an endless loop */
    NR_FAULTS
};

/* An object on the heap: what lies below its end is FAULT_OBJECTS's to damage. */
void fault_object(const void *object, uint64_t size);

/* FAULT_VARIABLES and below return: what was damaged is used sooner or later. */
void fault(enum fault kind);

#endif
