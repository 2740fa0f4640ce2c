"""Golden pictures for package pixels, made by Pillow (pip install pillow).

    python3 scripts/golden/pixels.py pixels/testdata

Writes small source pictures and what Pillow makes of them: resized, decoded on
white, and changed by RandAugment's and ColorJitter's operations, with cases.json that lists them.
"""

import io
import json
import math
import os
import struct
import sys

import PIL
from PIL import Image, ImageEnhance, ImageOps

root = sys.argv[1]
cases = {"pillow": PIL.__version__, "resize": [], "decode": [], "augment": [], "colour": [], "exif": [], "training": []}


def noise(x, y, c):
    v = (x * 374761393 + y * 668265263 + c * 2246822519 + 12345) & 0xFFFFFFFF
    v = ((v ^ (v >> 13)) * 1274126177) & 0xFFFFFFFF
    return (v ^ (v >> 16)) & 0xFF


def texture(width, height, bands=3):
    """Smooth ramps, hard edges and noise, so that clipping and rounding show."""
    pixels = []
    for y in range(height):
        for x in range(width):
            p = []
            for c in range(bands):
                ramp = (x * (3 + c) + y * (5 - c)) * 4 % 256
                v = 255 * ((x // 5 + y // 7) % 2) if (x + y) % 11 < 4 else (3 * ramp + noise(x, y, c)) // 4
                p.append(v)
            pixels.append(tuple(p) if bands > 1 else p[0])
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[bands]
    im = Image.new(mode, (width, height))
    im.putdata(pixels)
    return im


def save(im, name):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    im.save(path, optimize=True)
    return name


def write(data, name):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return name


def encoded(im, fmt, **options):
    b = io.BytesIO()
    im.save(b, fmt, **options)
    return b.getvalue()


def on_white(im):
    if im.mode in ("I;16", "I;16B", "I"):
        # Pillow clips these when converting; the field's 8 bits are the high ones.
        im = im.convert("I").point(lambda v: v / 256).convert("L")
    if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
        im = im.convert("RGBA")
        im = Image.alpha_composite(Image.new("RGBA", im.size, (255, 255, 255, 255)), im)
    return im.convert("RGB")


def bicubic(im, size):
    """Horizontally, then vertically: in two calls, because Pillow 13 takes some
    shapes in the other order in one. Earlier versions give this in one call."""
    return im.resize((size[0], im.height), Image.BICUBIC).resize(size, Image.BICUBIC)


def resize():
    sizes = {
        (61, 47): [(7, 5), (8, 8), (61, 20), (20, 47), (64, 64), (122, 94), (61, 47), (1, 1), (97, 3), (60, 46)],
        (128, 96): [(64, 64), (32, 32), (17, 96), (13, 11)],
        (1, 1): [(5, 3), (1, 1)],
        (1, 37): [(8, 8), (1, 9), (3, 80)],
        (37, 1): [(8, 8), (9, 1), (80, 3)],
        (2, 2): [(9, 7)],
        (3, 300): [(24, 24)],
        (300, 2): [(10, 10), (299, 5)],
        (4000, 2): [(3, 3)],
    }
    for (w, h), targets in sizes.items():
        im = texture(w, h)
        source = save(im, f"resize/{w}x{h}.png")
        for target in targets:
            out = save(bicubic(im, target), f"resize/{w}x{h}-to-{target[0]}x{target[1]}.png")
            cases["resize"].append({"source": source, "width": target[0], "height": target[1], "want": out})
    black_white = Image.new("RGB", (16, 16))
    black_white.putdata([(((x // 2 ^ y // 2) & 1) * 255,) * 3 for y in range(16) for x in range(16)])
    source = save(black_white, "resize/overshoot.png")
    for target in [(37, 41), (5, 5)]:
        out = save(bicubic(black_white, target), f"resize/overshoot-to-{target[0]}x{target[1]}.png")
        cases["resize"].append({"source": source, "width": target[0], "height": target[1], "want": out})
    # See-through pictures stand on white before they are resized.
    hole = texture(45, 31).quantize(37)
    hole.info["transparency"] = 5
    for name, im in [("rgba", texture(45, 31, 4)), ("la", texture(45, 31, 2)), ("palette", hole), ("pixel", texture(1, 1, 4))]:
        source = write(encoded(im, "PNG"), f"resize/alpha-{name}.png")
        for target in [(17, 9), (64, 50), (1, 1)]:
            out = save(bicubic(on_white(im), target), f"resize/alpha-{name}-to-{target[0]}x{target[1]}.png")
            cases["resize"].append({"source": source, "width": target[0], "height": target[1], "alpha": True, "want": out})
    # The crop fit: shorter side, then the centre, as torchvision does it.
    for (w, h), size in [((61, 47), 20), ((47, 61), 21), ((300, 2), 7), ((64, 64), 9)]:
        im = texture(w, h)
        source = save(im, f"resize/{w}x{h}.png")
        rw, rh = (size, size * h // w) if w <= h else (size * w // h, size)
        resized = bicubic(im, (rw, rh))
        left, top = round((rw - size) / 2), round((rh - size) / 2)
        out = save(resized.crop((left, top, left + size, top + size)), f"resize/{w}x{h}-crop-{size}.png")
        cases["resize"].append({"source": source, "crop": size, "want": out})


def decode_case(name, data):
    file = write(data, f"decode/{name}")
    im = Image.open(io.BytesIO(data))
    im.seek(0)
    im = ImageOps.exif_transpose(im)
    want = save(on_white(im), f"decode/{name}.want.png")
    cases["decode"].append({"file": file, "want": want, "format": name.rsplit(".", 1)[1]})


def decode():
    rgb, rgba, gray, la = texture(45, 31), texture(45, 31, 4), texture(45, 31, 1), texture(45, 31, 2)
    palette = rgb.quantize(37)
    see_through = palette.copy()
    see_through.info["transparency"] = 5
    bits16 = Image.new("I;16", (45, 31))
    bits16.putdata([(noise(x, y, 0) << 8 | noise(x, y, 1)) for y in range(31) for x in range(45)])
    for name, im in [("rgb", rgb), ("rgba", rgba), ("gray", gray), ("la", la), ("palette", palette),
                     ("bilevel", gray.convert("1")), ("gray16", bits16)]:
        decode_case(f"{name}.png", encoded(im, "PNG"))
    decode_case("palette-transparent.png", encoded(see_through, "PNG", transparency=5))
    decode_case("palette-alpha.png", encoded(palette, "PNG", transparency=bytes(range(0, 37 * 6, 6))))
    decode_case("gray-transparent.png", encoded(gray, "PNG", transparency=0))

    photo = texture(45, 31).resize((90, 62), Image.BICUBIC)
    for name, sampling in [("444", 0), ("422", 1), ("420", 2)]:
        for progressive in [False, True]:
            suffix = "-progressive" if progressive else ""
            decode_case(f"{name}{suffix}.jpeg", encoded(photo, "JPEG", quality=90, subsampling=sampling, progressive=progressive))
    decode_case("odd-420.jpeg", encoded(photo.crop((0, 0, 35, 21)), "JPEG", quality=90, subsampling=2))
    decode_case("thin-420.jpeg", encoded(photo.crop((0, 0, 3, 50)), "JPEG", quality=90, subsampling=2))
    decode_case("gray.jpeg", encoded(gray, "JPEG", quality=90))
    cmyk = photo.convert("CMYK")
    cmyk.putdata([(c, m, y, (x * 7) % 200) for x, (c, m, y, _) in enumerate(cmyk.get_flattened_data())])
    adobe = encoded(cmyk, "JPEG", quality=95)
    decode_case("cmyk-adobe.jpeg", adobe)
    at = adobe.index(b"\xff\xee")
    length = struct.unpack(">H", adobe[at + 2 : at + 4])[0]
    decode_case("cmyk-plain.jpeg", adobe[:at] + adobe[at + 2 + length :])

    decode_case("palette.gif", encoded(palette, "GIF"))
    decode_case("transparent.gif", encoded(see_through, "GIF", transparency=5))
    decode_case("interlaced.gif", encoded(gray, "GIF", interlace=1))
    frames = [texture(24, 20), texture(24, 20).transpose(Image.FLIP_LEFT_RIGHT)]
    decode_case("animated.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    decode_case("lossy.webp", encoded(photo, "WEBP", quality=85))
    decode_case("lossy-odd.webp", encoded(photo.crop((0, 0, 35, 21)), "WEBP", quality=85))
    decode_case("lossy-even.webp", encoded(photo.crop((0, 0, 34, 22)), "WEBP", quality=85))
    decode_case("lossy-alpha.webp", encoded(rgba, "WEBP", quality=85))
    decode_case("one.webp", encoded(photo.crop((0, 0, 1, 1)), "WEBP", quality=85))
    decode_case("lossless.webp", encoded(rgb, "WEBP", lossless=True))
    decode_case("lossless-alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True))
    decode_case("animated.webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=80))

    for name, im in [("rgb", rgb), ("gray", gray), ("palette", palette), ("bilevel", gray.convert("1"))]:
        decode_case(f"{name}.bmp", encoded(im, "BMP"))
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        decode_case(f"rgb-{compression}.tiff", encoded(rgb, "TIFF", compression=compression))
    for name, im in [("rgba", rgba), ("gray", gray), ("palette", palette), ("bilevel", gray.convert("1")), ("gray16", bits16)]:
        decode_case(f"{name}.tiff", encoded(im, "TIFF"))
    decode_case("group4.tiff", encoded(gray.convert("1"), "TIFF", compression="group4"))


def exif_case(name, data, want_size, **facts):
    cases["exif"].append({"file": write(data, f"exif/{name}"), "width": want_size[0], "height": want_size[1], **facts})


def exif():
    flat = Image.new("RGB", (16, 8), (255, 255, 255))
    flat.paste((255, 0, 0), (0, 0, 8, 4))  # red where the stored picture begins
    for orientation in range(1, 9):
        e = Image.Exif()
        e[0x0112] = orientation
        for fmt, name, options in [("JPEG", "jpeg", {"quality": 95, "subsampling": 0}), ("PNG", "png", {}),
                                   ("WEBP", "webp", {"lossless": True}), ("TIFF", "tiff", {})]:
            if fmt in ("PNG", "WEBP", "TIFF") and orientation not in (3, 6, 7):
                continue
            decode_case(f"turn-{orientation}.{name}", encoded(flat, fmt, exif=e.tobytes(), **options))
    e = Image.Exif()
    e[0x010F], e[0x0110], e[0x0112] = "Canon", "Canon EOS 5D", 6
    e[0x0132] = "2020:01:01 00:00:00"
    sub = e.get_ifd(0x8769)
    sub[0x9003], sub[0x9011] = "2019:07:05 21:30:15", "+02:00"
    gps = e.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "S", (33.0, 51.0, 24.0), "E", (151.0, 12.0, 36.0)
    facts = dict(camera="Canon EOS 5D", taken="2019-07-05T21:30:15+02:00",
                 latitude=-(33 + 51 / 60 + 24 / 3600), longitude=151 + 12 / 60 + 36 / 3600)
    for fmt, name in [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp")]:
        exif_case(f"full.{name}", encoded(flat, fmt, exif=e.tobytes()), (8, 16), **facts)
    e = Image.Exif()
    e[0x010F], e[0x0110], e[0x0132] = "NIKON CORPORATION", "E950", "2001:04:06 11:51:40"
    exif_case("plain.jpeg", encoded(flat, "JPEG", exif=e.tobytes()), (16, 8),
              camera="NIKON CORPORATION E950", taken="2001-04-06T11:51:40Z")


OPERATIONS = ["identity", "autocontrast", "equalize", "brightness", "sharpness",
              "shear-x", "shear-y", "translate-x", "translate-y", "rotate"]


def operation(im, op, level, negative):
    """One operation at ALBEF's strength for the level, done by Pillow."""
    sign = -1 if negative else 1
    factor, shear, shift, degrees = level / 10 * 1.8 + 0.1, sign * level / 10 * 0.3, sign * level, sign * level / 10 * 30

    def affine(*matrix):
        return im.transform(im.size, Image.AFFINE, matrix, Image.NEAREST, fillcolor=(128, 128, 128))

    return {
        "identity": lambda: im,
        "autocontrast": lambda: ImageOps.autocontrast(im),
        "equalize": lambda: ImageOps.equalize(im),
        "brightness": lambda: ImageEnhance.Brightness(im).enhance(factor),
        "sharpness": lambda: ImageEnhance.Sharpness(im).enhance(factor),
        "shear-x": lambda: affine(1, shear, 0, 0, 1, 0),
        "shear-y": lambda: affine(1, 0, 0, shear, 1, 0),
        "translate-x": lambda: affine(1, 0, shift, 0, 1, 0),
        "translate-y": lambda: affine(1, 0, 0, 0, 1, shift),
        "rotate": lambda: im.rotate(degrees, Image.NEAREST, fillcolor=(128, 128, 128)),
    }[op]()


def augment():
    flat = Image.new("RGB", (12, 9), (40, 200, 90))
    low = texture(33, 29).point(lambda v: 60 + v // 4)
    sources = {"texture": texture(33, 29), "low": low, "flat": flat, "even": texture(32, 32)}
    for name, im in sources.items():
        # Every result below the other in one picture.
        group, results = {"source": save(im, f"augment/{name}.png"), "cases": []}, []
        for op in OPERATIONS[1:]:
            for level in [0.0] if op in ("autocontrast", "equalize") else [0.0, 3.0, 7.0, 10.0]:
                for negative in [False] if op in OPERATIONS[:5] else [False, True]:
                    group["cases"].append({"op": op, "level": level, "negative": negative})
                    results.append(operation(im, op, level, negative))
        stack = Image.new("RGB", (im.width, im.height * len(results)))
        for i, out in enumerate(results):
            stack.paste(out, (0, i * im.height))
        group["want"] = save(stack, f"augment/{name}.want.png")
        cases["augment"].append(group)


class Counter:
    """SplitMix64 of a key and the draw's number, written anew from the paper."""

    mask, golden = (1 << 64) - 1, 0x9E3779B97F4A7C15

    def __init__(self, seed, step, item):
        self.key, self.n = self.mix(self.mix(self.mix(seed) + step) + item), 0

    def mix(self, z):
        z = (z + self.golden) & self.mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.mask
        return z ^ (z >> 31)

    def next(self):
        self.n += 1
        return self.mix(self.key + self.n * self.golden)

    def unit(self):
        return (self.next() >> 11) / (1 << 53)

    def between(self, low, high):
        return low + self.unit() * (high - low)

    def normal(self):
        return sum((self.unit() for _ in range(12)), -6.0)

    def below(self, n):
        return (self.next() * n) >> 64


def random_crop(draw, width, height, scale):
    for _ in range(10):
        target = width * height * draw.between(scale, 1)
        aspect = math.exp(draw.between(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))
        if 0 < w <= width and 0 < h <= height:
            y = draw.below(height - h + 1)
            x = draw.below(width - w + 1)
            return x, y, w, h
    w, h = width, height
    if width / height < 3 / 4:
        h = round(width / (3 / 4))
    elif width / height > 4 / 3:
        w = round(height * (4 / 3))
    return (width - w) // 2, (height - h) // 2, w, h


def turn_hue(im, part):
    """torchvision's adjust_hue of a Pillow picture."""
    h, s, v = im.convert("HSV").split()
    by = int(part * 255)
    return Image.merge("HSV", (h.point(lambda x: (x + by) & 255), s, v)).convert("RGB")


COLOURS = {
    "brightness": lambda im, by: ImageEnhance.Brightness(im).enhance(by),
    "contrast": lambda im, by: ImageEnhance.Contrast(im).enhance(by),
    "saturation": lambda im, by: ImageEnhance.Color(im).enhance(by),
    "hue": turn_hue,
}


def colour():
    every = Image.new("RGB", (64, 64))
    every.putdata([(x * 17, y * 17, z * 17) for x in range(16) for y in range(16) for z in range(16)])
    amounts = {"contrast": [0.0, 0.6, 1.4, 2.0], "saturation": [0.0, 0.6, 1.4, 2.0], "hue": [-0.5, -0.1, 0.0, 0.2, 0.37, 0.5]}
    for name, im in {"texture": texture(33, 29), "every": every}.items():
        todo = [(op, by) for op in amounts for by in amounts[op]]
        stack = Image.new("RGB", (im.width, im.height * len(todo)))
        for i, (op, by) in enumerate(todo):
            stack.paste(COLOURS[op](im, by), (0, i * im.height))
        cases["colour"].append({"source": save(im, f"augment/{name}.png"), "want": save(stack, f"augment/{name}.colour.png"),
                                "cases": [{"op": op, "by": by} for op, by in todo]})


def random_convolution(im, draw):
    """RandConv's mixing variant, in integers: kernel of side 1 or 3, edges repeated."""
    side = (1, 3)[draw.below(2)]
    inputs = 3 * side * side
    unit = 1 << 16
    kernels = [[int(draw.normal() * unit * inputs**-0.5) for _ in range(inputs)] for _ in range(3)]
    kept = int(draw.unit() * unit)
    w, h = im.size
    src, reach = im.load(), side // 2
    out = Image.new("RGB", im.size)
    for y in range(h):
        for x in range(w):
            near = [v - 128 for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)
                    for v in src[min(max(x + dx, 0), w - 1), min(max(y + dy, 0), h - 1)]]
            sums = [sum(k * v for k, v in zip(kernel, near)) >> 16 for kernel in kernels]
            mixed = [(kept * (v - 128) + (unit - kept) * s >> 16) + 128 for v, s in zip(src[x, y], sums)]
            out.putpixel((x, y), tuple(min(max(v, 0), 255) for v in mixed))
    return out


def vary_colour(im, draw, c):
    """torchvision's ColorJitter and RandomGrayscale."""
    if draw.unit() < c["share"]:
        order = list(COLOURS)
        for i in range(3, 0, -1):
            j = draw.below(i + 1)
            order[i], order[j] = order[j], order[i]
        by = {op: draw.between(1 - c[op], 1 + c[op]) for op in ["brightness", "contrast", "saturation"]}
        by["hue"] = draw.between(-c["hue"], c["hue"])
        for op in order:
            im = COLOURS[op](im, by[op])
    return im.convert("L").convert("RGB") if draw.unit() < c["grey"] else im


def random_affine(im, draw, c):
    """torchvision's RandomAffine, bilinear, as it inverts its matrix."""
    if draw.unit() >= c["share"]:
        return im
    w, h = im.size
    turn = math.radians(draw.between(-c["degrees"], c["degrees"]))
    right = round(draw.between(-c["translate"], c["translate"]) * w)
    down = round(draw.between(-c["translate"], c["translate"]) * h)
    scale = draw.between(1 - c["scale"], 1 + c["scale"])
    sx, sy = math.radians(draw.between(-c["shear"], c["shear"])), 0.0
    cx, cy = w * 0.5, h * 0.5
    m0 = math.cos(turn - sy) / math.cos(sy)
    m1 = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    m2 = math.sin(turn - sy) / math.cos(sy)
    m3 = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    m = [v / scale for v in (m3, -m1, 0.0, -m2, m0, 0.0)]
    m[2] += m[0] * (-cx - right) + m[1] * (-cy - down) + cx
    m[5] += m[3] * (-cx - right) + m[4] * (-cy - down) + cy
    return im.transform(im.size, Image.AFFINE, m, Image.BILINEAR, fillcolor=(c["fill"],) * 3)


def training(suffix="", **more):
    """The whole augmentation of ALBEF's code, RandomAugment(ops, level)."""
    size, scale, ops, level = 24, 0.2, 2, 7.0
    samples = [(42, step, 3 * step + 1) for step in range(40)] + [(2**64 - 1, 2**63, 2**64 - 1)]
    shapes = {"wide": (300, 20), "usual": (61, 47), "tall": (20, 90)}
    for name, (w, h) in shapes.items():
        im = texture(w, h)
        stack = Image.new("RGB", (size, size * len(samples)))
        for i, (seed, step, item) in enumerate(samples):
            draw = Counter(seed, step, item)
            x, y, cw, ch = random_crop(draw, w, h, scale)
            out = bicubic(im.crop((x, y, x + cw, y + ch)), (size, size))
            if draw.unit() < 0.5:
                out = out.transpose(Image.FLIP_LEFT_RIGHT)
            if "affine" in more:
                out = random_affine(out, draw, more["affine"])
            for _ in range(ops):
                op = draw.below(10)
                apply, negative = draw.unit() < 0.5, draw.unit() < 0.5
                if apply:
                    out = operation(out, OPERATIONS[op], level, negative)
            if "colour" in more:
                out = vary_colour(out, draw, more["colour"])
            if draw.unit() < more.get("convolve", 0):
                out = random_convolution(out, draw)
            stack.paste(out, (0, i * size))
        cases["training"].append({
            "source": save(im, f"augment/{name}.png"), "want": save(stack, f"augment/{name}{suffix}.want.png"),
            "size": size, "min_scale": scale, "flip": 0.5, "ops": ops, "level": level, **more,
            "samples": [[str(n) for n in s] for s in samples]})


resize()
decode()
exif()
augment()
colour()
training()
training("-convolve", convolve=0.7)
training("-affine", affine={"share": 0.7, "degrees": 25, "shear": 15, "translate": 0.1, "scale": 0.2, "fill": 255})
training("-colour", colour={"share": 0.8, "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "grey": 0.2})
with open(os.path.join(root, "cases.json"), "w") as f:
    json.dump(cases, f, indent=1)
    f.write("\n")
