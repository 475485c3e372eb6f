"""Full-ranking evaluation of random factors in torch: seen items masked, HR@10 and NDCG@10."""

import numpy as np
import torch

from bare.sequences import csr, load, median


def evaluate(folder, block=128):
    """Return the users a second."""
    sequences, n = load(folder)
    offsets, items = csr([s[:-1] for s in sequences])
    target = torch.tensor([s[-1] for s in sequences])
    rows = torch.from_numpy(np.repeat(np.arange(len(sequences)), np.diff(offsets)))
    items = torch.from_numpy(items)
    generator = torch.Generator().manual_seed(0)
    users = torch.randn(len(sequences), 64, generator=generator)
    factors = torch.randn(n + 1, 64, generator=generator)
    discount = 1 / torch.log2(torch.arange(2, 12).float())

    def run():
        hits = gain = 0.0
        for i in range(0, len(sequences), block):
            j = min(i + block, len(sequences))
            a, b = offsets[i], offsets[j]
            scores = users[i:j] @ factors.T
            scores[:, 0] = -torch.inf
            scores[rows[a:b] - i, items[a:b]] = -torch.inf
            hit = scores.topk(10).indices == target[i:j, None]
            hits += float(hit.any(1).sum())
            gain += float((hit * discount).sum())
        return hits / len(sequences), gain / len(sequences)

    seconds, quality = median(run)
    figures = {"users": len(sequences), "items": n, "seconds": round(seconds, 4)}
    return {"what": "eval", **figures, "users_per_s": round(len(sequences) / seconds), "hr_ndcg": quality}
