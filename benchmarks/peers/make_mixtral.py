#!/usr/bin/python3
"""Writes a random Mixtral-shaped model twice, as a Hugging Face folder and as a GGUF file, float32, one tensor at a time.

    make_mixtral.py OUT [--layers 8] [--width 1024] [--ffn 2816] [--heads 16] [--kv-heads 4] [--experts 8] ...

OUT/config.json, OUT/model.safetensors, and OUT.gguf for llama.cpp (no tokenizer in it; --no-gguf leaves it out).
"""
import argparse
import json
import os
import struct

import numpy as np


def tensors(o):
    """(Hugging Face name, GGUF name, shape, expert or None) in the order of both files."""
    d, f, h = o.width, o.ffn, o.width // o.heads
    yield "model.embed_tokens.weight", "token_embd.weight", (o.vocabulary, d)
    for i in range(o.layers):
        p, q = f"model.layers.{i}.", f"blk.{i}."
        yield p + "input_layernorm.weight", q + "attn_norm.weight", (d,)
        yield p + "self_attn.q_proj.weight", q + "attn_q.weight", (d, d)
        yield p + "self_attn.k_proj.weight", q + "attn_k.weight", (o.kv_heads * h, d)
        yield p + "self_attn.v_proj.weight", q + "attn_v.weight", (o.kv_heads * h, d)
        yield p + "self_attn.o_proj.weight", q + "attn_output.weight", (d, d)
        yield p + "post_attention_layernorm.weight", q + "ffn_norm.weight", (d,)
        yield p + "block_sparse_moe.gate.weight", q + "ffn_gate_inp.weight", (o.experts, d)
        for name, part, shape in (("w1", "gate", (f, d)), ("w3", "up", (f, d)), ("w2", "down", (d, f))):
            yield p + "block_sparse_moe.experts.{}." + name + ".weight", q + f"ffn_{part}_exps.weight", (o.experts, *shape)
    yield "model.norm.weight", "output_norm.weight", (d,)
    yield "lm_head.weight", "output.weight", (o.vocabulary, d)


def values(index, shape):
    rng = np.random.Generator(np.random.PCG64([7, index]))
    if len(shape) == 1:
        return np.ones(shape, "<f4")
    return rng.standard_normal(shape, dtype="<f4") / np.float32(np.sqrt(shape[-1]))


def write_safetensors(path, specs):
    header, at = {}, 0
    for name, _, shape in specs:
        for e in range(shape[0]) if "{}" in name else [None]:
            part = shape if e is None else shape[1:]
            size = int(np.prod(part)) * 4
            header[name if e is None else name.format(e)] = {"dtype": "F32", "shape": list(part),
                                                             "data_offsets": [at, at + size]}
            at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for index, (_, _, shape) in enumerate(specs):
            file.write(values(index, shape).tobytes())


def permuted(name, array, o):
    """llama.cpp turns neighbouring elements of a head; Hugging Face turns halves."""
    heads = {"attn_q.weight": o.heads, "attn_k.weight": o.kv_heads}.get(name.split(".", 2)[-1])
    if heads is None:
        return array
    return array.reshape(heads, 2, array.shape[0] // heads // 2, array.shape[1]).swapaxes(1, 2).reshape(array.shape)


def write_gguf(path, specs, o):
    def text(s):
        return struct.pack("<Q", len(s.encode())) + s.encode()

    def field(key, value):
        if isinstance(value, str):
            return text(key) + struct.pack("<I", 8) + text(value)
        return text(key) + struct.pack("<I", 6 if isinstance(value, float) else 4) + struct.pack(
            "<f" if isinstance(value, float) else "<I", value)

    fields = {"general.architecture": "llama", "general.name": "random", "general.alignment": 32,
              "llama.block_count": o.layers, "llama.context_length": 4096, "llama.embedding_length": o.width,
              "llama.feed_forward_length": o.ffn, "llama.attention.head_count": o.heads,
              "llama.attention.head_count_kv": o.kv_heads, "llama.attention.layer_norm_rms_epsilon": 1e-5,
              "llama.rope.freq_base": 1e6, "llama.rope.dimension_count": o.width // o.heads,
              "llama.vocab_size": o.vocabulary, "llama.expert_count": o.experts,
              "llama.expert_used_count": o.experts_per_token, "tokenizer.ggml.model": "no_vocab"}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(specs), len(fields)) + b"".join(field(*f) for f in fields.items())
    at = 0
    for _, name, shape in specs:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), 0, at)
        at += -(-int(np.prod(shape)) * 4 // 32) * 32
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        for index, (_, name, shape) in enumerate(specs):
            data = permuted(name, values(index, shape), o).tobytes()
            file.write(data + b"\0" * (-len(data) % 32))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("out")
    for name, value in (("layers", 8), ("width", 1024), ("ffn", 2816), ("heads", 16), ("kv-heads", 4), ("experts", 8),
                        ("experts-per-token", 2), ("vocabulary", 32000)):
        a.add_argument("--" + name, type=int, default=value)
    a.add_argument("--no-gguf", action="store_true")
    o = a.parse_args()
    os.makedirs(o.out, exist_ok=True)
    specs = list(tensors(o))
    with open(os.path.join(o.out, "config.json"), "w") as file:
        json.dump({"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_act": "silu",
                   "hidden_size": o.width, "intermediate_size": o.ffn, "num_hidden_layers": o.layers,
                   "num_attention_heads": o.heads, "num_key_value_heads": o.kv_heads, "num_local_experts": o.experts,
                   "num_experts_per_tok": o.experts_per_token, "vocab_size": o.vocabulary, "rms_norm_eps": 1e-5,
                   "rope_theta": 1e6, "max_position_embeddings": 4096, "tie_word_embeddings": False}, file, indent=2)
    write_safetensors(os.path.join(o.out, "model.safetensors"), specs)
    if not o.no_gguf:
        write_gguf(o.out.rstrip("/") + ".gguf", specs, o)


if __name__ == "__main__":
    main()
