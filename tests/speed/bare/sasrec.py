"""SASRec in torch: batches of like length, padded to the longest, and AdamW."""

import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bare.sequences import hr_ndcg, load

POOL = 20
"""Batches whose sequences are sorted by length together."""


class Block(nn.Module):
    def __init__(self, dim, dropout):
        super().__init__()
        self.norm_1, self.norm_2, self.dropout = nn.LayerNorm(dim), nn.LayerNorm(dim), dropout
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        q, k, v = self.qkv(self.norm_1(x)).unsqueeze(1).chunk(3, -1)
        p = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p).squeeze(1)
        x = x + F.dropout(self.out(attended), p)
        return x + F.dropout(self.down(F.gelu(self.up(self.norm_2(x)))), p)


class Network(nn.Module):
    def __init__(self, n, length, blocks, dim, dropout):
        super().__init__()
        self.item, self.position = nn.Embedding(n + 1, dim, padding_idx=0), nn.Embedding(length, dim)
        self.blocks = nn.ModuleList(Block(dim, dropout) for _ in range(blocks))
        self.norm, self.dropout, self.scale = nn.LayerNorm(dim), dropout, dim**0.5
        for table in (self.item, self.position):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, x):
        # The scale is that of the paper; without it, training takes ten times the epochs.
        hidden = self.item(x) * self.scale + self.position.weight[: x.shape[1]]
        hidden = F.dropout(hidden, self.dropout, self.training)
        for block in self.blocks:
            hidden = block(hidden)
        return self.norm(hidden)


def padded(sequences, length):
    """Return inputs and targets `[S, L]`, padded with 0 at the end."""
    inputs = torch.zeros(len(sequences), length, dtype=torch.long)
    targets = torch.zeros_like(inputs)
    for i, s in enumerate(sequences):
        inputs[i, : len(s) - 1], targets[i, : len(s) - 1] = torch.from_numpy(s[:-1]), torch.from_numpy(s[1:])
    return inputs, targets


def batches(lengths, batch, epoch):
    """Return the rows of each batch: sorted by length within a pool, and shuffled."""
    random, wide = np.random.RandomState(epoch), POOL * batch
    order = random.permutation(len(lengths))
    pools = (order[i : i + wide] for i in range(0, len(order), wide))
    order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    found = [order[i : i + batch] for i in range(0, len(order), batch)]
    random.shuffle(found)
    return found


def loss_of(hidden, targets, table, n, name):
    """Return the softmax over all items, or over 256 negatives that the batch shares."""
    if name == "softmax":
        return F.cross_entropy(hidden @ table.weight.T, targets)
    negatives = torch.randint(1, n + 1, (256,))
    positive = (hidden * table(targets)).sum(-1, keepdim=True)
    other = (hidden @ table(negatives).T).masked_fill(negatives == targets[:, None], -1e9)
    return F.cross_entropy(torch.cat([positive, other], 1), torch.zeros(len(targets), dtype=torch.long))


def quality(network, sequences, length, cut, block=256):
    """Return HR@10 and NDCG@10 of the event at `-cut` (2: validation, 1: test), given those before it."""
    network.eval()
    table, top = network.item.weight.detach(), []
    with torch.inference_mode():
        for i in range(0, len(sequences), block):
            part = [s[:-cut] for s in sequences[i : i + block]]
            histories = [s[-length:] for s in part]
            x = torch.zeros(len(part), max(map(len, histories)), dtype=torch.long)
            for j, s in enumerate(histories):
                x[j, : len(s)] = torch.from_numpy(s)
            last = torch.tensor([len(s) - 1 for s in histories])
            scores = network(x)[torch.arange(len(part)), last] @ table.T
            scores[:, 0] = -torch.inf
            for j, s in enumerate(part):
                scores[j, torch.from_numpy(s)] = -torch.inf
            top.append(scores.topk(10).indices)
    return hr_ndcg(torch.cat(top).numpy(), np.array([s[-cut] for s in sequences]))


def sasrec(folder, length, loss, epochs, blocks=1, dim=64, dropout=0.2, batch=128):
    """Return the median seconds of an epoch, the test quality, and every fifth epoch's seconds so far and validation quality.

    The last event but one belongs to validation, which is not in the seconds.
    """
    torch.manual_seed(0)
    sequences, n = load(folder)
    network = Network(n, length, blocks, dim, dropout)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.0)
    train = [s for s in (s[:-2][-(length + 1) :] for s in sequences) if len(s) > 1]
    lengths = np.array([len(s) - 1 for s in train])
    inputs, targets = padded(train, length)
    seconds, validated = [], []
    for epoch in range(epochs):
        order = batches(lengths, batch, epoch)
        network.train()
        start = time.perf_counter()
        for rows in order:
            wide = int(lengths[rows].max())
            x, y = inputs[rows, :wide], targets[rows, :wide]
            real = y > 0
            value = loss_of(network(x)[real], y[real], network.item, n, loss)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
        if (epoch + 1) % 5 == 0:
            validated.append([round(sum(seconds), 1), *quality(network, sequences, length, 2)])
    settings = {"loss": loss, "blocks": blocks, "dim": dim, "dropout": dropout, "batch": batch, "epochs": epochs}
    epoch_s = statistics.median(seconds)
    figures = {"epoch_s": round(epoch_s, 2), "rows_per_s": round(len(train) / epoch_s)}
    return {
        "what": "sasrec",
        **settings,
        **figures,
        "hr_ndcg": quality(network, sequences, length, 1),
        "valid": validated,
    }
