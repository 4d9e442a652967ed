# SPDX-License-Identifier: Apache-2.0
"""Which tests of the guest image belong together. A suite runs in one boot."""

START = ["start_state", "start_state_secondary", "dt_placement"]
TREE = ["dt_root", "dt_cpus", "dt_memory", "dt_gic", "dt_timer_psci", "dt_uart"]
PSCI = ["psci_version", "psci_features", "psci_errors", "smccc_preserves", "smccc_unknown", "hvc_immediates",
        "psci_cycles", "psci_on_twice", "psci_suspend"]
TIMER = ["vtimer", "ptimer", "vtimer_level", "vtimer_enable_later", "vtimer_cancel", "vtimer_smp", "counter"]
SGI = ["sgi_self", "sgi_cross", "sgi_broadcast", "sgi_pingpong", "sgi_merge", "sgi_wake"]
SPI = ["spi_basic", "spi_many", "spi_many_handled", "pmr", "preemption", "binary_point", "highest_pending",
       "eoi_mode_1", "eoi_mode_1_many", "active_registers", "disable_while_pending", "disable_while_active",
       "pend_while_active", "clear_pending_active", "distributor_off", "ppi_by_register"]
ROUTE = ["route_each", "route_while_pending", "route_many_pending", "route_while_active", "route_storm"]
REGISTERS = ["id_registers", "id_space", "debug_registers", "pmu_registers", "auxiliary_registers", "el1_state_kept",
             "set_way", "cache_by_address", "fp_kept"]
ABORT = ["holes", "ram_edges", "odd_accesses", "execute_hole", "walk_into_hole"]
UART = ["uart_registers", "uart_tx_interrupt", "uart_partial_line"]
MODEL = ["model_eoi_mode_0", "model_eoi_mode_1"]

ALL = {"start": START, "psci": PSCI, "timer": TIMER, "sgi": SGI, "spi": SPI, "route": ROUTE, "registers": REGISTERS,
       "abort": ABORT, "uart": UART, "model": MODEL}
# What must hold on every further board and processor.
CORE = START + PSCI + TIMER + SGI + SPI + ROUTE + ABORT


def arguments(tests, **values):
    return "test=" + ",".join(tests) + "".join(f" {k}={v}" for k, v in values.items())
