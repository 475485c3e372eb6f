"""AdamW with row-wise updates for sparse gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class RowwiseAdamW(torch.optim.AdamW):
    """AdamW (Loshchilov and Hutter, ICLR 2019) with lazy updates for sparse gradients: `SparseAdam` with weight decay.

    A dense step reads and writes all rows of a table and its two moments, even if the batch uses few of them. Here rows
    without a gradient stay unchanged, including their moments, which therefore do not decay between the batches that use
    the row. Parameters with dense gradients use torch's own step.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Perform an optimisation step and return the result of `closure`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and parameter.grad.is_sparse:
                    self._step_rows(parameter, parameter.grad.coalesce(), group)
                    parameter.grad = None
        super().step()
        return loss

    def _step_rows(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Update the rows of a coalesced sparse gradient."""
        state, (beta1, beta2) = self.state[parameter], group["betas"]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        rows, values = grad.indices()[0], grad.values()
        mean = state["exp_avg"][rows].lerp_(values, 1 - beta1)
        square = state["exp_avg_sq"][rows].mul_(beta2).addcmul_(values, values, value=1 - beta2)
        state["exp_avg"][rows], state["exp_avg_sq"][rows] = mean, square
        spread = (square / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
        change = mean.div_(spread).mul_(group["lr"] / (1 - beta1 ** state["step"]))
        parameter[rows] = parameter[rows].mul_(1 - group["lr"] * group["weight_decay"]).sub_(change)
