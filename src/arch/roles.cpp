#include "arch/roles.h"

#include <algorithm>
#include <array>

#include "arch/role_place.h"

namespace espalier::arch {
namespace {

bool layer_norm(const Norm& norm) {
  return norm.kind == NormKind::kLayer && norm.bias;
}

/// A role's shape, in the letters of `size_of`, and when it is there.
struct RoleRow {
  Role role;
  Part part;
  std::string_view shape;
  bool (*there)(const Place& at);
  Group group = Group::kModel;
};

// Heads of an encoder; a vision model has its classifier always.
bool of_encoder(const Place& at, bool there) {
  return at.text() != nullptr && there;
}

constexpr auto kW = Part::kWeight, kB = Part::kBias;
using P = const Place&;

constexpr RoleRow kInput[] = {
    {Role::kTokenEmbedding, kW, "VD", [](P at) { return at.text() != nullptr; }},
    {Role::kPositionEmbedding, kW, "PD",
     [](P at) { return at.image() || (at.text() && at.text()->position_table); }},
    {Role::kTypeEmbedding, kW, "YD", [](P at) { return at.text() && at.text()->token_types > 0; }},
    {Role::kEmbeddingNorm, kW, "D", [](P at) { return at.text() && at.text()->norm; }},
    {Role::kEmbeddingNorm, kB, "D",
     [](P at) { return at.text() && at.text()->norm && layer_norm(*at.text()->norm); }},
    {Role::kPatch, kW, "DX", [](P at) { return at.image() != nullptr; }},
    {Role::kPatch, kB, "D", [](P at) { return at.image() != nullptr; }},
    {Role::kClassToken, kW, "D", [](P at) { return at.image() != nullptr; }},
};

constexpr RoleRow kBlock[] = {
    {Role::kMixerNorm, kW, "D", [](P at) { return at.mixer_norm(); }},
    {Role::kMixerNorm, kB, "D", [](P at) { return at.mixer_norm() && layer_norm(at.block->norm); }},
    {Role::kQueryDown, kW, "rD", [](P at) { return at.latent() && at.latent()->query_rank; }},
    {Role::kQueryDown, kB, "r",
     [](P at) { return at.latent() && at.latent()->query_rank && at.latent()->down_bias; }},
    {Role::kQueryDownNorm, kW, "r", [](P at) { return at.latent() && at.latent()->query_rank; }},
    {Role::kQueryUp, kW, "Qr", [](P at) { return at.latent() && at.latent()->query_rank; }},
    {Role::kQuery, kW, "QD", [](P at) { return at.grouped() || (at.latent() && !at.latent()->query_rank); }},
    {Role::kQuery, kB, "Q", [](P at) { return at.grouped() && at.grouped()->query_key_value_bias; }},
    {Role::kKey, kW, "KD", [](P at) { return at.grouped() != nullptr; }},
    {Role::kKey, kB, "K", [](P at) { return at.grouped() && at.grouped()->query_key_value_bias; }},
    {Role::kValue, kW, "UD", [](P at) { return at.grouped() != nullptr; }},
    {Role::kValue, kB, "U", [](P at) { return at.grouped() && at.grouped()->query_key_value_bias; }},
    {Role::kQueryNorm, kW, "q", [](P at) { return at.norms_queries(); }},
    {Role::kKeyNorm, kW, "k", [](P at) { return at.norms_queries(); }},
    {Role::kSinks, kW, "H", [](P at) { return at.grouped() && at.grouped()->sinks; }},
    {Role::kOutputGate, kW, "GD", [](P at) { return at.gates_output(); }},
    {Role::kKeyValueDown, kW, "tD", [](P at) { return at.latent() != nullptr; }},
    {Role::kKeyValueDown, kB, "t", [](P at) { return at.latent() && at.latent()->down_bias; }},
    {Role::kKeyValueDownNorm, kW, "c", [](P at) { return at.latent() != nullptr; }},
    {Role::kKeyValueUp, kW, "Wc", [](P at) { return at.latent() != nullptr; }},
    {Role::kIndexQuery, kW, "xr", [](P at) { return at.indexes(); }},
    {Role::kIndexKey, kW, "yD", [](P at) { return at.indexes(); }},
    {Role::kIndexKeyNorm, kW, "y", [](P at) { return at.indexes(); }},
    {Role::kIndexKeyNorm, kB, "y", [](P at) { return at.indexes(); }},
    {Role::kIndexWeight, kW, "zD", [](P at) { return at.indexes(); }},
    {Role::kScanInput, kW, "mD", [](P at) { return at.state(); }},
    {Role::kScanInput, kB, "m", [](P at) { return at.scan_biases(); }},
    {Role::kScanGate, kW, "OD", [](P at) { return at.delta() && !at.delta()->rows_by_key_head; }},
    {Role::kScanBeta, kW, "bD", [](P at) { return at.delta() != nullptr; }},
    {Role::kScanDecay, kW, "HD", [](P at) { return at.delta() && !at.delta()->rows_by_key_head; }},
    {Role::kConvolution, kW, "C1w", [](P at) { return at.state(); }},
    {Role::kConvolution, kB, "C",
     [](P at) {
       return (at.convolution() && at.convolution()->biases) || (at.mamba() && at.mamba()->convolution_bias);
     }},
    {Role::kDecayRate, kW, "H", [](P at) { return at.fades(); }},
    {Role::kDecayBias, kW, "H", [](P at) { return at.fades(); }},
    {Role::kSkip, kW, "H", [](P at) { return at.mamba() != nullptr; }},
    {Role::kScanNorm, kW, "v", [](P at) { return at.fades(); }},
    {Role::kScanOutput, kW, "DO", [](P at) { return at.state(); }},
    {Role::kScanOutput, kB, "D", [](P at) { return at.scan_biases(); }},
    {Role::kMixerOutput, kW, "DO", [](P at) { return at.has_mixer() && !at.state(); }},
    {Role::kMixerOutput, kB, "D",
     [](P at) {
       return (at.grouped() && at.grouped()->output_bias) || (at.latent() && at.latent()->output_bias);
     }},
    {Role::kMixerOutputNorm, kW, "D",
     [](P at) { return at.is_read() && at.block->residual.mixer_output_norm; }},
    {Role::kFeedForwardNorm, kW, "D", [](P at) { return at.feed_forward_norm(); }},
    {Role::kFeedForwardNorm, kB, "D",
     [](P at) { return at.feed_forward_norm() && layer_norm(at.block->norm); }},
    {Role::kFeedForwardOutputNorm, kW, "D",
     [](P at) { return at.is_read() && at.block->residual.feed_forward_output_norm; }},
    {Role::kGate, kW, "FD", [](P at) { return at.dense() && at.dense()->gated; }},
    {Role::kGate, kB, "F", [](P at) { return at.dense() && at.dense()->gated && at.dense()->biases; }},
    {Role::kUp, kW, "FD", [](P at) { return at.dense() != nullptr; }},
    {Role::kUp, kB, "F", [](P at) { return at.dense() && at.dense()->biases; }},
    {Role::kDown, kW, "DF", [](P at) { return at.dense() != nullptr; }},
    {Role::kDown, kB, "D", [](P at) { return at.dense() && at.dense()->biases; }},
    {Role::kRouter, kW, "RD", [](P at) { return at.moe() != nullptr; }},
    {Role::kRouter, kB, "R", [](P at) { return at.moe() && at.moe()->router.bias; }},
    {Role::kRouter, Part::kCorrection, "R",
     [](P at) { return at.moe() && at.moe()->router.rule.correction_bias && !at.moe()->router.by_token; }},
    {Role::kTokenExperts, kW, "Ve", [](P at) { return at.moe() && at.moe()->router.by_token; }},
    {Role::kLatentIn, kW, "dD", [](P at) { return at.moe() && at.moe()->input_width > 0 && at.is_read(); }},
    {Role::kLatentOut, kW, "Dd", [](P at) { return at.moe() && at.moe()->input_width > 0 && at.is_read(); }},
    {Role::kNovices, kB, "ND", [](P at) { return at.moe() && at.moe()->router.novices; }},
    {Role::kSharedGate, kW, "SD", [](P at) { return at.shared() && at.shared()->network.gated; }},
    {Role::kSharedUp, kW, "SD", [](P at) { return at.shared() != nullptr; }},
    {Role::kSharedDown, kW, "DS", [](P at) { return at.shared() != nullptr; }},
    {Role::kSharedScore, kW, "1D", [](P at) { return at.shared() && at.shared()->gated; }},
};

constexpr RoleRow kExpert[] = {
    {Role::kExpertGate, kW, "Fd", [](P at) { return at.expert() && at.expert()->gated; }},
    {Role::kExpertGate, kB, "F",
     [](P at) { return at.expert() && at.expert()->gated && at.expert()->biases; }},
    {Role::kExpertUp, kW, "Fd", [](P at) { return at.expert() != nullptr; }},
    {Role::kExpertUp, kB, "F", [](P at) { return at.expert() && at.expert()->biases; }},
    {Role::kExpertDown, kW, "dF", [](P at) { return at.expert() != nullptr; }},
    {Role::kExpertDown, kB, "d", [](P at) { return at.expert() && at.expert()->biases; }},
};

constexpr RoleRow kHeads[] = {
    {Role::kFinalNorm, kW, "D", [](P at) { return at.spec.final_norm.has_value(); }},
    {Role::kFinalNorm, kB, "D", [](P at) { return at.spec.final_norm && layer_norm(*at.spec.final_norm); }},
    {Role::kHead, kW, "VD",
     [](P at) { return at.spec.final_norm && at.spec.heads.language && !at.spec.heads.language->tied; }},
    {Role::kHead, kB, "V",
     [](P at) { return at.spec.final_norm && at.spec.heads.language && at.spec.heads.language->bias; }},
    {Role::kPooler, kW, "DD", [](P at) { return of_encoder(at, at.spec.heads.pooler); }, Group::kPooler},
    {Role::kPooler, kB, "D", [](P at) { return of_encoder(at, at.spec.heads.pooler); }, Group::kPooler},
    {Role::kMaskedWordTransform, kW, "DD", [](P at) { return of_encoder(at, at.spec.heads.masked_words); },
     Group::kMaskedWords},
    {Role::kMaskedWordTransform, kB, "D", [](P at) { return of_encoder(at, at.spec.heads.masked_words); },
     Group::kMaskedWords},
    {Role::kMaskedWordNorm, kW, "D", [](P at) { return of_encoder(at, at.spec.heads.masked_words); },
     Group::kMaskedWords},
    {Role::kMaskedWordNorm, kB, "D", [](P at) { return of_encoder(at, at.spec.heads.masked_words); },
     Group::kMaskedWords},
    {Role::kMaskedWordOutput, kB, "V", [](P at) { return of_encoder(at, at.spec.heads.masked_words); },
     Group::kMaskedWords},
    {Role::kClassifier, kW, "CD", [](P at) { return of_encoder(at, at.spec.heads.classifier); },
     Group::kClassifier},
    {Role::kClassifier, kB, "C", [](P at) { return of_encoder(at, at.spec.heads.classifier); },
     Group::kClassifier},
    {Role::kClassifier, kW, "CD", [](P at) { return at.image() != nullptr; }},
    {Role::kClassifier, kB, "C", [](P at) { return at.image() != nullptr; }},
};

class Lister {
 public:
  explicit Lister(const ModelSpec& spec) : spec_(spec) {}

