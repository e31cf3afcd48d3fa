#pragma once

#include <string_view>
#include <vector>

#include "arch/topology.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// For a layer that looks its experts up by token: throws UserError naming the layer where its table names an
/// expert that goes, or one whose number would change. `where` opens the message.
void expect_unnamed(const Checkpoint& checkpoint, const MoeLayerTensors& layer, const std::vector<int>& keep,
                    std::string_view where);

}  // namespace espalier
