/* SPDX-License-Identifier: Apache-2.0 */
/* Several pCPUs write, one takes the UART's interrupt, the line is slow: nothing may be lost or wait for
 * ever. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/print.h"
#include "fake.h"

#define DOMAINS 3
#define LINES   300u

static bool stop;

static void *guest(void *context)
{
    unsigned domid = (unsigned)(uintptr_t)context;
    char text[80];

    for (unsigned line = 0; line < LINES; line++) {
        snprintf(text, sizeof(text), "line %u of %u\r\n", line, domid);
        for (const char *at = text; *at != '\0'; at++) {
            while (!guest_try(domid, *at)) {
                sched_yield();
            }
        }
        if (domid == 1 && line % 10 == 0) {
            print("line %u of 0", line / 10);
        }
    }
    return NULL;
}

static void *line(void *context)
{
    (void)context;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        fake_drain(4);
        fake_irq();
        sched_yield();
    }
    return NULL;
}

static bool all_sent(void)
{
    for (unsigned domid = 1; domid <= DOMAINS; domid++) {
        if (console_out_level(&uarts[domid].port) != 0) {
            return false;
        }
    }
    return true;
}

static void nothing_lost(void **state)
{
    unsigned seen[DOMAINS + 1] = {0}, total = 0;
    static char part[DOMAINS + 1][80];
    pthread_t guests[DOMAINS], wire;
    struct timespec tick = {0, 1000000};

    (void)state;
    fake_init(16);
    console_init(NULL, false);
    for (unsigned domid = 1; domid <= DOMAINS; domid++) {
        vpl011_init(&uarts[domid], domid, (struct virq *)(uintptr_t)domid, 32);
    }
    pthread_create(&wire, NULL, line, NULL);
    for (uintptr_t n = 0; n < DOMAINS; n++) {
        pthread_create(&guests[n], NULL, guest, (void *)(n + 1));
    }
    for (unsigned n = 0; n < DOMAINS; n++) {
        pthread_join(guests[n], NULL);
    }
    for (unsigned n = 0; n < 5000 && !all_sent(); n++) {
        nanosleep(&tick, NULL);
    }
    if (!all_sent()) {
        for (unsigned domid = 1; domid <= DOMAINS; domid++) {
            print_message("DOM%u: %u bytes wait\n", domid, console_out_level(&uarts[domid].port));
        }
        print_message("interrupt %d, room %u, wire ends: %s\n", fake.tx_irq, fake.room,
                      fake.wire + fake.sent - 60);
    }
    assert_true(all_sent());
    nanosleep(&(struct timespec){0, 200000000}, NULL);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(wire, NULL);

    for (char *save = NULL, *next = strtok_r(fake.wire, "\r\n", &save); next != NULL;
         next = strtok_r(NULL, "\r\n", &save)) {
        unsigned source = strncmp(next, "DOM", 3) == 0 ? (unsigned)(next[3] - '0') : 0, number, of;

        if (strstr(next, "input to") != NULL) {
            continue;
        }
        /* A line of DOM1, which has the focus, may come in pieces. */
        assert_true(source <= DOMAINS && strlen(part[source]) + strlen(next) < sizeof(part[0]));
        strcat(part[source], strchr(next, ' ') + 1);
        if (sscanf(part[source], "line %u of %u", &number, &of) == 2) {
            assert_int_equal(of, source);
            assert_int_equal(number, seen[of]);
            seen[of]++;
            total++;
            part[source][0] = '\0';
        } else {
            assert_int_equal(source, 1);
        }
    }
    assert_int_equal(total, DOMAINS * LINES + LINES / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_lost)};

    return cmocka_run_group_tests_name("console, several pCPUs", tests, NULL, NULL);
}
