#!/usr/bin/python3
"""The other side of the training-step benchmark: the same encoder, as fast as PyTorch 1.13 runs it on a CPU.

A BERT-shaped post-norm encoder with masked language modelling: fused q/k/v projection, torch's own softmax, exact GELU
and layer norm, token-choice top-1 mixture-of-experts layers (tokens grouped per expert with index_select), balance
loss, tied vocabulary head, gradient clipping and AdamW. One training step is timed, data already in memory. Prints one
JSON object. run_pytorch.sh chooses the BLAS and the environment; see ../README.md.
"""
import argparse
import contextlib
import json
import os
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


def byte_mask(count, probability, like):
    """Keep-mask as 0 or 1/(1-p), from 8 random bits an element: one 64-bit draw serves 8 elements."""
    threshold = round(probability * 256)
    bits = torch.empty((count + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    keep = bits.view(torch.uint8)[:count].view(like.shape) >= threshold
    return keep.to(like.dtype).mul_(256.0 / (256.0 - threshold))


class Dropout(nn.Module):
    def __init__(self, probability, way):
        super().__init__()
        self.probability, self.way = probability, way

    def forward(self, x):
        if self.probability == 0:
            return x
        if self.way == "torch":
            return F.dropout(x, self.probability, True)
        return x * byte_mask(x.numel(), self.probability, x)


class Attention(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.heads = o.heads
        self.qkv = nn.Linear(o.width, 3 * o.width)
        self.out = nn.Linear(o.width, o.width)
        self.dropout = Dropout(o.dropout, o.dropout_way)

    def forward(self, x, batch):  # x [N, D]
        n, d = x.shape
        t, dh = n // batch, d // self.heads
        q, k, v = self.qkv(x).view(batch, t, 3, self.heads, dh).permute(2, 0, 3, 1, 4).reshape(3, -1, t, dh).unbind(0)
        scores = torch.bmm(q * dh**-0.5, k.transpose(1, 2))  # [B*H, T, T]
        weights = self.dropout(torch.softmax(scores, -1))
        context = torch.bmm(weights, v).view(batch, self.heads, t, dh).transpose(1, 2).reshape(n, d)
        return self.out(context)


class FeedForward(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.up = nn.Linear(o.width, o.ffn)
        self.down = nn.Linear(o.ffn, o.width)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class MixtureOfExperts(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.router = nn.Linear(o.width, o.experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(o) for _ in range(o.experts))
        self.balance = None

    def forward(self, x):
        probabilities = torch.softmax(self.router(x), -1)  # [N, E]
        gate, choice = probabilities.max(-1)
        order = torch.argsort(choice)
        counts = torch.bincount(choice, minlength=len(self.experts))
        self.balance = len(self.experts) * (counts / x.shape[0] * probabilities.mean(0)).sum()
        groups = x.index_select(0, order).split(counts.tolist())
        outputs = torch.cat([expert(group) for expert, group in zip(self.experts, groups) if len(group)])
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order))
        return outputs.index_select(0, back) * gate.unsqueeze(-1)


class Block(nn.Module):
    def __init__(self, o, sparse):
        super().__init__()
        self.attention = Attention(o)
        self.attention_norm = nn.LayerNorm(o.width, 1e-12)
        self.ffn = MixtureOfExperts(o) if sparse else FeedForward(o)
        self.ffn_norm = nn.LayerNorm(o.width, 1e-12)
        self.dropout = Dropout(o.dropout, o.dropout_way)

    def forward(self, x, batch):
        x = self.attention_norm(x + self.dropout(self.attention(x, batch)))
        return self.ffn_norm(x + self.dropout(self.ffn(x)))


class Encoder(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.o = o
        self.words = nn.Embedding(o.vocab, o.width)
        self.positions = nn.Embedding(o.seq_len, o.width)
        self.kinds = nn.Embedding(2, o.width)
        self.norm = nn.LayerNorm(o.width, 1e-12)
        self.dropout = Dropout(o.dropout, o.dropout_way)
        self.blocks = nn.ModuleList(Block(o, i in o.moe_layers) for i in range(o.layers))
        self.transform = nn.Linear(o.width, o.width)
        self.transform_norm = nn.LayerNorm(o.width, 1e-12)
        self.head_bias = nn.Parameter(torch.zeros(o.vocab))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, 0, 0.02)

    def forward(self, tokens, labels):  # both [B, T]; label -100: no loss at this position
        batch, t = tokens.shape
        x = self.words(tokens) + (self.positions.weight[:t] + self.kinds.weight[0])
        x = self.dropout(self.norm(x)).view(batch * t, -1)
        for block in self.blocks:
            x = block(x, batch)
        labels = labels.view(-1)
        if self.o.head == "masked":
            picked = (labels >= 0).nonzero().squeeze(1)
            x, labels = x.index_select(0, picked), labels.index_select(0, picked)
        x = self.transform_norm(F.gelu(self.transform(x)))
        loss = F.cross_entropy(F.linear(x, self.words.weight, self.head_bias), labels, ignore_index=-100)
        balance = [b.ffn.balance for b in self.blocks if isinstance(b.ffn, MixtureOfExperts)]
        return loss + 0.01 * sum(balance) if balance else loss


class FlatAdamW:
    """torch.optim.AdamW over one flat parameter: the model's parameters and gradients are views of it."""

    def __init__(self, parameters, **options):
        parameters = list(parameters)
        flat = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.flat = nn.Parameter(flat)
        self.flat.grad = torch.zeros_like(flat)
        at = 0
        for p in parameters:
            p.data = self.flat.data[at : at + p.numel()].view(p.shape)
            p.grad = self.flat.grad[at : at + p.numel()].view(p.shape)
            at += p.numel()
        self.adamw = torch.optim.AdamW([self.flat], foreach=False, **options)

    def zero_grad(self):
        self.flat.grad.zero_()

    def clip_and_step(self, limit):
        norm = self.flat.grad.norm()
        self.flat.grad.mul_(torch.clamp(limit / (norm + 1e-6), max=1.0))
        self.adamw.step()


class ListAdamW:
    def __init__(self, parameters, foreach, **options):
        self.parameters = list(parameters)
        self.adamw = torch.optim.AdamW(self.parameters, foreach=foreach, **options)

    def zero_grad(self):
        self.adamw.zero_grad(set_to_none=True)

    def clip_and_step(self, limit):
        nn.utils.clip_grad_norm_(self.parameters, limit)
        self.adamw.step()


def batches(o, count=8):
    for _ in range(count):
        tokens = torch.randint(0, o.vocab, (o.batch, o.seq_len))
        labels = torch.where(torch.rand(tokens.shape) < 0.15, tokens, torch.full_like(tokens, -100))
        yield tokens, labels


def read_options():
    p = argparse.ArgumentParser(description=__doc__)
    for name, value in dict(layers=6, width=256, heads=8, ffn=1024, vocab=8192, experts=8, batch=32, seq_len=128, threads=os.cpu_count(),
                            steps=12, warmup=3, seed=1).items():
        p.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    p.add_argument("--moe-layers", default="1,3", help="0-based block numbers, comma-separated; empty: the dense model")
    p.add_argument("--head", choices=["all", "masked"], default="masked")
    p.add_argument("--dropout", type=float, default=0.1)
    p.add_argument("--dropout-way", choices=["torch", "bytes"], default="bytes",
                   help="torch: F.dropout; bytes: 8 random bits an element (p rounded to 1/256), the fastest found")
    p.add_argument("--optimizer", choices=["flat", "foreach", "loop"], default="flat")
    p.add_argument("--denormals", choices=["keep", "flush"], default="flush")
    p.add_argument("--profile", action="store_true", help="print a breakdown of one step by operator instead of JSON")
    o = p.parse_args()
    o.moe_layers = [int(i) for i in o.moe_layers.split(",") if i]
    return o


def build_step(o):
    model = Encoder(o)
    settings = dict(lr=1e-4, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01)
    optimizer = (FlatAdamW(model.parameters(), **settings) if o.optimizer == "flat"
                 else ListAdamW(model.parameters(), o.optimizer == "foreach", **settings))

    def step(batch):
        optimizer.zero_grad()
        loss = model(*batch)
        loss.backward()
        optimizer.clip_and_step(1.0)
        return loss.item()

    return model, step


def profile(step, batch):
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as recorded:
        for _ in range(2):
            step(batch)
    print(recorded.key_averages().table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=45))


def main():
    o = read_options()
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    torch.set_flush_denormal(o.denormals == "flush")
    data = list(batches(o))
    model, step = build_step(o)
    for i in range(o.warmup):
        step(data[i % len(data)])
    if o.profile:
        return profile(step, data[0])
    speeds, cpu_speeds, loss = [], [], 0.0
    for i in range(o.steps):
        start, cpu_start = time.perf_counter(), time.process_time()
        loss = step(data[i % len(data)])
        cpu_speeds.append(o.batch * o.seq_len / (time.process_time() - cpu_start))
        speeds.append(o.batch * o.seq_len / (time.perf_counter() - start))
    blas = set()
    with contextlib.suppress(OSError), open("/proc/self/maps") as maps:
        blas = {line.split()[-1] for line in maps if "blas" in line.split()[-1]}
    print(json.dumps({
        "tokens_per_second": {"median": round(statistics.median(speeds), 1), "min": round(min(speeds), 1), "max": round(max(speeds), 1)},
        "tokens_per_processor_second": round(statistics.median(cpu_speeds), 1),
        "steps": o.steps, "loss": round(loss, 4), "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__, "blas": sorted(blas), "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", ""),
        "options": vars(o)}))


if __name__ == "__main__":
    main()
