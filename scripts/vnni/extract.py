"""Takes the machine code of simd.dotInt8VNNI out of a Go program's file, with the one
constant that it reads behind it: extract.py PROGRAM KERNEL."""
import struct
import subprocess
import sys

program, kernel = sys.argv[1:]
for line in subprocess.run(["go", "tool", "nm", "-size", program], capture_output=True, text=True, check=True).stdout.splitlines():
    if line.endswith("simd.dotInt8VNNI.abi0"):
        address, size = int(line.split()[0], 16), int(line.split()[1])
content = open(program, "rb").read()
headers, = struct.unpack_from("<Q", content, 32)
count, = struct.unpack_from("<H", content, 56)
for i in range(count):
    kind, _, offset, start, _, length = struct.unpack_from("<IIQQQQ", content, headers + 56 * i)
    if kind == 1 and start <= address < start + length:
        code = bytearray(content[offset + address - start:][:size])
code += b"\xcc" * (-len(code) % 64)
# VPBROADCASTD constant(RIP), Z0: the constant moves.
at = code.index(bytes.fromhex("62f27d485805")) + 6
struct.pack_into("<i", code, at, len(code) - (at + 4))
open(kernel, "wb").write(code + b"\x80" * 64)
