"""An item-to-item graph of what followed what, in which the last items of a history vote."""

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from shopzoo_baselines.params import TransitionGraphParams
from shopzoo_baselines.popular import over_popularity, popularity
from zoo.api import Interactions, Predictor, Queries, RunContext, State, TrainingData
from zoo.nn.sparse import checked_csr, csr_tensor, scipy_matrix


class TransitionGraph(Predictor[TransitionGraphParams]):
    """Counts how often item b came after item a, near ones more, and lets the last items of a query vote.

    `window = 1, history = 1` is the Markov chain MC of Ludewig and Jannach (2018), a wider window their sequential rules SR (a
    step of x events counts 1 / x). What differs: counts are event weights, rows are normalised to probabilities, more
    than the last item may vote, and items that no vote reaches follow by popularity, at scores of 0 and below.
    """

    fitted = ("graph", "backoff")
    graph: Tensor
    """The transition probabilities, `[I, I]` in CSR layout."""
    backoff: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the transitions."""
        self.graph = csr_tensor(transitions(data.interactions, self.params.window))
        counts = popularity(data.interactions)
        self.backoff = torch.from_numpy(counts / max(counts.max(), np.finfo(float).tiny) - 1.0).float()

    def score(self, queries: Queries) -> Tensor:
        """Return the scores `[B, I]`."""
        return over_popularity(self.backoff, self._ballots(queries) @ scipy_matrix(self.graph))

    def _ballots(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weight of each vote, `[B, I]`."""
        h = queries.histories
        later = h.offsets[h.rows + 1] - 1 - np.arange(len(h.items))  # how many events came after
        last = later < self.params.history
        votes = np.power(self.params.recency, later[last], dtype=np.float32)
        return scipy.sparse.csr_matrix((votes, (h.rows[last], h.items[last])), (len(queries), queries.log.n_items + 1))

    def migrate(self, state: State) -> State:
        """Return a state whose graph was saved as offsets, items and probabilities as one with the graph."""
        if "graph" in state.tensors:
            return state
        offsets, items, probabilities, backoff = (
            state.tensors[name] for name in ("offsets", "items", "probabilities", "backoff")
        )
        graph = checked_csr(offsets, items, probabilities, (len(backoff), len(backoff)))
        return State({"graph": graph, "backoff": backoff}, state.values)


def transitions(log: Interactions, window: int) -> scipy.sparse.csr_matrix:
    """Return how likely each item follows each, `[I, I]` float32; a row sums to 1, or is empty."""
    users, weights = log.users, log.weights
    graph = scipy.sparse.csr_matrix((log.n_items + 1,) * 2, dtype=np.float32)
    for step in range(1, min(window, len(log) - 1) + 1):
        same = users[step:] == users[:-step]
        pairs = (log.items[:-step][same], log.items[step:][same])
        graph += scipy.sparse.csr_matrix((weights[step:][same] / np.float32(step), pairs), graph.shape)
    graph.eliminate_zeros()  # events of weight 0 lead nowhere
    graph.data /= np.repeat(graph.sum(axis=1).A1, np.diff(graph.indptr))
    return graph
