#pragma once
// Precompiled once for the folders that run models: torch/torch.h alone costs 15 seconds a file.
#include <torch/torch.h>
