"""Golden JPEG files for package pixels/jpeg, made and decoded by Pillow, that is
by libjpeg-turbo (pip install pillow).

    python3 scripts/golden/jpeg.py pixels/jpeg/testdata
    python3 scripts/golden/jpeg.py --hash FILE...

Packs awkward files into files.bin, with cases.json that lists them and the SHA-256
of the RGB that Pillow decodes them to. With --hash it prints that of any files.
"""

import hashlib
import io
import json
import os
import struct
import sys

import PIL
from PIL import Image


def pixels(data):
    im = Image.open(io.BytesIO(data)).convert("RGB")
    return im.width, im.height, hashlib.sha256(im.tobytes()).hexdigest()


def noise(x, y, c):
    v = (x * 374761393 + y * 668265263 + c * 2246822519 + 12345) & 0xFFFFFFFF
    v = ((v ^ (v >> 13)) * 1274126177) & 0xFFFFFFFF
    return (v ^ (v >> 16)) & 0xFF


def texture(width, height, mode="RGB"):
    """Ramps, hard edges in saturated colours and noise."""
    bands = len(mode) if mode != "L" else 1
    out = []
    for y in range(height):
        for x in range(width):
            p = []
            for c in range(bands):
                ramp = (x * (3 + c) + y * (5 - c)) * 4 % 256
                p.append(255 * ((x // 5 + y // 7 + c) % 2) if (x + y) % 11 < 4 else (3 * ramp + noise(x, y, c)) // 4)
            out.append(tuple(p) if bands > 1 else p[0])
    im = Image.new(mode, (width, height))
    im.putdata(out)
    return im


def encoded(im, **options):
    b = io.BytesIO()
    im.save(b, "JPEG", **options)
    return b.getvalue()


# What Pillow's encoder can write; handmade makes the rest.
SAMPLINGS = {"444": "4:4:4", "422": "4:2:2", "420": "4:2:0", "411": "4:1:1"}


class Bits:
    def __init__(self):
        self.n, self.count = 0, 0

    def put(self, value, count):
        self.n, self.count = self.n << count | value, self.count + count

    def stuffed(self):
        pad = -self.count % 8
        whole = ((self.n << pad) | ((1 << pad) - 1)).to_bytes((self.count + pad) // 8, "big")
        return whole.replace(b"\xff", b"\xff\x00")


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def handmade(width, height, sampling, markers=b"", interval=0, separate=False, wide_quant=False, ids=None):
    """A sequential file with any sampling factors, which no encoder at hand writes.
    Every block holds a mean and a few coefficients of noise; all codes have 8 bits."""
    ids = ids or range(1, len(sampling) + 1)
    size, dc_symbols = (2 if wide_quant else 1), bytes(range(12))
    ac_symbols = bytes([0x00, 0xF0] + [r << 4 | s for r in range(16) for s in range(1, 9)][:120])

    def table(kind, symbols):
        counts = [0] * 16
        counts[7] = len(symbols)
        return segment(0xC4, bytes([kind]) + bytes(counts) + symbols)

    quant = b"".join((300 + k if wide_quant and k > 3 else 5 + k // 2).to_bytes(size, "big") for k in range(64))
    out = b"\xff\xd8" + markers + segment(0xDB, bytes([(size - 1) << 4]) + quant)
    parts = b"".join(bytes([i, h << 4 | v, 0]) for i, (h, v) in zip(ids, sampling))
    out += segment(0xC1 if wide_quant else 0xC0, struct.pack(">BHHB", 8, height, width, len(sampling)) + parts)
    out += table(0x00, dc_symbols) + table(0x10, ac_symbols)
    if interval:
        out += segment(0xDD, struct.pack(">H", interval))
    hmax, vmax = max(h for h, _ in sampling), max(v for _, v in sampling)

    def value(bits, v):
        size = abs(v).bit_length()
        bits.put(v if v > 0 else v + (1 << size) - 1, size)

    def block(bits, c, n, last):
        mean = noise(n, c, 7) - 128
        difference = mean - last
        bits.put(dc_symbols.index(abs(difference).bit_length()), 8)
        value(bits, difference)
        k, j = 1, 0
        while j < noise(n, c, 8) % 7:
            run, v = noise(n, j, 9) % 14, noise(n, j, 10) % 63 - 31
            if v and k + run < 64:
                bits.put(ac_symbols.index(run << 4 | abs(v).bit_length()), 8)
                value(bits, v)
                k += run + 1
            j += 1
        if k < 64:
            bits.put(0, 8)
        return mean

    def scan(chosen):
        nonlocal out
        out += segment(0xDA, bytes([len(chosen)]) + b"".join(bytes([ids[c], 0]) for c in chosen) + b"\x00\x3f\x00")
        if len(chosen) == 1:
            h, v = sampling[chosen[0]]
            mcus = -(-(-(-width * h // hmax)) // 8) * -(-(-(-height * v // vmax)) // 8)
        else:
            mcus = -(-width // (8 * hmax)) * -(-height // (8 * vmax))
        bits, last, n, restarts = Bits(), [0] * len(sampling), 0, 0
        for m in range(mcus):
            if interval and m and m % interval == 0:
                out += bits.stuffed() + bytes([0xFF, 0xD0 + restarts % 8])
                bits, last, restarts = Bits(), [0] * len(sampling), restarts + 1
            for c in chosen:
                h, v = (1, 1) if len(chosen) == 1 else sampling[c]
                for _ in range(h * v):
                    last[c] = block(bits, c, n, last[c])
                    n += 1
        out += bits.stuffed()

    if separate:
        for c in range(len(sampling)):
            scan([c])
    else:
        scan(range(len(sampling)))
    return out + b"\xff\xd9"


def adobe(transform):
    return segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00" + bytes([transform]))


def files():
    sizes = [(1, 1), (2, 3), (7, 8), (8, 9), (16, 16), (17, 33), (33, 17), (5, 40), (71, 6)]
    for w, h in sizes:
        im = texture(w, h)
        for name, sampling in SAMPLINGS.items():
            for progressive in (False, True):
                yield f"{w}x{h}-{name}{'-progressive' * progressive}", encoded(
                    im, quality=85, subsampling=sampling, progressive=progressive)
        yield f"{w}x{h}-gray", encoded(texture(w, h, "L"), quality=85)
    photo = texture(60, 44).resize((150, 110), Image.BICUBIC).crop((0, 0, 149, 107))
    for quality in (1, 2, 5, 10, 25, 50, 75, 90, 95, 98, 100):
        yield f"quality-{quality}", encoded(photo.crop((0, 0, 61, 53)), quality=quality)
    yield "optimised", encoded(photo, quality=80, optimize=True)
    yield "photo-progressive", encoded(photo, quality=92, progressive=True)
    yield "photo-444", encoded(photo, quality=97, subsampling="4:4:4")
    yield "gray-progressive", encoded(photo.convert("L"), quality=70, progressive=True)
    yield "restart-blocks", encoded(photo, quality=60, restart_marker_blocks=3)
    yield "restart-rows", encoded(photo, quality=60, restart_marker_rows=1)
    yield "restart-progressive", encoded(photo, quality=60, restart_marker_blocks=5, progressive=True)
    yield "rgb", encoded(photo, quality=80, keep_rgb=True)
    cmyk = texture(45, 31, "CMYK")
    yield "cmyk", encoded(cmyk, quality=90)
    yield "cmyk-progressive", encoded(cmyk, quality=90, progressive=True)

    two, one = (2, 2), (1, 1)
    shapes = {
        "420": [two, one, one], "422": [(2, 1), one, one], "440": [(1, 2), one, one], "411": [(4, 1), one, one],
        "410": [(4, 2), one, one], "441": [(1, 4), one, one], "244": [(2, 4), one, one], "311": [(3, 1), one, one],
        "both": [(2, 1), (1, 2), one], "low-luma": [one, two, two], "chroma-differ": [two, (2, 1), (1, 2)],
        "twice": [(2, 4), (1, 2), (2, 2)], "same": [two, two, one],
    }
    for name, sampling in shapes.items():
        for w, h in ((41, 39), (3, 5), (100, 18)):
            if sum(a * b for a, b in sampling) <= 10:
                yield f"hand-{name}-{w}x{h}", handmade(w, h, sampling)
            yield f"hand-{name}-{w}x{h}-separate", handmade(w, h, sampling, separate=True)
    yield "hand-gray-22", handmade(37, 21, [two])
    yield "hand-restart", handmade(90, 70, shapes["420"], interval=1)
    yield "hand-restart-separate", handmade(90, 70, shapes["420"], interval=4, separate=True)
    yield "hand-quant16", handmade(37, 21, shapes["420"], wide_quant=True)
    yield "hand-adobe-rgb", handmade(37, 21, [one] * 3, adobe(0))
    yield "hand-adobe-ycc", handmade(37, 21, [one] * 3, adobe(1), ids=b"RGB")
    yield "hand-adobe-odd", handmade(37, 21, [one] * 3, adobe(9))
    yield "hand-named-rgb", handmade(37, 21, [one] * 3, ids=b"RGB")
    yield "hand-named-odd", handmade(37, 21, [one] * 3, ids=b"\x00\x07\x09")
    jfif = segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    yield "hand-jfif-rgb", handmade(37, 21, [one] * 3, jfif + adobe(0), ids=b"RGB")
    yield "hand-cmyk", handmade(37, 21, [one] * 4)
    yield "hand-cmyk-adobe", handmade(37, 21, [two, one, one, two], adobe(0))
    yield "hand-ycck", handmade(37, 21, [two, one, one, two], adobe(2))
    yield "hand-ycck-444", handmade(37, 21, [one] * 4, adobe(2))


def main():
    if sys.argv[1] == "--hash":
        for name in sys.argv[2:]:
            with open(name, "rb") as f:
                w, h, digest = pixels(f.read())
            print(digest, w, h, name)
        return
    cases, packed = [], b""
    for name, data in files():
        w, h, digest = pixels(data)
        cases.append({"name": name, "from": len(packed), "bytes": len(data), "width": w, "height": h, "sha256": digest})
        packed += data
    with open(os.path.join(sys.argv[1], "files.bin"), "wb") as f:
        f.write(packed)
    with open(os.path.join(sys.argv[1], "cases.json"), "w") as f:
        f.write('{"pillow": "%s", "cases": [\n' % PIL.__version__)
        f.write(",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


main()
