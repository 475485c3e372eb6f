"""A random stream that is sent to another process goes on there where it was."""

import pickle

import torch

from zoo.stages.context import RunContext


def test_a_stream_goes_on_where_it_was_and_knows_its_seed():
    stream = RunContext(3).generator("negatives")
    torch.rand(5, generator=stream)
    sent, both = pickle.loads(pickle.dumps((stream, stream))), torch.rand(7, generator=stream)
    assert sent[0] is sent[1]
    assert sent[0].initial_seed() == stream.initial_seed()
    assert torch.equal(torch.rand(7, generator=sent[0]), both)
