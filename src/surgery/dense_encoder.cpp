#include "surgery/dense_encoder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "arch/family.h"
#include "base/error.h"

namespace espalier {

arch::DescribedModel describe_dense_encoder(const Checkpoint& model) {
  arch::DescribedModel of = arch::describe_to_run(model, arch::ModelKind::kEncoder);
  std::vector<std::string> layers;
  for (const std::int64_t layer : arch::moe_layers(of.spec))
    layers.push_back(fmt::format("layer {} has {} experts", layer,
                                 of.spec.blocks[static_cast<std::size_t>(layer)].experts()));
  if (!layers.empty())
    throw UserError(fmt::format("{}: {}; an ordinary BERT holds one FFN per layer and no router",
                                model.folder().string(), fmt::join(layers, ", ")),
                    "prune it to one expert per layer first, e.g. with espalier finetune --prune eager");
  of.spec.family = arch::family_named(of.spec.family).can.without_experts;
  return of;
}

}  // namespace espalier
