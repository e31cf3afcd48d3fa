#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "arch/topology.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// For a layer that looks its experts up by token: throws UserError naming the layer where its table names an
/// expert that goes. `where` opens the message.
void expect_unnamed(const Checkpoint& checkpoint, const MoeLayerTensors& layer, const std::vector<int>& keep,
                    std::string_view where);

/// Numbers of experts in a part of such a table, I64 or I32, become those that they have afterwards:
/// number_of [E], of experts that go anything.
void renumber_experts(std::span<const std::int64_t> number_of, Dtype dtype, std::span<std::byte> numbers);

}  // namespace espalier
