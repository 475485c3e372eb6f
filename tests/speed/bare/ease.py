"""EASE in torch: Gram matrix and Cholesky inverse (Steck, WWW 2019)."""

import numpy as np
import torch

from bare.sequences import csr, hr_ndcg, load, median


def ease(folder, l2=500.0):
    """Return the seconds of a fit, and the quality of its lists."""
    sequences, n = load(folder)
    offsets, items = csr([np.unique(s[:-1]) for s in sequences])
    target = np.array([s[-1] for s in sequences])
    taken = torch.zeros(len(sequences), n + 1)
    taken[np.repeat(np.arange(len(sequences)), np.diff(offsets)), items] = 1

    def fit():
        gram = taken.T @ taken
        gram.diagonal().add_(l2)
        return torch.cholesky_inverse(torch.linalg.cholesky(gram))

    seconds, inverse = median(fit, 3)
    weights = -inverse / inverse.diagonal()
    weights.fill_diagonal_(0)
    scores = taken @ weights
    scores[taken > 0] = -torch.inf
    scores[:, 0] = -torch.inf
    quality = hr_ndcg(scores.topk(10).indices.numpy(), target)
    return {"what": "ease", "items": n, "l2": l2, "seconds": round(seconds, 3), "hr_ndcg": quality}
