# SPDX-License-Identifier: Apache-2.0
"""The bound of the longest exit (bench/worst_exit.py): small programs whose longest path is known by hand, and that
every loop of the hypervisor has a bound."""

import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SRC", os.path.dirname(os.path.dirname(HERE)))
O = os.environ.get("O", os.path.join(SOURCE, "build"))
sys.path.insert(0, os.path.join(SOURCE, "bench"))

import flow  # noqa: E402
import worst_exit  # noqa: E402

FUNCTION = ".global {0}\n.type {0}, %function\n{0}:\n{1}\n.size {0}, . - {0}\n"
VECTORS = """
.balign 2048
.global vectors, vectors_loop, vectors_clrbhb, vectors_firmware
vectors:
vectors_loop:
vectors_clrbhb:
vectors_firmware:
.space 0x400
bl trap
eret
.balign 128
bl trap
eret
.balign 128
.balign 128
eret
.balign 128
eret
"""


@pytest.fixture
def analysis(tmp_path):
    """A function that assembles functions (name: text) and analyses them with annotations."""
    def make(functions, notes="", data="", vectors=False):
        source, program = tmp_path / "code.S", tmp_path / "code.elf"
        text = "".join(FUNCTION.format(name, body) for name, body in functions.items())
        source.write_text(f".text\n{VECTORS if vectors else ''}{text}.section .rodata\n{data}\n", encoding="ascii")
        toml = tmp_path / "bounds.toml"
        toml.write_text(notes, encoding="ascii")
        subprocess.run(["clang-19", "--target=aarch64-none-elf", "-march=armv8-a", "-g", "-nostdlib", "-static",
                        "-fuse-ld=lld", "-Wl,-e,0", "-o", program, source], check=True, timeout=60)
        return worst_exit.Analysis(str(program), worst_exit.Annotations(str(toml)))
    return make


def summary(a, name):
    return a.summary(a.code.by_name[name])


def loop(name, bound, **more):
    lines = "".join(f"{k} = {v!r}\n" for k, v in more.items())
    return f'[[loop]]\nat = "code.S:{name}"\nbound = {bound!r}\nwhy = "test"\n{lines}'


COUNTED = "mov x1, #5\n1: nop\nsubs x1, x1, #1\nb.ne 1b\nret"


def test_longer_branch(analysis):
    a = analysis({"f": "cbz x0, 1f\nnop\nnop\nnop\n1: nop\nret"})
    assert summary(a, "f").through[0] == 6


def test_loop(analysis):
    a = analysis({"f": COUNTED}, loop("f", 5))
    assert summary(a, "f").through[0] == 1 + 5 * 3 + 1 and not a.unknown


def test_loop_with_its_test_on_top(analysis):
    a = analysis({"f": "1: cbz x1, 2f\nsub x1, x1, #1\nnop\nb 1b\n2: ret"}, loop("f", 5))
    assert summary(a, "f").through[0] == 5 * 4 + 1 + 1


def test_loop_without_annotation_is_named(analysis):
    a = analysis({"f": COUNTED})
    summary(a, "f")
    assert len(a.unknown) == 1
    assert "f at 0x" in a.unknown[0] and "code.S:" in a.unknown[0] and "[[loop]]" in a.unknown[0]


def test_nested_loops(analysis):
    body = "mov x0, #3\n1: mov x1, #5\n2: subs x1, x1, #1\nb.ne 2b\nsubs x0, x0, #1\nb.ne 1b\nret"
    a = analysis({"f": body}, loop("f", 5, text="b.ne 2b") + loop("f", 3, text="b.ne 1b"))
    assert summary(a, "f").through[0] == 1 + 3 * (1 + 5 * 2 + 2) + 1 and not a.unknown


def test_total_of_an_inner_loop(analysis):
    body = "mov x0, #3\n1: mov x1, #5\n2: subs x1, x1, #1\nb.ne 2b\nsubs x0, x0, #1\nb.ne 1b\nret"
    notes = loop("f", 3, text="b.ne 1b") + '[[loop]]\nat = "code.S:f"\ntext = "b.ne 2b"\ntotal = 7\nwhy = "test"\n'
    a = analysis({"f": body}, notes)
    # each of the three rounds passes the inner loop once; six further rounds in all
    assert summary(a, "f").through[0] == 1 + 3 * (1 + 2 + 2) + 6 * 2 + 1


def test_formula_with_constants(analysis):
    notes = '[constants]\nN = { value = 4, why = "test" }\n' + loop("f", "N + 1")
    a = analysis({"f": COUNTED}, notes)
    assert summary(a, "f").through[0] == 17


def test_a_reason_is_compulsory(analysis):
    with pytest.raises(flow.FlowError, match="without a reason"):
        analysis({"f": COUNTED}, '[[loop]]\nat = "code.S:f"\nbound = 5\n')


