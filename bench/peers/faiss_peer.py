"""Faiss's flat int8 scan over vectors around 100 centres."""
import faiss
import numpy

VERSION = f"Faiss {faiss.__version__} ({faiss.get_compile_options().strip()})"


def scan(sizes):
    faiss.omp_set_num_threads(sizes["threads"])
    random = numpy.random.default_rng(1)
    centres = random.standard_normal((100, sizes["width"]), dtype=numpy.float32)

    def draw(count):
        v = centres[random.integers(0, 100, count)]
        v += 0.65 * random.standard_normal(v.shape, dtype=numpy.float32)
        return v / numpy.linalg.norm(v, axis=1, keepdims=True)

    index = faiss.IndexScalarQuantizer(sizes["width"], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    part = min(100_000, sizes["rows"])
    index.train(draw(part))
    for _ in range(0, sizes["rows"], part):
        index.add(draw(part))
    queries = draw(sizes["queries"])
    return lambda: index.search(queries, sizes["count"])


ROWS = {"scan": scan}
