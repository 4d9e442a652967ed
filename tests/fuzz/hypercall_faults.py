#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Does the model find faults? Each is one change to the hypervisor's source; the program of tests/fuzz/hypercalls.c is
built with it and must end with a mismatch, within the calls with which the unchanged source agrees.

hypercall_faults.py OUT COMPILER-COMMAND OBJECT... [-- NAME...]
The objects are those of the unchanged program, named after their sources."""

import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS, CALLS = (1, 2, 3), 8000

PORTS, EVENT, ENTRY = "core/event_ports.c", "core/event.c", "core/grant_entry.c"
GRANT, COPY, PHYSMAP = "core/grant.c", "core/grant_copy.c", "core/physmap.c"
MEMORY, GUEST, EVENT_OP = "guest/xen/memory_op.c", "core/guest_copy.c", "guest/xen/event_op.c"

# name: file, what stands there exactly once, what stands there in its place, and so on
FAULTS = {
    "close_leaves_peer_bound": (PORTS, "other.state = EVENT_UNBOUND;", "other.state = EVENT_INTERDOMAIN;"),
    "close_leaves_pending": (PORTS, "    event_clear_locked(domain, port);\n", ""),
    "bind_not_pending": (PORTS, "    event_notify_locked(domain, *port, 0);", "   "),
    "bind_by_anybody": (PORTS, "other.state != EVENT_UNBOUND || other.peer != own_domid",
                        "other.state != EVENT_UNBOUND"),
    "virq_bound_twice": (PORTS, "if (events->timer_port[vcpu] == 0) {", "if (true) {"),
    "mask_ignored": (EVENT, "mask[word], __ATOMIC_SEQ_CST) & bit) == 0", "mask[word], __ATOMIC_SEQ_CST) & bit) <= bit"),
    "unmask_tells_nobody": (EVENT, "} else if ((before & bit) != 0 &&", "} else if ((before & bit) == 0 &&"),
    "selector_without_upcall": (EVENT, "} else if (pending == 0) {", "} else if (pending != 0) {"),
    "alloc_for_others": (EVENT_OP, "    if (!is_self(vcpu, arg.dom)) {\n        return not_self(arg.dom);\n    }\n"
                                   "    remote = ", "    remote = "),
    "grant_to_anybody": (ENTRY, "DOMID(word) == user && ", "user != 0 && "),
    "grant_write_of_read_only": (ENTRY, "(read_only || (word & READ_ONLY) == 0)", "(read_only || word != 0)"),
    "grant_of_foreign_page": (ENTRY, " || !found.home", ""),
    "grant_reference_limit": (ENTRY, "ENTRIES_PER_FRAME >= grants->nr_active", "ENTRIES_PER_FRAME > grants->nr_active"),
    "marks_go_too_early": (ENTRY, "marks = (uses == 0 ? READING : 0)", "marks = READING"),
    "marks_stay": (ENTRY, "WRITERS(uses) == 0 ? WRITING : 0", "WRITERS(uses) != 0 ? WRITING : 0"),
    "read_only_map_writable": (GRANT, "read_only ? PHYSMAP_READ : PHYSMAP_WRITE", "PHYSMAP_WRITE"),
    "unmap_at_any_address": (GRANT, "if (track->at_page != at.v / PAGE_SIZE) {", "if (at.v == 1) {"),
    "copy_one_byte_short": (COPY, "source + from_offset, length);", "source + from_offset, length / 2u * 2u);"),
    "copy_from_elsewhere": (COPY, "source + from_offset, length);", "source + to_offset, length);"),
    "decrease_of_foreign_page": (MEMORY, "page.home && physmap_remove", "physmap_remove"),
    "write_to_read_only": (GUEST, "page.writable", "page.normal", "at_s12e1w(va)", "at_s12e1r(va)"),
}


def build(name, out, command, objects):
    """The program with the fault, or with none."""
    folder = os.path.join(out, name)
    program = os.path.join(folder, "hypercalls")
    os.makedirs(folder, exist_ok=True)
    if name != "none":
        path, *pairs = FAULTS[name]
        with open(os.path.join(SOURCE, "hypervisor", path), encoding="utf-8") as f:
            text = f.read()
        for old, new in zip(pairs[::2], pairs[1::2]):
            if text.count(old) != 1:
                sys.exit(f"FAIL {name}: '{old.strip()}' stands {text.count(old)} times in {path}")
            text = text.replace(old, new)
        changed = os.path.join(folder, os.path.basename(path))
        with open(changed, "w", encoding="utf-8") as f:
            f.write(text)
        new_object = changed[:-2] + ".o"
        beside = os.path.join(SOURCE, "hypervisor", os.path.dirname(path))
        subprocess.run([*command, "-Wno-unused", "-Wno-unused-parameter", "-I", beside, "-c", "-o", new_object,
                        changed], check=True)
        replaced = [o for o in objects if o.endswith("hypervisor/" + path[:-2] + ".o")]
        if len(replaced) != 1:
            sys.exit(f"FAIL {name}: {len(replaced)} objects of {path}")
        objects = [new_object if o == replaced[0] else o for o in objects]
    subprocess.run([*command, "-no-pie", "-o", program, *objects, "-lcmocka"], check=True)
    return program


def run(program, seed):
    done = subprocess.run([program, str(seed), str(CALLS), "8"], capture_output=True, text=True, timeout=900,
                          check=False)
    lines = done.stdout.splitlines()
    found = next((l for l in lines if l.startswith("MISMATCH")), None)
    where = next((l for l in lines if l.startswith("seed ") and " call " in l), "")
    agreed = any(l.startswith("PASS") for l in lines)
    return found, where, agreed, done.stdout[-300:] + done.stderr[-600:]


def main():
    words = sys.argv[1:]
    names = words[words.index("--") + 1:] if "--" in words else list(FAULTS)
    words = words[:words.index("--")] if "--" in words else words
    out, command, objects = words[0], words[1].split(), words[2:]
    bad = 0
    program = build("none", out, command, objects)
    for seed in SEEDS:
        found, where, agreed, text = run(program, seed)
        if found or not agreed:
            print(f"[  FAILED  ] the unchanged source, seed {seed}: {found} {where}\n{text}")
            bad += 1
        else:
            print(f"[       OK ] the unchanged source agrees, seed {seed}, {CALLS} steps", flush=True)
    for name in names:
        program = build(name, out, command, objects)
        for seed in SEEDS:
            found, where, _, text = run(program, seed)
            if found:
                print(f"[       OK ] {name}: {found[9:70]}; {where.split(':')[0]}", flush=True)
                break
        else:
            print(f"[  FAILED  ] {name}: not found\n{text}")
            bad += 1
    print(f"[==========] {len(names) + len(SEEDS)} test(s) run.")
    print(f"[  PASSED  ] {len(names) + len(SEEDS) - bad} test(s).")
    return bad != 0


sys.exit(main())
