/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crash.h"

#include "base/string.h"
#include "core/console.h"
#include "core/domain.h"
#include "core/print.h"

#define IN_A_LINE 6u
#define LINES     (1u + (31u + IN_A_LINE - 1u) / IN_A_LINE)
#define WIDTH     96u /* of a line of its output */
#define MODE_SP   1u  /* PSTATE.SP: the stack pointer is that of its exception level */

/* The console's ring still has what it has shown; nobody writes to it now. */
static uint32_t keep_text(uint8_t *to, const struct console_port *port)
{
    uint32_t length = (uint32_t)min_u64(port->out_head, CRASH_TEXT), from = port->out_head - length;
    uint32_t piece = (uint32_t)min_u64(length, CONSOLE_OUT - from % CONSOLE_OUT);

    memcpy(to, &port->out[from % CONSOLE_OUT], piece);
    memcpy(to + piece, port->out, length - piece);
    return length;
}

void crash_keep(struct domain *domain)
{
    struct crash_record *record = &domain->crash;
    const struct vcpu *vcpu = &domain->vcpus[domain->stop_vcpu];
    const struct el1_context *el1 = &vcpu->el1;

    record->why = domain->stop_why;
    record->incarnation = domain->incarnation;
    record->vcpu = domain->stop_vcpu;
    memcpy(record->x, vcpu->x, sizeof record->x);
    record->pc = el1->pc;
    record->pstate = el1->pstate;
    record->sp = el1->pstate % 2u == MODE_SP ? el1->sp_el1 : el1->sp_el0;
    record->esr = el1->esr;
    record->elr = el1->elr_el1;
    record->far = el1->far;
    record->length = keep_text(record->text, domain->port);
    domain->crashes++;
}

static void print_some(const struct domain *domain, uint32_t first)
{
    const uint64_t *x = &domain->crash.x[first];
    uint32_t domid = domain->record->domid;

    if (first + IN_A_LINE > 31u) {
        print("DOM%u crash: x30 0x%lx", domid, x[0]);
    } else {
        print("DOM%u crash: x%u 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx", domid, first, x[0], x[1], x[2], x[3],
              x[4], x[5]);
    }
}

bool crash_print_registers(const struct domain *domain, uint32_t line)
{
    const struct crash_record *r = &domain->crash;

    if (line == 0) {
        print("DOM%u crash: %s, incarnation %u vCPU %u, pc 0x%lx pstate 0x%lx sp 0x%lx, EL1 esr 0x%lx elr "
              "0x%lx far 0x%lx",
              domain->record->domid, r->why, r->incarnation, r->vcpu, r->pc, r->pstate, r->sp, r->esr, r->elr,
              r->far);
    } else if (line < LINES) {
        print_some(domain, (line - 1u) * IN_A_LINE);
    }
    return line < LINES;
}

/* Lines of it, and long ones in pieces. What is no text is a dot: the console is not the domain's. */
static void print_text(const struct domain *domain)
{
    const struct crash_record *r = &domain->crash;
    char line[WIDTH + 1u];
    uint32_t width = 0;

    for (uint32_t i = 0; i <= r->length; i++) {
        bool end = i == r->length || r->text[i] == '\n';

        if (!end && r->text[i] != '\r') {
            line[width++] = r->text[i] >= 0x20 && r->text[i] < 0x7f ? (char)r->text[i] : '.';
        }
        if (width == WIDTH || (end && width != 0)) {
            line[width] = '\0';
            print("DOM%u crash: | %s", domain->record->domid, line);
            width = 0;
        }
    }
}

void crash_print(const struct domain *domain)
{
    if (domain->crash.why == NULL) {
        print("DOM%u has not crashed", domain->record->domid);
        return;
    }
    for (uint32_t line = 0; crash_print_registers(domain, line); line++) {
    }
    print_text(domain);
}
