#!/usr/bin/env python3
"""A training step of a vision model with experts in PyTorch: images per second, as JSON.

    benchmarks/peers/run_pytorch.sh sets the environment of PyTorch at its best; the same for this one:
    LD_PRELOAD=.../openblas-openmp/libopenblas.so.0 OPENBLAS_CORETYPE=SkylakeX \
        /usr/bin/python3 benchmarks/vision/pytorch_vmoe.py models/recipe/mini-vmoe.json --batch 128 --threads 2

The other side is `espalier pretrain models/recipe/mini-vmoe.json --images DIR --image-batch 128 --steps 50 --log-every 10`, whose
tokens_per_second divided by 1 + (image_size / patch_size)^2 are images per second, decoding and augmentation included (here there is none).
Token choice sorts the tokens by expert, so that each expert's rows are one product; AdamW is fused over all parameters (foreach).
"""

import argparse
import json
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Experts(nn.Module):
    def __init__(self, config):
        super().__init__()
        E, D, H = config["num_experts"], config["hidden_size"], config["intermediate_size"]
        self.k, self.factor, self.kind = config["num_experts_per_tok"], config["capacity_factor"], config["router"]
        self.router = nn.Parameter(torch.randn(E, D) * 0.02)
        self.up, self.up_bias = nn.Parameter(torch.randn(E, H, D) * 0.02), nn.Parameter(torch.zeros(E, H))
        self.down, self.down_bias = nn.Parameter(torch.randn(E, D, H) * 0.02), nn.Parameter(torch.zeros(E, D))

    def forward(self, x, tokens_of_an_image):
        N, E = x.shape[0], self.router.shape[0]
        logits = F.linear(x, self.router)
        if self.training and self.kind == "token_choice":
            logits = logits + torch.randn_like(logits) / E
        p = torch.softmax(logits, -1)
        y = torch.zeros_like(x)
        if self.kind == "expert_choice":
            capacity = math.ceil(tokens_of_an_image * self.k * self.factor / E)
            best = p.view(-1, tokens_of_an_image, E).topk(capacity, 1).indices  # [B, C, E]
            first = (torch.arange(best.shape[0]) * tokens_of_an_image).view(-1, 1, 1)
            rows = (best + first).permute(2, 0, 1).reshape(E, -1)
            gates = torch.stack([p[rows[e], e] for e in range(E)])
            h = F.gelu(torch.baddbmm(self.up_bias.unsqueeze(1), x[rows], self.up.transpose(1, 2)))
            out = torch.baddbmm(self.down_bias.unsqueeze(1), h, self.down.transpose(1, 2)) * gates.unsqueeze(-1)
            return y.index_add(0, rows.reshape(-1), out.reshape(-1, x.shape[1])), p
        gates, chosen = p.topk(self.k, 1)
        capacity = math.ceil(N * self.k * self.factor / E)
        flat, order = chosen.t().reshape(-1).sort(stable=True)  # first choices before second ones
        counts = torch.bincount(flat, minlength=E).tolist()
        begin = 0
        gates = gates.t().reshape(-1)
        for e, count in enumerate(counts):
            pairs = order[begin:begin + min(count, capacity)]
            begin += count
            rows = pairs % N
            h = F.gelu(F.linear(x[rows], self.up[e], self.up_bias[e]))
            y = y.index_add(0, rows, F.linear(h, self.down[e], self.down_bias[e]) * gates[pairs].unsqueeze(1))
        return y, p


class Block(nn.Module):
    def __init__(self, config, moe):
        super().__init__()
        D, H = config["hidden_size"], config["intermediate_size"]
        self.heads = config["num_attention_heads"]
        self.norm1, self.norm2 = nn.LayerNorm(D, eps=1e-6), nn.LayerNorm(D, eps=1e-6)
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.ffn = Experts(config) if moe else nn.Sequential(nn.Linear(D, H), nn.GELU(), nn.Linear(H, D))

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(D // self.heads), -1) @ v
        x = x + self.out(a.transpose(1, 2).reshape(B, T, D))
        if isinstance(self.ffn, Experts):
            y, p = self.ffn(self.norm2(x).view(B * T, D), T)
            importance = p.sum(0)
            return x + y.view(B, T, D), importance.var(unbiased=False) / importance.mean() ** 2
        return x + self.ffn(self.norm2(x)), 0.0


class Vmoe(nn.Module):
    def __init__(self, config, classes=10):
        super().__init__()
        D, self.patch = config["hidden_size"], config["patch_size"]
        self.embed = nn.Linear(3 * self.patch**2, D)
        self.cls = nn.Parameter(torch.zeros(1, 1, D))
        self.position = nn.Parameter(torch.randn(1 + (config["image_size"] // self.patch) ** 2, D) * 0.02)
        self.blocks = nn.ModuleList(Block(config, i in config["moe_layers"]) for i in range(config["num_hidden_layers"]))
        self.norm, self.head = nn.LayerNorm(D, eps=1e-6), nn.Linear(D, classes)

    def forward(self, images):
        B, S, P = images.shape[0], images.shape[1], self.patch
        patches = images.view(B, S // P, P, S // P, P, 3).permute(0, 1, 3, 2, 4, 5).reshape(B, -1, 3 * P * P)
        x = torch.cat([self.cls.expand(B, -1, -1), self.embed(patches)], 1) + self.position
        loss = 0.0
        for block in self.blocks:
            x, more = block(x)
            loss = loss + more
        return self.head(self.norm(x[:, 0])), loss


def rate(action, batch, runs):
    seconds = []
    for _ in range(3):
        action()
    for _ in range(runs):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return {"median": batch / statistics.median(seconds), "best": batch / min(seconds)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--router", choices=["token_choice", "expert_choice"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    config = json.load(open(options.config))
    config["router"] = options.router or config.get("router", "token_choice")
    torch.manual_seed(0)
    model = Vmoe(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, foreach=True)
    S = config["image_size"]
    images, labels = torch.rand(options.batch, S, S, 3) * 2 - 1, torch.randint(0, 10, (options.batch,))

    def step():
        scores, more = model(images)
        (F.cross_entropy(scores, labels) + 0.005 * more).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    training = rate(step, options.batch, options.runs)
    model.eval()
    with torch.no_grad():
        inference = rate(lambda: model(images), options.batch, options.runs)
    print(json.dumps({"router": config["router"], "batch": options.batch, "threads": options.threads, "torch": torch.__version__,
                      "training_images_per_second": training, "inference_images_per_second": inference}))


if __name__ == "__main__":
    main()
