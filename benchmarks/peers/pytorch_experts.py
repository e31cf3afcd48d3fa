#!/usr/bin/python3
"""The other side of decoder/experts_speed.cpp: how observers of experts commonly work, in PyTorch.

Every expert runs on every token; the outputs stand in one [E, N, D] tensor, from which norms, gate-weighted norms and
mean outputs are taken over the routed tokens, and the layer's output by the gates. Prints one JSON object.
"""
import argparse
import json
import resource
import statistics
import time

import torch
import torch.nn.functional as F


def observe(x, router, gate, up, down, k):
    e, n = router.shape[0], x.shape[0]
    logits = x @ router.T
    p = torch.softmax(logits, -1)
    g, chosen = p.topk(k, -1)
    g = g / g.sum(-1, keepdim=True)
    gates = torch.zeros(n, e).scatter_(1, chosen, g)  # [N, E]
    outputs = torch.empty(e, n, x.shape[1])  # [E, N, D]
    for i in range(e):
        torch.matmul(F.silu(x @ gate[i].T) * (x @ up[i].T), down[i].T, out=outputs[i])
    routed = (gates > 0).T  # [E, N]
    norms = outputs.norm(dim=-1) * routed
    statistics_of = (routed.sum(1), gates.sum(0), norms.sum(1), norms.amax(1), (norms * gates.T).sum(1),
                     torch.einsum("en,end->ed", routed.float(), outputs), logits.sum(0), (logits**2).sum(0),
                     routed.float() @ routed.float().T, -(p * p.clamp_min(1e-30).log()).sum())
    return torch.einsum("ne,end->nd", gates, outputs), statistics_of


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("tokens", 2048), ("width", 1024), ("ffn", 512), ("experts", 8), ("experts-per-token", 2),
                        ("runs", 5), ("threads", 2)):
        a.add_argument("--" + name, type=int, default=value)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    x = torch.randn(o.tokens, o.width)
    router = torch.randn(o.experts, o.width) * 0.05
    gate, up = (torch.randn(o.experts, o.ffn, o.width) * 0.03 for _ in range(2))
    down = torch.randn(o.experts, o.width, o.ffn) * 0.03
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds = []
    for run in range(-1, o.runs):
        start = time.perf_counter()
        observe(x, router, gate, up, down, o.experts_per_token)
        if run >= 0:
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"torch": torch.__version__, "experts": o.experts, "experts_per_token": o.experts_per_token,
                      "tokens": o.tokens, "width": o.width, "ffn": o.ffn,
                      "seconds_median": round(statistics.median(seconds), 4), "min": round(min(seconds), 4),
                      "max": round(max(seconds), 4), "bytes_over_weights": peak - before}))


if __name__ == "__main__":
    main()
