/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a driver domain is made of: domains/NAME/main.c defines it. */
#ifndef RUNTIME_DOMAIN_H
#define RUNTIME_DOMAIN_H

/* Starts drivers and backends; the event loop follows. */
void domain_start(void);

#endif
