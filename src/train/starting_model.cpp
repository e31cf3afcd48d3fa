#include "train/starting_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "arch/family.h"
#include "base/error.h"
#include "base/json.h"
#include "train/checkpoint.h"
#include "train/upcycle.h"
#include "train/weights_hash.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

train::Transformer upcycled(const train::Transformer& dense, const UpcycleRequest& request,
                            const fs::path& source, std::uint64_t seed, const NoteSink& note) {
  const auto layers = arch::moe_layers(dense.spec);
  if (!layers.empty())
    throw UserError(fmt::format("{}: --upcycle needs a dense model, and this one has MoE layers ({})",
                                source.string(), fmt::join(layers, ", ")),
                    "leave out --upcycle, or name the dense model it was made from");
  const train::UpcycleOptions options{.num_experts = request.experts,
                                      .moe_layers = request.moe_layers,
                                      .router_logits = request.router_logits,
                                      .redraw = request.redraw,
                                      .noise = request.noise,
                                      .seed = seed};
  auto model = train::upcycle(dense, options);
  const double gate = train::expected_gates(request.experts, 1, request.router_logits);
  const bool parted = request.redraw > 0 || request.noise > 0;
  if (note)
    note(fmt::format(
        "upcycled the FFN of blocks {} into {} experts each; a fresh router's gates are about {:.2f}, so the "
        "experts' output projections are multiplied by {:.2f}{}",
        fmt::join(request.moe_layers, ", "), request.experts, gate, 1 / gate,
        parted ? "" : " and step 0 is close to the dense model"));
  return model;
}

/// config.json with every field that the model knows.
nlohmann::json read_config(const fs::path& file) {
  const auto fields = read_json(file);
  return arch::write_spec(arch::read_spec(fields, file.string()), fields);
}

}  // namespace

train::Transformer starting_model(const fs::path& source, const std::optional<UpcycleRequest>& upcycle,
                                  std::uint64_t seed, const NoteSink& note) {
  const bool is_checkpoint = fs::is_directory(source);
  if (upcycle && !is_checkpoint)
    throw UserError(
        fmt::format("{}: --upcycle needs the weights of a dense model", source.string()),
        "pass the folder of a BERT checkpoint, or write moe_layers and num_experts into the config");
  auto model = is_checkpoint ? train::load(Checkpoint::open(source))
                             : train::initialize(read_json(source), source.string(), seed);
  if (model.spec.heads.language || std::holds_alternative<arch::ImageInput>(model.spec.input))
    throw UserError(fmt::format("{}: {} models are no encoders", source.string(), model.spec.family),
                    "name a BERT-shaped encoder, or another task: --task causal_lm, --images");
  return upcycle ? upcycled(model, *upcycle, source, seed, note) : model;
}

nlohmann::json starting_model_options(const fs::path& source, const std::optional<UpcycleRequest>& upcycle) {
  const bool is_checkpoint = fs::is_directory(source);
  const auto file = is_checkpoint ? source / "config.json" : source;
  nlohmann::json options{{"config", read_config(file)}};
  if (is_checkpoint) options["starting_weights_sha256"] = weights_hash(Checkpoint::open(source));
  if (upcycle)
    options["upcycle"] = {{"experts", upcycle->experts},
                          {"moe_layers", upcycle->moe_layers},
                          {"router_logits", upcycle->router_logits},
                          {"redraw", upcycle->redraw},
                          {"noise", upcycle->noise}};
  return options;
}

}  // namespace espalier
