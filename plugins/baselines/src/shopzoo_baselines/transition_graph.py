"""A graph of item-to-item transitions, which scores the successors of the last items of a history."""

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from shopzoo_baselines.params import TransitionGraphParams
from shopzoo_baselines.popular import over_popularity, popularity
from zoo.api import Contributions, Fitted, Interactions, Predictor, Queries, RunContext, State, TrainingData
from zoo.nn.sparse import checked_csr, csr_tensor, scipy_matrix


class TransitionGraph(Predictor[TransitionGraphParams]):
    """Counts how often item b came after item a, weighted by distance, and scores items by the last items of a query.

    `window = 1, history = 1` is the Markov chain MC of Ludewig and Jannach (2018); a larger window gives their sequential rules
    SR, in which a transition over x events counts 1 / x. What differs: counts are event weights, rows are normalised to
    probabilities, more than the last item may contribute, and items without a transition follow by popularity, with scores of
    0 and below. The events of a moment or basket have no order: transitions lead from each of them to each of the next one.
    """

    fitted = Fitted(graph="csr float32 [I, I]", backoff="float32 [I]")
    graph: Tensor
    """The transition probabilities, `[I, I]` in CSR layout."""
    backoff: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the transitions."""
        self.graph = csr_tensor(transitions(data.interactions, self.params.window))
        counts = popularity(data.interactions)
        self.backoff = torch.from_numpy(counts / max(counts.max(), np.finfo(float).tiny) - 1.0).float()

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return the probabilities of the transitions from each event to the items, times its weight, `[M, K]`.

        An item without a transition has the score of its popularity, which no event carries.
        """
        h = queries.histories
        later = h.moments_after
        weights = np.where(later < self.params.history, np.power(self.params.recency, later, dtype=np.float32), 0)
        wanted = items.numpy()[h.rows]
        sources = np.broadcast_to(h.items[:, None], wanted.shape)
        found = np.asarray(scipy_matrix(self.graph)[sources.ravel(), wanted.ravel()]).reshape(wanted.shape)
        values = torch.from_numpy(weights[:, None] * found).float()
        total = torch.zeros(items.shape).index_add_(0, torch.from_numpy(h.rows), values)
        return Contributions.of_sum(queries, values, torch.where(total > 0, 0.0, self.backoff[items]))

    def score(self, queries: Queries) -> Tensor:
        """Return the scores `[B, I]`."""
        return over_popularity(self.backoff, self._history_weights(queries) @ scipy_matrix(self.graph))

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return the probabilities of the transitions from each item, `[B, I]`; -inf where there is none."""
        found = torch.from_numpy(scipy_matrix(self.graph)[items.numpy()].toarray())
        return found.masked_fill(found <= 0, -torch.inf)

    def _history_weights(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weight of each item of the histories, `[B, I]`."""
        h = queries.histories
        later = h.moments_after
        last = later < self.params.history
        weights = np.power(self.params.recency, later[last], dtype=np.float32)
        return scipy.sparse.csr_matrix(
            (weights, (h.rows[last], h.items[last])), (len(queries), queries.log.n_items + 1)
        )

    def migrate(self, state: State) -> State:
        """Convert a state of an earlier version, with offsets, items and probabilities, to one with the graph as a CSR tensor."""
        if "graph" in state.tensors:
            return state
        offsets, items, probabilities, backoff = (
            state.tensors[name] for name in ("offsets", "items", "probabilities", "backoff")
        )
        graph = checked_csr(offsets, items, probabilities, (len(backoff), len(backoff)))
        return State({"graph": graph, "backoff": backoff}, state.values)


def transitions(log: Interactions, window: int) -> scipy.sparse.csr_matrix:
    """Return the transition probabilities between items, `[I, I]` float32; a row sums to 1, or is empty.

    A transition leads from each event of a moment to each event of one of the user's next `window` moments.
    """
    moments, weights = log.moments, log.weights
    first = np.flatnonzero(np.diff(moments, prepend=-1))
    users = log.users[first]
    shape = (len(first), log.n_items + 1)
    here = scipy.sparse.csr_matrix((np.ones(len(log), np.float32), (moments, log.items)), shape)
    there = scipy.sparse.csr_matrix((weights, (moments, log.items)), shape)
    graph = scipy.sparse.csr_matrix((log.n_items + 1,) * 2, dtype=np.float32)
    for step in range(1, min(window, len(first) - 1) + 1):
        same = np.flatnonzero(users[step:] == users[:-step])
        later = there[same + step]
        later.data /= np.float32(step)
        graph += here[same].T @ later
    graph.eliminate_zeros()  # events of weight 0 give no transition
    graph.data /= np.repeat(graph.sum(axis=1).A1, np.diff(graph.indptr))
    return graph