def test_calls_and_jumps_in_the_last_place(analysis):
    a = analysis({"f": "nop\nbl g\nnop\nb h", "g": "nop\nret", "h": "nop\nnop\nret"})
    assert summary(a, "f").through[0] == 2 + 2 + 1 + 1 + 3


def test_recursion_is_refused(analysis):
    a = analysis({"f": "cbz x0, 1f\nbl g\n1: ret", "g": "bl f\nret"})
    with pytest.raises(flow.FlowError, match="recursion: f > g > f"):
        summary(a, "f")


def test_call_through_a_table(analysis):
    functions = {"f": "blr x8\nret", "g": "nop\nret", "h": "nop\nnop\nnop\nret"}
    data = ".balign 8\ntable: .quad g, 0, h\n.size table, . - table\n"
    a = analysis(functions, '[[indirect]]\nat = "code.S:f"\ntable = "table"\nwhy = "test"\n', data)
    assert summary(a, "f").through[0] == 1 + 4 + 1
    a = analysis(functions)
    summary(a, "f")
    assert "through a register" in a.unknown[0]


def test_size_of_a_copy(analysis):
    """The value of a loop's bound comes from the call: a constant in the code, or an annotation."""
    copy = "1: strb w1, [x0], #1\nsubs x2, x2, #1\nb.ne 1b\nret"
    notes = ('[[loop]]\nat = "code.S:memset"\nbytes = "size"\nwhy = "test"\n'
             '[[call]]\ncallee = "memset"\nat = "code.S:g"\nsets = { size = 9 }\nwhy = "test"\n')
    functions = {"f": "mov w2, #6\nbl memset\nret", "g": "bl memset\nret", "h": "bl memset\nret", "memset": copy}
    a = analysis(functions, notes)
    assert summary(a, "f").through[0] == 2 + 6 * 3 + 1 + 1
    assert summary(a, "g").through[0] == 1 + 9 * 3 + 1 + 1 and not a.unknown
    summary(a, "h")
    assert "a call of memset" in a.unknown[0]


def test_segments_end_where_interrupts_are_taken(analysis):
    a = analysis({"f": "nop\nnop\nmrs x0, ICC_IAR1_EL1\nnop\nnop\nnop\nmrs x0, ICC_IAR1_EL1\nnop\nret"})
    s = summary(a, "f")
    assert s.through is None
    assert (s.head[0], s.inner[0], s.tail[0]) == (3, 4, 2)


def test_endless_loop_that_takes_interrupts(analysis):
    body = "1: mrs x0, ICC_IAR1_EL1\nnop\nnop\ncbnz x0, 1b\nret"
    a = analysis({"f": body}, loop("f", "endless"))
    s = summary(a, "f")
    assert (s.head[0], s.inner[0], s.tail[0]) == (1, 4, 4) and not a.unknown
    a = analysis({"f": COUNTED}, loop("f", "endless"))
    summary(a, "f")
    assert "no interrupt is taken" in a.unknown[0]


def test_a_look_at_pending_interrupts(analysis):
    """Where none is pending, nothing has waited."""
    body = "nop\nnop\nmrs x0, ISR_EL1\ntbnz w0, #7, 1f\nnop\nnop\nnop\n1: nop\nret"
    s = summary(analysis({"f": body}), "f")
    assert s.through[0] == 6      # the interrupt is pending
    assert s.tail[0] == 5         # since the look


def test_waiting_is_counted_apart(analysis):
    body = "1: ldaxr w0, [x3]\nstxr w2, w1, [x3]\ncbnz w2, 1b\n2: yield\nldarh w1, [x3]\ncbnz w1, 2b\nret"
    a = analysis({"f": body}, '[[loop]]\ninstruction = "yield"\nbound = 0\nwhy = "test"\n')
    assert summary(a, "f").through[0] == 7 and not a.unknown


def test_code_that_is_in_no_path(analysis):
    notes = '[[never]]\nat = "code.S:f"\ntext = "brk_"\nwhy = "test"\n'
    a = analysis({"f": "cbz x0, 1f\nnop // brk_\nnop // brk_\nret\n1: ret"}, notes)
    assert summary(a, "f").through[0] == 2


def test_ways_in(analysis):
    a = analysis({"trap": "nop\ncbz x0, 1f\nmrs x0, ICC_IAR1_EL1\nnop\n1: ret"}, vectors=True)
    segments = a.segments()
    assert segments["from a guest's sync"][0] == 1 + 3 + 1
    assert segments["from a guest's serror"][0] == 1
    assert segments["from the last interrupt taken"][0] == 3


def test_every_loop_of_the_hypervisor_has_a_bound():
    notes = worst_exit.Annotations(os.path.join(SOURCE, "bench", "loop_bounds.toml"))
    a = worst_exit.Analysis(os.path.join(O, "bulkhead.elf"), notes)
    assert a.segments()
    assert not a.unknown, "\n".join(a.unknown)
