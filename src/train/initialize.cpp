#include <fmt/format.h>

#include <cmath>

#include "arch/family.h"
#include "base/error.h"
#include "train/checkpoint.h"
#include "train/parameters.h"
#include "train/random_tensor.h"
#include "train/trainable.h"

namespace espalier::train {
namespace {

using arch::Part;
using arch::Role;

/// Sinusoids (Vaswani et al. 2017, 3.5) of the given deviation: a token finds its neighbours by a rotation,
/// the same at every position, where random rows would have to be learned one by one.
torch::Tensor sinusoids(std::int64_t positions, std::int64_t D, double deviation) {
  auto table = torch::empty({positions, D});
  auto* value = table.data_ptr<float>();
  for (std::int64_t t = 0; t < positions; ++t)
    for (std::int64_t d = 0; d < D; ++d) {
      const double angle =
          static_cast<double>(t) / std::pow(10000.0, static_cast<double>(d - d % 2) / static_cast<double>(D));
      *value++ =
          static_cast<float>(deviation * std::sqrt(2.0) * (d % 2 == 0 ? std::sin(angle) : std::cos(angle)));
    }
  return table;
}

bool is_norm(Role role) {
  switch (role) {
    case Role::kEmbeddingNorm:
    case Role::kMixerNorm:
    case Role::kQueryDownNorm:
    case Role::kQueryNorm:
    case Role::kKeyNorm:
    case Role::kKeyValueDownNorm:
    case Role::kFeedForwardNorm:
    case Role::kFinalNorm:
    case Role::kMaskedWordNorm:
      return true;
    default:
      return false;
  }
}

torch::Tensor new_values(const arch::ModelSpec& spec, const Parameter& parameter, std::uint64_t seed) {
  const auto& key = parameter.parts.front().key;
  const auto shape = parameter.shape();
  const bool images = std::holds_alternative<arch::ImageInput>(spec.input);
  const double deviation = spec.training.initializer_range;
  if (key.part != Part::kWeight) return torch::zeros(shape);
  if (is_norm(key.role)) return torch::ones(shape);
  if (images && (key.role == Role::kClassToken || key.role == Role::kClassifier)) return torch::zeros(shape);
  if (!images && key.role == Role::kPositionEmbedding) return sinusoids(shape[0], shape[1], deviation);
  return random_normal(shape, deviation, seed, parameter.name);
}

/// Fresh weights for those parameters whose role is asked for.
template <typename Wanted>
void fill(Transformer& model, std::uint64_t seed, Wanted wanted) {
  for (auto& parameter : parameters(model))
    if (wanted(parameter.parts.front().key.role)) *parameter.value = new_values(model.spec, parameter, seed);
}

bool is_masked_words(Role role) {
  return role == Role::kMaskedWordTransform || role == Role::kMaskedWordNorm ||
         role == Role::kMaskedWordOutput;
}

}  // namespace

Transformer initialize(const nlohmann::json& config, std::string_view source, std::uint64_t seed) {
  Transformer model;
  model.spec = arch::read_spec(config, source);
  arch::expect_runs(model.spec, source);
  expect_trains(model.spec, source);
  model.fields = config;
  if (is_encoder(model.spec)) {
    model.spec.heads.masked_words = model.spec.heads.pooler = true;
    model.spec.heads.classifier = false;
  }
  constexpr std::uint64_t kTrainedBytes = 4 * sizeof(float);  // value, gradient and two moments
  expect_room(model, kTrainedBytes, std::string(source));
  fill(model, seed, [](Role) { return true; });
  return model;
}

void ensure_masked_words(Transformer& model, std::uint64_t seed) {
  if (model.spec.heads.masked_words) return;
  model.spec.heads.masked_words = true;
  fill(model, seed, is_masked_words);
}

void drop_masked_words(Transformer& model) {
  model.spec.heads.masked_words = false;
  model.masked_transform = {};
  model.masked_norm = {};
  model.masked_bias = torch::Tensor();
}

void drop_classifier(Transformer& model) {
  model.spec.heads.classifier = false;
  model.classifier = {};
}

void reset_classifier(Transformer& model, std::vector<std::string> labels, std::uint64_t seed) {
  const bool pools = is_encoder(model.spec) && !model.spec.heads.pooler;
  model.spec.heads.labels = std::move(labels);
  model.spec.heads.classifier = true;
  model.spec.heads.pooler = is_encoder(model.spec);
  fill(model, seed, [&](Role role) { return role == Role::kClassifier || (pools && role == Role::kPooler); });
}

torch::Tensor resized_positions(const torch::Tensor& position, std::int64_t size) {
  const auto D = position.size(1), patches = position.size(0) - 1;
  std::int64_t old = 1;
  while (old * old < patches) ++old;
  if (old == size) return position;
  const auto grid = position.narrow(0, 1, patches).t().reshape({1, D, old, old});
  const auto resized = torch::upsample_bilinear2d(grid, {size, size}, /*align_corners=*/false);
  return torch::cat({position.narrow(0, 0, 1), resized.reshape({D, size * size}).t()}).contiguous();
}

void set_image_size(Transformer& model, std::int64_t image_size) {
  auto& input = std::get<arch::ImageInput>(model.spec.input);
  if (image_size % input.patch_size != 0)
    throw UserError(fmt::format("image size {}: patch_size: {} does not divide image_size {}", image_size,
                                input.patch_size, image_size),
                    "name a multiple of patch_size");
  const torch::NoGradGuard no_grad;
  input.image_size = image_size;
  model.position = resized_positions(model.position, image_size / input.patch_size);
}

}  // namespace espalier::train
