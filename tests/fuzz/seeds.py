# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seeds that are bytes of a layout rather than text, so that they follow it: seeds.py FOLDER

record, screens: the streams of the golden tests. file: some of them as recordings that are not packed. elf, v8: small
ELF files with the symbols that are looked for. python: a dict in memory. code: code of Python and JavaScript, and stacks. module:
a program with debugging data. walk_python, walk_node: damage to the memory of their unit tests.
"""
import importlib
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))
sys.dont_write_bytecode = True
import recording  # noqa: E402

BASE = 0x400000  # address of a file's first byte
OBJECT, FUNCTION, TLS = 1, 2, 6
SYMTAB, DYNSYM, STRTAB = 2, 11, 3
X86_64 = 62
VIA_LIVE, UTF8, NARROW, PATTERNS, FEW_ROUTES, RESTARTS = 1, 2, 4, 8, 16, 32  # of fuzz_record.c

# read() of glibc 2.36: mov number, syscall, check of the result
SYSCALL = bytes.fromhex("31c0 0f05 483d00f0ffff 7701 c3 c3")
# and of 2.41: push number, call of the common function, which is the symbol behind it
COMMON_CALL = "6a00 4531c9 e8{distance} 4883c418 c3"
COMMON = bytes.fromhex("0f05 483d00f0ffff 7601 c3 c3")
ENDBR_PUSH = bytes.fromhex("f30f1efa 53 4889fb 5b c3")
# stores the address of the three numbers behind it
NODE_VERSION = "488d05{distance} 488906 31c0 c3"


def elf(symbols, table=DYNSYM):
    """A program of (name, type, bytes), each at the next 16 bytes, with a build id and a thread-local block."""
    head_len, nr_segments = 64, 3
    note = struct.pack("<III", 4, 8, 3) + b"GNU\0" + b"\xde\xad\xbe\xef" * 2
    data = bytearray(head_len + 56 * nr_segments) + note
    strings, table_bytes = b"\0", bytes(24)
    for name, kind, content in symbols:
        data += bytes(-len(data) % 16)
        value = 8 if kind == TLS else BASE + len(data)
        table_bytes += struct.pack("<IBBHQQ", len(strings), 1 << 4 | kind, 0, 1, value, len(content))
        strings += name.encode() + b"\0"
        data += content if kind != TLS else b""
    data += bytes(-len(data) % 16)
    table_at, strings_at = len(data), len(data) + len(table_bytes)
    data += table_bytes + strings
    data += bytes(-len(data) % 16)
    sections_at = len(data)
    data += bytes(64)
    data += struct.pack("<IIQQQQIIQQ", 0, table, 2, 0, table_at, len(table_bytes), 2, 0, 8, 24)
    data += struct.pack("<IIQQQQIIQQ", 0, STRTAB, 0, 0, strings_at, len(strings), 0, 0, 1, 0)
    data[:head_len] = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, X86_64, 1, BASE, head_len, sections_at, 0,
                                  64, 56, nr_segments, 64, 3, 2)
    segments = ((1, 5, 0, BASE, len(data)), (4, 4, head_len + 56 * nr_segments, 0, len(note)), (7, 4, 0, 0, 16))
    for i, (kind, flags, offset, address, size) in enumerate(segments):
        struct.pack_into("<IIQQQQQQ", data, head_len + 56 * i, kind, flags, offset, address, address, size, size, 16)
    return bytes(data)


def code(template, distance):
    return bytes.fromhex(template.replace("{distance}", struct.pack("<i", distance).hex()))


def v8_constants():
    """{name: value} of the test that knows them all."""
    text = (ROOT / "tests/unit/test_v8.c").read_text()
    return {name: int(value) for name, value in re.findall(r"X\((\w+), (-?\d+)\)", text)}


def elf_seeds():
    names = re.findall(r'\[SYM_\w+\] = "(\w+)"', (ROOT / "user/target/cpython.c").read_text())
    yield "libc", elf([("read", FUNCTION, SYSCALL), ("recv", FUNCTION, SYSCALL)])
    yield "libc_common", elf([("read", FUNCTION, code(COMMON_CALL, 6)),
                              ("common", FUNCTION, COMMON)])
    yield "libssl", elf([(name, FUNCTION, ENDBR_PUSH) for name in ("SSL_read", "SSL_write", "SSL_read_ex")])
    yield "python", elf([("Py_Version", OBJECT, struct.pack("<Q", 0x030B02F0)),
                         *((name, OBJECT, bytes(16)) for name in names)])
    yield "node", elf([("napi_get_node_version", FUNCTION, code(NODE_VERSION, 9)),
                       ("version", OBJECT, struct.pack("<III", 20, 20, 2))])
    yield "stripped", elf([])[:300]


def v8_seeds():
    symbols = [("v8dbg_" + name, OBJECT, struct.pack("<i", value)) for name, value in v8_constants().items()]
    stub = ("Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit", FUNCTION,
            bytes.fromhex("4989ad88000000").ljust(32, b"\x90"))
    yield "node", elf([*symbols, stub, ("_ZN2v88internal18g_current_isolate_E", TLS, b"")], SYMTAB)


def python_seeds():
    """The layout of tests/unit/test_cpython.c for 3.11: dict, keys, entries, strings."""
    base = 0x7F0000000000
    memory = bytearray(512)
    keys, entries, text = 64, 64 + 32 + 8, 256
    struct.pack_into("<QQ", memory, 32, base + keys, 0)
    memory[keys + 9], memory[keys + 10] = 3, 1
    struct.pack_into("<Q", memory, keys + 24, 2)
    for i, word in enumerate((b"one", b"zero")):
        at = text + 64 * i
        struct.pack_into("<QQ", memory, entries + 16 * i, base + at, 0x1000 + i)
        struct.pack_into("<Q", memory, at + 16, len(word))
        memory[at + 48:at + 48 + len(word)] = word
    yield "dict", b"\2" + memory
    for minor in (13, 14):
        words = [int.from_bytes(b"xdebugpy", "little"), 3 << 24 | minor << 16, 0, *[64] * 92]
        yield f"published_{minor}", bytes([minor - 9]) + struct.pack("<95Q", *words)


class Memory:
    """Of a process, from BASE of tests/fuzz/fuzz_memory.h on; its first bytes are the object that is looked at."""
    BASE = 0x7F0000000000

    def __init__(self, size):
        self.data = bytearray(size)

    def new(self, size):
        """The address of more room."""
        self.data += bytes(-len(self.data) % 16)
        address = self.BASE + len(self.data)
        self.data += bytes(size)
        return address

    def put(self, address, *words, form="Q"):
        struct.pack_into(f"<{len(words)}{form}", self.data, address - self.BASE, *words)

    def text(self, address, text):
        self.data[address - self.BASE:address - self.BASE + len(text)] = text


CODE = {0x0309: (40, 104, 112, 120, 48), 0x030B: (72, 112, 128, 136, 48), 0x030D: (68, 112, 128, 136, 40)}


def python_code(version, line=10):
    """A code object: its type, first line, file, name and line table, by the offsets of user/symbol/python.c."""
    first_line, file, name, table, ascii_at = CODE[version]
    memory = Memory(216)
    kind, word = memory.new(32), memory.new(8)
    memory.put(memory.BASE + 8, kind)
    memory.put(kind + 24, word)
    memory.text(word, b"code")
    memory.put(memory.BASE + first_line, line, form="I")
    for offset, text in ((file, b"/srv/app.py"), (name, b"Handler.get")):
        string = memory.new(ascii_at + len(text))
        memory.put(memory.BASE + offset, string)
        memory.put(string + 16, len(text))
        memory.put(string + 32, (1 | 8 | 16) << 2, form="I")
        memory.text(string + ascii_at, text)
    lines = bytes.fromhex("80 00 d8 01 02 e8 41 00 f0 0a 01 05 03 f8 02 00")
    table_at = memory.new(32 + len(lines))
    memory.put(memory.BASE + table, table_at)
    memory.put(table_at + 16, len(lines) if line < 1 << 31 else 1 << 62)
    memory.text(table_at + 32, lines)
    return bytes([version - 0x0309, 8]) + memory.data


def js_code(first_local, has_ends):
    """A function's shared part, its scope with names, and its script, by the offsets of fuzz_code.c."""
    memory, maps = Memory(32), {}

    def make(kind, size):
        if kind not in maps:
            maps[kind] = memory.new(16)
            memory.put(maps[kind] + 12, kind, form="H")
        address = memory.new(size) if size else memory.BASE
        memory.put(address, maps[kind] + 1)
        return address

    def string(text, wide=False):
        text = text.decode().encode("utf-16-le") if wide else text
        address = make(0 if wide else 8 + 32, 16 + len(text))
        memory.put(address + 12, len(text) // (1 + wide), form="I")
        memory.text(address + 16, text)
        return address + 1

    shared, scope, script = make(259, 0), make(261, 96), make(167, 64)
    memory.put(shared + 16, scope + 1, script + 1)
    memory.put(scope + 8, (3 << 12 | 1 << 14) << 32, 0, 0, 20 << 32, 30 << 32)
    memory.put(scope + 8 + 8 * first_local, string(b"handler", not has_ends), 0, string(b"app.handler"), 20 << 32)
    ends = make(175, 40)
    memory.put(ends + 8, 3 << 32, 12 << 32, 25 << 32, 60 << 32)
    whole = make(1 + 32, 32)
    memory.put(whole + 16, string(b"file:///srv/"), string(b"app.mjs"))
    memory.put(script + 8, string(b"// 1\n// 2\nfunction handler() {}\n"), whole + 1)
    memory.put(script + 48, ends + 1 if has_ends else 0)
    return bytes([6 + (first_local == 5), 0]) + memory.data


def code_seeds():
    for version in CODE:
        yield f"python_{version & 255}", python_code(version)
    yield "python_line", python_code(0x030B, line=1 << 31)
    yield "js", js_code(3, True)
    yield "js_new", js_code(5, False)
    base, memory = Memory.BASE, Memory(512)
    memory.put(base + 64, base + 192)  # the isolate, and in it the frame of the way out
    memory.put(base + 192 + 128, base + 400)
    for at, up in ((256, 304), (304, 352), (400, 448)):
        memory.put(base + at - 16, base + 481)
        memory.put(base + at, base + up, base + 8)
    memory.put(base + 480, base + 497)
    memory.put(base + 496 + 12, 2066, form="H")
    yield "js_stack", bytes([8, 0]) + memory.data
    memory = Memory(512)
    memory.put(base + 72, base + 128)
    memory.put(base + 128 + 136, base)
    memory.put(base + 128 + 56, base + 320)
    memory.put(base + 320, base + 400, base + 328)
    memory.put(base + 328, base + 400, base + 400)
    yield "python_stack", bytes([9, 0]) + memory.data


def walk_seeds():
    """Cases of the walks' unit tests, the first whole, each further one with one more kind of damage."""
    for case in range(7):
        damage = (struct.pack("<BBHH", kind, 3, 40 * kind + 20, 90) for kind in range(case))
        yield f"case_{case}", bytes([case]) + b"".join(damage)


PROGRAM = """
static volatile int sink;
static inline __attribute__((always_inline)) void inner(int n) { sink += n; }
__attribute__((noinline)) void outer(int n)
{
	volatile char room[64];
	for (int i = 0; i < n; i++)
		inner(room[i & 63] = i);
}
void _start(void) { outer(sink); }
"""


def module_seeds():
    """Small programs with all that is read of one, as the compiler makes them."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "split.c", Path(folder) / "split"
        source.write_text(PROGRAM)
        for name, options in (("dwarf5", ["-gdwarf-5"]), ("dwarf4", ["-gdwarf-4", "-fno-omit-frame-pointer"]),
                              ("frames", ["-fasynchronous-unwind-tables"]), ("packed", ["-g", "-gz"])):
            subprocess.run(["cc", "-O1", "-static", "-nostdlib", "-ffreestanding", f"-fdebug-prefix-map={folder}=/srv",
                            "-Wl,-N,--no-warn-rwx-segments,--build-id=0xdeadbeefdeadbeef", *options, "-o", program,
                            source], check=True)
            if name == "frames":
                (Path(folder) / "split.debug").write_bytes(b"x")
                subprocess.run(["objcopy", "--add-gnu-debuglink", Path(folder) / "split.debug", program], check=True)
            yield name, b"\x10" + program.read_bytes()


def record_seeds():
    for path in sorted((ROOT / "tests/golden/streams").glob("*.py")):
        data = importlib.import_module(f"streams.{path.stem}").stream()
        options = {"hostile": UTF8 | NARROW, "several_loops": VIA_LIVE, "keep_alive": PATTERNS | RESTARTS,
                   "uvicorn_tasks": FEW_ROUTES}.get(path.stem, 0)
        yield path.stem, bytes([options]).ljust(8, b"\0") + data


def screen_seeds():
    """The same streams, with a size of the screen and with keys."""
    for i, (name, data) in enumerate(record_seeds()):
        rows, cols, keys = ((24, 80, b"\n\x1b\t\n?"), (50, 200, b"\t\t\n\x1bp"), (3, 17, b"\t\n>zq"))[i % 3]
        yield name, bytes([i % 32, rows, cols]) + keys + data[8:]


def file_seeds():
    for name in ("tls", "uvicorn_tasks", "node_nested"):
        yield name, recording.recording(importlib.import_module(f"streams.{name}").stream())
    # A ring whose first segments are gone: its state is read.
    records = list(recording.records_of(importlib.import_module("streams.tls").stream()))
    state, rest = b"".join(records[:5]), b"".join(records[5:])
    before = recording.chunk(recording.STATE, state, segment=2) + recording.chunk(recording.END, segment=2, index=1)
    yield "ring", b"".join([recording.head(recording.INFO, b"", slots=2, slot=1 << 13), before.ljust(1 << 13, b"\0"),
                            recording.chunk(recording.RECORD, rest, segment=3),
                            recording.chunk(recording.LAST, segment=3, index=1)])


def main():
    folder = Path(sys.argv[1])
    for target, seeds in (("record", record_seeds()), ("screens", screen_seeds()), ("file", file_seeds()),
                          ("elf", elf_seeds()), ("v8", v8_seeds()), ("python", python_seeds()), ("code", code_seeds()),
                          ("module", module_seeds()), ("walk_python", walk_seeds()), ("walk_node", walk_seeds())):
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
