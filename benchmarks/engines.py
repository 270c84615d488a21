"""`python -m benchmarks.engines`: seconds of a score gradient of one 64x64 image on each engine, the best of three."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core; read when NumPy is imported

import time

import numpy as np

from pixelgrad.classifiers import PretrainedCNN


def main():
    model = PretrainedCNN()
    X = np.random.default_rng(0).uniform(-110, 130, (1, 3, *model.input_size)).astype(np.float32)
    dscores = np.eye(1, model.num_classes, dtype=np.float32)
    for engine in ("naive", "im2col", "fast"):
        network, seconds = model.with_engine(engine), []
        for _ in range(3):
            started = time.perf_counter()
            _, cache = network.forward(X)
            network.backward(dscores, cache)
            seconds.append(time.perf_counter() - started)
        print(f"{engine:8s} {min(seconds):.3f} s")


if __name__ == "__main__":
    main()
