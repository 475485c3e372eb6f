# For type checkers and editors: where each public name is defined. A test compares it with the table beside it.

from zoo.nn.items import ItemTable as ItemTable
from zoo.nn.layers import TransformerBlock as TransformerBlock
from zoo.nn.layers import attention as attention
from zoo.nn.layers import dropout as dropout
from zoo.nn.lists import discounts as discounts
from zoo.nn.lists import gains as gains
from zoo.nn.lists import ideal_dcg as ideal_dcg
from zoo.nn.lists import list_ndcg as list_ndcg
from zoo.nn.losses.bce import bce as bce
from zoo.nn.losses.bpr import bpr as bpr
from zoo.nn.losses.bpr_max import bpr_max as bpr_max
from zoo.nn.losses.gbce import gbce as gbce
from zoo.nn.losses.listwise.approx_ndcg import approx_ndcg as approx_ndcg
from zoo.nn.losses.listwise.lambdarank import lambdarank as lambdarank
from zoo.nn.losses.listwise.listnet import listnet as listnet
from zoo.nn.losses.listwise.neural_ndcg import neural_ndcg as neural_ndcg
from zoo.nn.losses.listwise.softmax import list_softmax as list_softmax
from zoo.nn.losses.sampled_softmax import sampled_softmax as sampled_softmax
from zoo.nn.losses.softmax import softmax as softmax
from zoo.nn.negatives import Negatives as Negatives
from zoo.nn.scorers import Layers as Layers
from zoo.nn.scorers import SetAttention as SetAttention
from zoo.nn.similarity import cosines as cosines
from zoo.nn.sparse import csr_tensor as csr_tensor
from zoo.nn.topk import TopK as TopK
from zoo.nn.topk import top_k as top_k
