"""Established libraries: matrix factorisation and neighbours of `implicit`, the sorting network of `diffsort`."""

import numpy as np
import scipy.sparse as sp
import torch

from bare.sequences import csr, hr_ndcg, load, median


def implicit(folder, model):
    """Return the seconds of a fit of ALS or KNN, the users a second of its lists, and their quality."""
    import implicit as library
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    make = {
        "ALS": lambda: library.als.AlternatingLeastSquares(
            factors=64, iterations=15, num_threads=threads, random_state=0
        ),
        "KNN": lambda: library.nearest_neighbours.CosineRecommender(K=100, num_threads=threads),
    }[model]
    sequences, n = load(folder)
    offsets, items = csr([s[:-1] for s in sequences])
    target = np.array([s[-1] for s in sequences])
    rows = np.repeat(np.arange(len(sequences)), np.diff(offsets))
    taken = sp.csr_matrix((np.ones(len(items), np.float32), (rows, items)), shape=(len(sequences), n + 1))
    taken.sum_duplicates()

    def fit():
        made = make()
        made.fit(taken, show_progress=False)
        return made

    with threadpool_limits(1, "blas"):
        seconds, fitted = median(fit, 3)
        rank, top = median(lambda: fitted.recommend(np.arange(len(sequences)), taken, N=10)[0], 3)
    figures = {"fit_s": round(seconds, 2), "users_per_s": round(len(sequences) / rank)}
    return {"what": "implicit", "model": model, **figures, "hr_ndcg": hr_ndcg(top, target)}


def diffsort(n, batch):
    """Return the milliseconds of a bitonic network with its matrix of permutations, forward and backward."""
    from diffsort import DiffSortNet

    network = DiffSortNet("bitonic", n, steepness=10, distribution="cauchy")

    def run():
        scores = torch.randn(batch, n, requires_grad=True)
        _, permutations = network(scores)
        (permutations[:, 0] * torch.arange(n)).sum().backward()

    seconds, _ = median(run, 3)
    return {"what": "diffsort", "n": n, "batch": batch, "ms": round(seconds * 1e3, 1)}
