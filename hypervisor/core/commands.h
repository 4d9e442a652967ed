/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_COMMANDS_H
#define CORE_COMMANDS_H

#include "core/console.h"

/* What the console's keys do (core/console.h). */
extern const struct console_commands console_commands;

#endif
