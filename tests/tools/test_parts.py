# SPDX-License-Identifier: Apache-2.0
"""The parts of the bulkhead command that need no hypervisor."""
import gzip
import lzma
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from command import description, devicetree, fetch, headers, initramfs, kernel, layout, log, run
from command.errors import UserError

MIB = layout.MIB
TOOLS = str(Path(__file__).resolve().parents[2] / "tools")


def test_kernels_are_unpacked(image):
    zboot = bytearray(b"MZ\0\0zimg" + struct.pack("<II", 64, 0) + bytes(48))
    packed = gzip.compress(image)
    zboot[12:16] = struct.pack("<I", len(packed))
    for data in (image, gzip.compress(image), lzma.compress(image), lzma.compress(image, lzma.FORMAT_ALONE),
                 bytes(zboot) + packed):
        assert kernel.unpack(data, "kernel") == image
    kernel.check(image, "kernel")
    assert kernel.memory_size(image) == 65536


@pytest.mark.parametrize("data, words", [
    (b"\x28\xb5\x2f\xfd" + bytes(100), "zstd"), (b"\x27\x05\x19\x56" + bytes(100), "uImage"),
    (b"\x7fELF" + bytes(100), "objcopy"), (bytes(100), "no arm64 Image header"), (b"", "no arm64 Image header")])
def test_other_kernels_are_refused(data, words):
    with pytest.raises(UserError, match=words):
        kernel.check(kernel.unpack(data, "kernel"), "kernel")


def test_initramfs_is_the_same_every_time(tmp_path):
    init = tmp_path / "init"
    init.write_text("#!/bin/sh\n")
    init.chmod(0o755)
    data = initramfs.build(init, [("etc/deep/name", init)])
    init.touch()
    assert data == initramfs.build(init, [("etc/deep/name", init)])
    archive = tmp_path / "a.cpio"
    archive.write_bytes(gzip.decompress(data))
    listed = subprocess.run(["cpio", "-itvn", "--quiet"], stdin=archive.open("rb"), capture_output=True, text=True,
                            check=True).stdout
    modes = {line.split()[-1]: line for line in listed.splitlines() if "->" not in line}
    assert modes["init"].startswith("-rwxr-xr-x")
    assert modes["dev/console"].startswith("crw") and "5,   1" in modes["dev/console"]
    assert modes["etc/deep"].startswith("d") and "etc/deep/name" in modes
    assert "bin/sh -> busybox" in listed


def test_modules_come_with_what_they_need_first():
    archive = initramfs.Archive()
    initramfs.modules(archive, ["virtio_blk"])
    names = archive.entries["lib/modules/load"][1].decode().split()
    assert names[-1].endswith("/virtio_blk.ko") or "virtio_blk.ko" in names[-1]
    with pytest.raises(UserError, match="no module no_such_thing"):
        initramfs.modules(archive, ["no_such_thing"])


def test_places_do_not_overlap():
    ranges = layout.Ranges([(0x40000000, 64 * MIB)])
    ranges.take(0x40800000, 0x40900000)
    taken = [(0x40800000, MIB)]
    for size in (5 * MIB, 1, 8 * MIB, 3 * MIB, 2 * MIB):
        base = ranges.place(size, "file")
        assert base % (2 * MIB) == 0 and 0x40000000 <= base and base + size <= 0x44000000
        assert all(base + size <= other or other + length <= base for other, length in taken)
        taken.append((base, size))
    with pytest.raises(UserError, match="too little memory"):
        ranges.place(64 * MIB, "file")


def blob(text):
    return devicetree.dtc(f"/dts-v1/;\n{text}".encode(), "dts", "dtb", "test")


def test_host_tree_is_read():
    host = devicetree.Host(blob("""/memreserve/ 0x1000 0x2000; / { #address-cells = <2>; #size-cells = <2>;
        memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x1000000>, <8 0 1 0>; };
        reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; x@5000 { reg = <0x5000 0x1000>; }; };
        bus { memory@1 { device_type = "memory"; reg = <1 1>; }; }; };"""), "test")
    assert host.memory == [(0x80000000, 0x1000000), (0x800000000, 0x100000000)]
    assert host.reserved == [(0x1000, 0x2000), (0x5000, 0x1000)]


def test_broken_host_trees_are_told():
    good = blob("/ { memory@0 { device_type = \"memory\"; reg = <0 0 0>; }; };")
    for size in range(0, len(good) - 1, 7):
        with pytest.raises(UserError):
            devicetree.Host(good[:size], "test")
    with pytest.raises(UserError, match="no memory node"):
        devicetree.Host(blob("/ { };"), "test")