  std::vector<ExpectedTensor> list() {
    add(kInput, {spec_});
    for (std::int64_t layer = 0; layer < spec_.layers(); ++layer) {
      const BlockSpec& block = spec_.blocks[static_cast<std::size_t>(layer)];
      add(kBlock, {spec_, &block}, layer);
      for (std::int64_t expert = 0; expert < block.experts(); ++expert)
        add(kExpert, {spec_, &block}, layer, expert);
    }
    add(kHeads, {spec_});
    return std::move(tensors_);
  }

 private:
  template <std::size_t N>
  void add(const RoleRow (&rows)[N], const Place& at, std::int64_t block = -1, std::int64_t expert = -1) {
    for (const RoleRow& row : rows) {
      if (!row.there(at)) continue;
      ExpectedTensor tensor{{row.role, row.part, block, expert}, {}, row.shape, row.group};
      for (const char letter : row.shape) tensor.shape.push_back(size_of(letter, at));
      if (row.part == Part::kWeight) fuse(tensor);
      tensors_.push_back(std::move(tensor));
    }
  }

  /// Where the rows of a role lie if the projections of a mixer's input are one.
  void fuse(ExpectedTensor& tensor) {
    if (tensor.key.role != Role::kQuery && tensor.key.role != Role::kKey && tensor.key.role != Role::kValue &&
        tensor.key.role != Role::kScanInput && tensor.key.role != Role::kScanGate &&
        tensor.key.role != Role::kScanBeta && tensor.key.role != Role::kScanDecay)
      return;
    tensor.fused_first = 0;
    for (ExpectedTensor& other : tensors_) {
      if (other.key.block != tensor.key.block || other.fused_rows == 0) continue;
      tensor.fused_first += other.shape.front();
      other.fused_rows += tensor.shape.front();
    }
    tensor.fused_rows = tensor.fused_first + tensor.shape.front();
  }

  const ModelSpec& spec_;
  std::vector<ExpectedTensor> tensors_;
};

}  // namespace

std::int64_t ExpectedTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

std::vector<ExpectedTensor> expected_tensors(const ModelSpec& spec) {
  return Lister(spec).list();
}

bool is_of_expert(Role role) {
  return role == Role::kExpertGate || role == Role::kExpertUp || role == Role::kExpertDown;
}

}  // namespace espalier::arch
