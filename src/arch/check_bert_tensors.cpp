#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "arch/bert_tensors.h"
#include "base/error.h"

namespace espalier {
namespace {

constexpr std::string_view kPrefix = "bert.";

std::string with_old_norm_name(std::string_view name) {
  constexpr std::string_view kWeight = ".LayerNorm.weight", kBias = ".LayerNorm.bias";
  if (name.ends_with(kWeight))
    return fmt::format("{}.LayerNorm.gamma", name.substr(0, name.size() - kWeight.size()));
  if (name.ends_with(kBias))
    return fmt::format("{}.LayerNorm.beta", name.substr(0, name.size() - kBias.size()));
  return std::string(name);
}

bool is_floating_point(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF64:
    case Dtype::kF32:
    case Dtype::kF16:
    case Dtype::kBF16:
    case Dtype::kF8E4M3:
    case Dtype::kF8E5M2:
      return true;
    default:
      return false;
  }
}

/// What is wrong with a tensor; empty when nothing is.
std::string mismatch(const TensorView& found, const ExpectedTensor& expected) {
  if (!is_floating_point(found.dtype)) {
    return fmt::format("tensor {} is {}, expected floating point", found.name, name(found.dtype));
  }
  if (std::equal(found.shape.begin(), found.shape.end(), expected.shape.begin(), expected.shape.end()))
    return {};
  std::string reason;
  for (std::size_t i = 0; i < expected.shape.size() && found.shape.size() == expected.shape.size(); ++i) {
    if (found.shape[i] == expected.shape[i]) continue;
    reason = fmt::format(" ({} {})", expected.sized_by[i], expected.shape[i]);
    break;
  }
  return fmt::format("tensor {} is [{}], config.json asks for [{}]{}", found.name,
                     fmt::join(found.shape, ", "), fmt::join(expected.shape, ", "), reason);
}

/// The number after `before` in a name such as bert.encoder.layer.3.output; nullopt without one.
std::optional<std::int64_t> number_after(std::string_view name, std::string_view before) {
  const std::size_t at = name.find(before);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const digits = name.data() + at + before.size();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits, name.data() + name.size(), number);
  if (error != std::errc{} || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return number;
}

/// A tensor of the encoder that the config does not account for: the two do not belong together.
std::string surplus(std::string_view tensor, const BertMoeConfig& config) {
  const std::optional<std::int64_t> layer = number_after(tensor, "encoder.layer.");
  if (!layer) return {};
  if (*layer >= config.num_hidden_layers) {
    return fmt::format("tensor {} is of block {}, config.json has {} blocks (num_hidden_layers)", tensor,
                       *layer, config.num_hidden_layers);
  }
  const std::optional<std::int64_t> expert = number_after(tensor, ".moe.experts.");
  if (!expert && tensor.find(".moe.") == std::string_view::npos) return {};
  if (!config.is_moe(*layer)) {
    return fmt::format("tensor {} is of a MoE layer, in config.json block {} is dense (moe_layers)", tensor,
                       *layer);
  }
  if (expert && *expert >= config.experts_in(*layer)) {
    return fmt::format("tensor {} is of expert {}, config.json gives block {} {} experts (num_experts)",
                       tensor, *expert, *layer, config.experts_in(*layer));
  }
  return {};
}

struct Found {
  std::vector<std::string> problems;
  std::set<std::string, std::less<>> used;
};

bool has_part(const Checkpoint& checkpoint, const std::vector<ExpectedTensor>& expected, BertPart part) {
  if (part == BertPart::kEncoder) return true;
  return std::any_of(expected.begin(), expected.end(), [&](const ExpectedTensor& tensor) {
    return tensor.part == part && find_bert_tensor(checkpoint, tensor.name);
  });
}

/// Whether the part is there; problems of a part that is there only half are noted.
bool check_part(const Checkpoint& checkpoint, const std::vector<ExpectedTensor>& expected, BertPart part,
                Found& found) {
  if (!has_part(checkpoint, expected, part)) return false;
  for (const ExpectedTensor& tensor : expected) {
    if (tensor.part != part) continue;
    const std::optional<std::string> stored = find_bert_tensor(checkpoint, tensor.name);
    if (!stored) {
      found.problems.push_back(fmt::format("tensor {} is missing", tensor.name));
      continue;
    }
    found.used.insert(*stored);
    std::string problem = mismatch(checkpoint.tensor(*stored), tensor);
    if (!problem.empty()) found.problems.push_back(std::move(problem));
  }
  return true;
}

}  // namespace

std::optional<std::string> find_bert_tensor(const Checkpoint& checkpoint, std::string_view name) {
  const std::string_view bare = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
  for (const std::string_view candidate : {name, bare}) {
    if (checkpoint.contains(candidate)) return std::string(candidate);
    std::string old_name = with_old_norm_name(candidate);
    if (checkpoint.contains(old_name)) return old_name;
  }
  return std::nullopt;
}

TensorView bert_tensor(const Checkpoint& checkpoint, std::string_view name) {
  const std::optional<std::string> stored = find_bert_tensor(checkpoint, name);
  return checkpoint.tensor(stored ? std::string_view(*stored) : name);
}

BertParts check_tensors(const Checkpoint& checkpoint, const BertMoeConfig& config) {
  const std::vector<ExpectedTensor> expected = expected_tensors(config);
  Found found;
  check_part(checkpoint, expected, BertPart::kEncoder, found);
  BertParts parts;
  parts.pooler = check_part(checkpoint, expected, BertPart::kPooler, found);
  parts.masked_language_head = check_part(checkpoint, expected, BertPart::kMaskedLanguageHead, found);
  parts.classifier = check_part(checkpoint, expected, BertPart::kClassifier, found);
  for (const std::string_view tensor : checkpoint.names()) {
    if (found.used.contains(tensor)) continue;
    std::string problem = surplus(tensor, config);
    if (!problem.empty()) found.problems.push_back(std::move(problem));
    parts.unused.emplace_back(tensor);
  }
  if (found.problems.empty()) return parts;
  const std::size_t more = found.problems.size() - 1;
  throw UserError(fmt::format("{}: {}{}", checkpoint.folder().string(), found.problems.front(),
                              more == 0 ? "" : fmt::format(" (and {} more that do not fit)", more)),
                  "config.json and the tensors are not of one model");
}

}  // namespace espalier
