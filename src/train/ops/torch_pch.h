#pragma once
// Precompiled once for the folders that run models. Tensors and autograd alone: torch/torch.h would double
// the cost of every file with modules, optimizers and data loaders that are not used here.
#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>
