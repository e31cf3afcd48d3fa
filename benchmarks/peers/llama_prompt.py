#!/usr/bin/python3
"""llama.cpp's prompt processing: tokens/s of prompts of random tokens, by ctypes. Prints one JSON object a row.

    llama_prompt.py MODEL.gguf --lib DIR [--prompt 512,2048] [--flash] [--quantize q8_0]

DIR is `bins/linux-x64` of npm's @node-llama-cpp/linux-x64 3.22.1 (`npm pack` and unpack). The structs below name the
fields that are set; what follows them is room, and the library's own defaults are checked to be where they should.
"""
import argparse
import ctypes as C
import glob
import json
import os
import statistics
import time

import numpy as np

I32, U32, F32, P = C.c_int32, C.c_uint32, C.c_float, C.c_void_p


class ModelParams(C.Structure):
    _fields_ = [("opaque", C.c_uint8 * 512)]


class ContextParams(C.Structure):
    _fields_ = [("n_ctx", U32), ("n_batch", U32), ("n_ubatch", U32), ("n_seq_max", U32), ("n_rs_seq", U32),
                ("n_outputs_max", U32), ("n_outputs_max_per_seq", U32), ("n_threads", I32), ("n_threads_batch", I32),
                ("ctx_type", I32), ("rope_scaling_type", I32), ("pooling_type", I32), ("attention_type", I32),
                ("flash_attn_type", I32), ("opaque", C.c_uint8 * 512)]


class QuantizeParams(C.Structure):
    _fields_ = [("nthread", I32), ("ftype", I32), ("opaque", C.c_uint8 * 512)]


class Batch(C.Structure):
    _fields_ = [("n_tokens", I32), ("token", C.POINTER(I32)), ("embd", P), ("pos", C.POINTER(I32)),
                ("n_seq_id", C.POINTER(I32)), ("seq_id", C.POINTER(C.POINTER(I32))), ("logits", C.POINTER(C.c_int8))]


def load(folder):
    libraries = [C.CDLL(glob.glob(os.path.join(folder, name))[0], mode=C.RTLD_GLOBAL)
                 for name in ("libggml-base*.so*", "libggml.*so*", "libllama.*so*")]
    libraries[1].ggml_backend_load_all_from_path(folder.encode())
    llama = libraries[2]
    for name, result, *arguments in (
            ("llama_model_default_params", ModelParams), ("llama_context_default_params", ContextParams),
            ("llama_model_quantize_default_params", QuantizeParams),
            ("llama_model_quantize", U32, C.c_char_p, C.c_char_p, C.POINTER(QuantizeParams)),
            ("llama_model_load_from_file", P, C.c_char_p, ModelParams),
            ("llama_init_from_model", P, P, ContextParams), ("llama_model_get_vocab", P, P),
            ("llama_vocab_n_tokens", I32, P), ("llama_batch_init", Batch, I32, I32, I32),
            ("llama_decode", I32, P, Batch), ("llama_synchronize", None, P), ("llama_get_memory", P, P),
            ("llama_memory_clear", None, P, C.c_bool)):
        function = getattr(llama, name)
        function.restype, function.argtypes = result, arguments
    llama.quiet = C.CFUNCTYPE(None, C.c_int, C.c_char_p, P)(lambda level, text, data: None)
    llama.llama_log_set(llama.quiet, None)
    llama.llama_backend_init()
    c = llama.llama_context_default_params()
    if (c.n_ctx, c.n_batch, c.n_ubatch, c.n_seq_max, c.pooling_type, c.flash_attn_type) != (512, 2048, 512, 1, -1, -1):
        raise SystemExit("this libllama has other structs than this script declares")
    return llama


def prompt_seconds(llama, context, batch, tokens):
    batch.n_tokens = len(tokens)
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, i, 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = i == len(tokens) - 1
    llama.llama_memory_clear(llama.llama_get_memory(context), True)
    start = time.perf_counter()
    if llama.llama_decode(context, batch) != 0:
        raise SystemExit("llama_decode failed")
    llama.llama_synchronize(context)
    return time.perf_counter() - start


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("model")
    a.add_argument("--lib", required=True)
    a.add_argument("--prompt", default="512,2048")
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--runs", type=int, default=5)
    a.add_argument("--flash", action="store_true")
    a.add_argument("--quantize", choices=["q8_0"], help="write MODEL.q8_0.gguf instead of measuring")
    o = a.parse_args()
    llama = load(o.lib)
    if o.quantize:
        q = llama.llama_model_quantize_default_params()
        q.nthread, q.ftype = o.threads, {"q8_0": 7}[o.quantize]
        out = o.model.removesuffix(".gguf") + f".{o.quantize}.gguf"
        raise SystemExit(llama.llama_model_quantize(o.model.encode(), out.encode(), C.byref(q)))
    model = llama.llama_model_load_from_file(o.model.encode(), llama.llama_model_default_params())
    lengths = [int(n) for n in o.prompt.split(",")]
    p = llama.llama_context_default_params()
    p.n_ctx, p.n_batch, p.n_ubatch = max(lengths) + 8, max(lengths), 512
    p.n_threads = p.n_threads_batch = o.threads
    p.flash_attn_type = int(o.flash)
    context = llama.llama_init_from_model(model, p)
    if not context:
        raise SystemExit(f"llama.cpp does not load {o.model}")
    batch = llama.llama_batch_init(max(lengths), 0, 1)
    vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    rng = np.random.Generator(np.random.PCG64(1))
    for n in lengths:
        seconds = [prompt_seconds(llama, context, batch, rng.integers(0, vocabulary, n).tolist())
                   for _ in range(o.runs + 1)][1:]
        rates = sorted(n / s for s in seconds)
        print(json.dumps({"what": f"prompt {n}", "model": os.path.basename(o.model), "flash": o.flash,
                          "tokens_per_s_median": round(statistics.median(rates), 1), "min": round(rates[0], 1),
                          "max": round(rates[-1], 1)}), flush=True)


if __name__ == "__main__":
    main()