@pytest.mark.parametrize("text, words", [
    ("", "no \\[\\[domain\\]\\]"), ("[[domain]]\nname = 'a'\nmemory = '1M'", "`kernel` is missing"),
    ("[[domain]]\nname = 'a'\nkernel = 'k'\nmemory = '1Q'", "not a size"),
    ("[[domain]]\nname = 'a'\nkernel = 'k'\nmemory = 1025", "whole KiB"),
    ("[[domain]]\nname = 'a b'\nkernel = 'k'\nmemory = '1M'", "no device-tree node name"),
    ("[[domain]]\nname = 'a'\nkernel = 'k'\nmemory = '1M'\ncpus = 'two'", "`cpus` should be int"),
    ("[[domain]]\nname = 'a'\nkernel = 'k'\nmemory = '1M'\nvpl011 = 1", "`vpl011` should be bool"),
    ("[[domain]]\nnaem = 'a'", "unknown key `naem`"), ("[bord]", "unknown table bord"), ("[[domain", "system.toml")])
def test_descriptions_are_checked(system, text, words):
    with pytest.raises(UserError, match=words):
        description.load(system(text))


def ring(stream, size, boots=1):
    data = bytearray(size)
    for number, byte in enumerate(stream):
        data[number % size] = byte
    return struct.pack("<8sIIQQ", b"BHDLOG01", size, size ^ 0x42484C47, len(stream), boots) + bytes(data)


def test_log_ring_is_read(tmp_path, capsys):
    stream = b"--- boot 1\nfirst\n--- boot 2\nsecond\n"
    dump = tmp_path / "dump"
    dump.write_bytes(bytes(4096) + ring(stream, 4064, 2) + bytes(100))
    arguments = type("Arguments", (), {"dump": dump, "offset": None, "boot": "all"})
    assert log.main(arguments) == 0 and capsys.readouterr().out == stream.decode()
    arguments.boot = "last"
    assert log.main(arguments) == 0 and capsys.readouterr().out == "--- boot 2\nsecond\n"
    arguments.boot = "previous"
    assert log.main(arguments) == 0 and capsys.readouterr().out == "--- boot 1\nfirst\n"


def test_log_ring_that_wrapped(tmp_path, capsys):
    lines = b"".join(b"line %d\n" % number for number in range(1000))
    dump = tmp_path / "dump"
    dump.write_bytes(ring(lines, 256))
    log.main(type("Arguments", (), {"dump": dump, "offset": 0, "boot": "all"}))
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "line 999" and all(line.startswith("line ") for line in shown) and len(shown) > 25


def test_damaged_log_ring_is_no_ring(tmp_path):
    for position in (0, 9, 13):
        data = bytearray(ring(b"x\n", 256))
        data[position] ^= 1
        (tmp_path / "dump").write_bytes(data)
        with pytest.raises(UserError, match="no log ring"):
            log.main(type("Arguments", (), {"dump": tmp_path / "dump", "offset": None, "boot": "all"}))


QEMU = """import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told to end", flush=True), sys.exit(0)))
print("runs", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_ends_qemu_with_itself(number):
    command = f"import sys; sys.path.insert(0, {TOOLS!r}); from command import run; " \
              f"sys.exit(run.run([sys.executable, '-c', {QEMU!r}], 60))"
    with subprocess.Popen([sys.executable, "-B", "-c", command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "runs\n"
        process.send_signal(number)
        assert process.stdout.readline() == "told to end\n"
        assert process.wait(10) == 128 + number


def test_run_without_qemu():
    with pytest.raises(UserError, match="no-such-qemu is missing: run ./setup"):
        run.run(["no-such-qemu"], 1)


def test_headers_are_those_of_the_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "folder", lambda: tmp_path)
    (tmp_path / "linux").write_bytes(b"")
    with pytest.raises(UserError, match="does not say"):
        headers.release()
    (tmp_path / "linux.version").write_text("linux-image-6.1.0-56-arm64_6.1.192-2_arm64\n")
    assert headers.packages("amd64") == ["linux-headers-6.1.0-56-arm64", "linux-headers-6.1.0-56-common",
                                         "linux-kbuild-6.1:amd64"]
    assert headers.packages("arm64")[2] == "linux-kbuild-6.1"
    with pytest.raises(UserError, match="fetch linux-headers"):
        headers.tree()


def test_extension_abi_is_written_from_its_table():
    """The header, the manual's chapter and the list of wrong calls follow from include/bulkhead/extension.toml."""
    done = subprocess.run([f"{TOOLS}/extension-abi", "--check"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout
