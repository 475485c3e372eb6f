"""The layers against torch's own, and what may read what."""

import pytest
import torch
from torch import nn

from zoo.nn.layers import TransformerBlock, attention


def inputs(b=3, length=7, dim=12):
    return torch.randn(b, length, dim, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("causal", [True, False])
def test_a_block_is_torchs_own_encoder_layer_with_the_norm_first(causal):
    block = TransformerBlock(12, 3, 0.0, causal=causal)
    layer = nn.TransformerEncoderLayer(12, 3, 48, 0.0, "gelu", batch_first=True, norm_first=True)
    layer.load_state_dict({
        "self_attn.in_proj_weight": block.qkv.weight, "self_attn.in_proj_bias": block.qkv.bias,
        "self_attn.out_proj.weight": block.out.weight, "self_attn.out_proj.bias": block.out.bias,
        "linear1.weight": block.widen.weight, "linear1.bias": block.widen.bias,
        "linear2.weight": block.narrow.weight, "linear2.bias": block.narrow.bias,
        "norm1.weight": block.norm_attention.weight, "norm1.bias": block.norm_attention.bias,
        "norm2.weight": block.norm_forward.weight, "norm2.bias": block.norm_forward.bias,
    })  # fmt: skip
    x = inputs()
    mask = nn.Transformer.generate_square_subsequent_mask(7) if causal else None
    torch.testing.assert_close(block(x), layer(x, mask, is_causal=causal), rtol=1e-4, atol=1e-5)


def test_a_mask_hides_positions_where_attention_is_not_causal():
    block, x = TransformerBlock(12, 3, 0.0, causal=False), inputs()
    mask = torch.arange(7) < torch.tensor([[7], [4], [1]])
    changed = x.masked_fill(~mask[:, :, None], 9.0)
    one, two = block(x, mask[:, None, None]), block(changed, mask[:, None, None])
    assert torch.equal(one[mask], two[mask])


@pytest.mark.parametrize("drop", [0.0, 1e-9])
def test_a_mask_hides_positions_where_attention_is_causal_as_well(drop):
    q, k, v = (torch.randn(2, 1, 4, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    mask = torch.tensor([[True, False, True, True], [True, True, True, False]])[:, None, None]
    scores = (q @ k.mT / 8**0.5).masked_fill(~(mask & torch.ones(4, 4).tril().bool()), -torch.inf)
    torch.testing.assert_close(attention(q, k, v, mask, causal=True, drop=drop), scores.softmax(-1) @ v)


def test_dropout_acts_in_training_only():
    block, x = TransformerBlock(12, 3, 0.5, causal=True), inputs()
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
