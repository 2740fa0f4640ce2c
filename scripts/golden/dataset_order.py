"""Prints the order in which package dataset visits seven pictures, for order_test.

SplitMix64 after Steele, Lea, Flood (OOPSLA 2014), keyed by seed, stream and
epoch, and Fisher and Yates' shuffle drawing by the high word of a product.
"""

MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def order(seed, epoch, n, stream=0):
    key = 0
    for word in (seed, stream, epoch):
        key = mix((key + STEP + word) & MASK)
    items, at = list(range(n)), 0
    for i in range(n - 1, 0, -1):
        at += 1
        j = mix((key + at * STEP) & MASK) * (i + 1) >> 64
        items[i], items[j] = items[j], items[i]
    return items


for epoch in (0, 1, 1 << 40):
    print(epoch, order(42, epoch, 7))
