#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "artifacts/observations.h"
#include "infer/decoder.h"

namespace espalier {

/// Observations without layers: what a file says of the model. `name`: the folder as the user named it.
Observations describe_model(const infer::DecoderModel& model, const std::string& name);

/// MoE layer to the bytes that leave the files with one of its experts, the router row included.
std::map<std::int64_t, std::uint64_t> expert_bytes_of(const infer::DecoderModel& model);

}  // namespace espalier
