"""Building blocks of models: item vectors, layers, top K, list utilities and losses.

The path of each submodule is public too, such as `zoo.nn.layers.dropout`.
"""

from zoo.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "ItemTable": "zoo.nn.items",
        "Layers": "zoo.nn.scorers",
        "Negatives": "zoo.nn.negatives",
        "SetAttention": "zoo.nn.scorers",
        "TopK": "zoo.nn.topk",
        "TransformerBlock": "zoo.nn.layers",
        "approx_ndcg": "zoo.nn.losses.listwise.approx_ndcg",
        "attention": "zoo.nn.layers",
        "bce": "zoo.nn.losses.bce",
        "bpr": "zoo.nn.losses.bpr",
        "bpr_max": "zoo.nn.losses.bpr_max",
        "cosines": "zoo.nn.similarity",
        "csr_tensor": "zoo.nn.sparse",
        "discounts": "zoo.nn.lists",
        "dropout": "zoo.nn.layers",
        "gains": "zoo.nn.lists",
        "gbce": "zoo.nn.losses.gbce",
        "ideal_dcg": "zoo.nn.lists",
        "lambdarank": "zoo.nn.losses.listwise.lambdarank",
        "list_ndcg": "zoo.nn.lists",
        "list_softmax": "zoo.nn.losses.listwise.softmax",
        "listnet": "zoo.nn.losses.listwise.listnet",
        "neural_ndcg": "zoo.nn.losses.listwise.neural_ndcg",
        "sampled_softmax": "zoo.nn.losses.sampled_softmax",
        "softmax": "zoo.nn.losses.softmax",
        "top_k": "zoo.nn.topk",
    },
)
