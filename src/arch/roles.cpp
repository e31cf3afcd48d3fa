#include "arch/roles.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace espalier::arch {
namespace {

/// Where a role is asked for.
struct Place {
  const ModelSpec& spec;
  const BlockSpec* block = nullptr;  // nullptr outside the blocks

  const GroupedAttention* grouped() const {
    return block ? std::get_if<GroupedAttention>(&block->mixer) : nullptr;
  }
  const LatentAttention* latent() const {
    return block ? std::get_if<LatentAttention>(&block->mixer) : nullptr;
  }
  bool is_read() const { return block && !std::holds_alternative<Unread>(block->mixer); }
  const MixtureOfExperts* moe() const { return block ? block->moe() : nullptr; }
  const FeedForward* dense() const {
    return block ? std::get_if<FeedForward>(&block->feed_forward) : nullptr;
  }
  const SharedExpert* shared() const { return moe() && moe()->shared ? &*moe()->shared : nullptr; }
  const TextInput* text() const { return block ? nullptr : std::get_if<TextInput>(&spec.input); }
  const ImageInput* image() const { return block ? nullptr : std::get_if<ImageInput>(&spec.input); }
  const FeedForward* expert() const { return moe() ? &moe()->expert : nullptr; }
};

bool layer_norm(const Norm& norm) {
  return norm.kind == NormKind::kLayer;
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
    {Role::kMixerNorm, kW, "D", [](P at) { return at.is_read(); }},
    {Role::kMixerNorm, kB, "D", [](P at) { return at.is_read() && layer_norm(at.block->norm); }},
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
    {Role::kQueryNorm, kW, "q",
     [](P at) { return at.grouped() && at.grouped()->query_key_norm != QueryKeyNorm::kNone; }},
    {Role::kKeyNorm, kW, "k",
     [](P at) { return at.grouped() && at.grouped()->query_key_norm != QueryKeyNorm::kNone; }},
    {Role::kKeyValueDown, kW, "tD", [](P at) { return at.latent() != nullptr; }},
    {Role::kKeyValueDown, kB, "t", [](P at) { return at.latent() && at.latent()->down_bias; }},
    {Role::kKeyValueDownNorm, kW, "c", [](P at) { return at.latent() != nullptr; }},
    {Role::kKeyValueUp, kW, "Wc", [](P at) { return at.latent() != nullptr; }},
    {Role::kMixerOutput, kW, "DO", [](P at) { return at.is_read(); }},
    {Role::kMixerOutput, kB, "D",
     [](P at) {
       return (at.grouped() && at.grouped()->output_bias) || (at.latent() && at.latent()->output_bias);
     }},
    {Role::kFeedForwardNorm, kW, "D", [](P at) { return at.is_read(); }},
    {Role::kFeedForwardNorm, kB, "D", [](P at) { return at.is_read() && layer_norm(at.block->norm); }},
    {Role::kGate, kW, "FD", [](P at) { return at.dense() && at.dense()->gated; }},
    {Role::kUp, kW, "FD", [](P at) { return at.dense() != nullptr; }},
    {Role::kUp, kB, "F", [](P at) { return at.dense() && at.dense()->biases; }},
    {Role::kDown, kW, "DF", [](P at) { return at.dense() != nullptr; }},
    {Role::kDown, kB, "D", [](P at) { return at.dense() && at.dense()->biases; }},
    {Role::kRouter, kW, "RD", [](P at) { return at.moe() != nullptr; }},
    {Role::kRouter, Part::kCorrection, "R",
     [](P at) { return at.moe() && at.moe()->router.rule.correction_bias && !at.moe()->router.by_token; }},
    {Role::kTokenExperts, kW, "Ve", [](P at) { return at.moe() && at.moe()->router.by_token; }},
    {Role::kNovices, kB, "ND", [](P at) { return at.moe() && at.moe()->router.novices; }},
    {Role::kSharedGate, kW, "SD", [](P at) { return at.shared() && at.shared()->network.gated; }},
    {Role::kSharedUp, kW, "SD", [](P at) { return at.shared() != nullptr; }},
    {Role::kSharedDown, kW, "DS", [](P at) { return at.shared() != nullptr; }},
    {Role::kSharedScore, kW, "1D", [](P at) { return at.shared() && at.shared()->gated; }},
};

constexpr RoleRow kExpert[] = {
    {Role::kExpertGate, kW, "Fd", [](P at) { return at.expert() && at.expert()->gated; }},
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

std::int64_t attention_size(char letter, const Place& at) {
  if (const auto* a = at.grouped()) {
    const bool all = a->query_key_norm == QueryKeyNorm::kAllHeads;
    switch (letter) {
      case 'Q':
        return a->heads * a->key_width;
      case 'K':
        return a->key_value_heads * a->key_width;
      case 'U':
        return a->key_value_heads * a->value_width;
      case 'O':
        return a->heads * a->value_width;
      case 'q':
        return all ? a->heads * a->key_width : a->key_width;
      case 'k':
        return all ? a->key_value_heads * a->key_width : a->key_width;
      default:
        break;
    }
  }
  if (const auto* a = at.latent()) {
    switch (letter) {
      case 'Q':
        return a->heads * a->key_width();
      case 'O':
        return a->heads * a->value_width;
      case 'r':
        return *a->query_rank;
      case 'c':
        return a->key_value_rank;
      case 't':
        return a->key_value_rank + a->rotary.width;
      case 'W':
        return a->heads * (a->nope_width + a->value_width);
      default:
        break;
    }
  }
  throw InternalError("a size that this mixer does not have");
}

std::int64_t size_of(char letter, const Place& at) {
  const auto labels = static_cast<std::int64_t>(at.spec.heads.labels.size());
  switch (letter) {
    case '1':
      return 1;
    case 'V':
      return at.spec.text().vocabulary;
    case 'D':
      return at.spec.width;
    case 'P':
      return at.spec.positions();
    case 'Y':
      return at.spec.text().token_types;
    case 'X':
      return at.spec.image().patch_values();
    case 'C':
      return at.image() ? labels : at.spec.heads.label_count();
    case 'F':
      return at.moe() ? at.moe()->expert.width : at.dense()->width;
    case 'S':
      return at.shared()->network.width;
    case 'd':
      return at.moe()->input_width > 0 ? at.moe()->input_width : at.spec.width;
    case 'R':
      return at.moe()->router.rows;
    case 'e':
      return at.moe()->router.rule.experts_per_token;
    case 'N':
      return at.moe()->router.rows - at.moe()->experts;
    default:
      return attention_size(letter, at);
  }
}

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
      tensors_.push_back(std::move(tensor));
    }
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

std::string_view size_word(char letter) {
  switch (letter) {
    case 'V':
      return "vocab_size";
    case 'D':
      return "width";
    case 'P':
      return "positions";
    case 'Y':
      return "type_vocab_size";
    case 'X':
      return "numbers of a patch";
    case 'C':
      return "the number of labels (id2label)";
    case 'F':
      return "inner width";
    case 'S':
      return "inner width of the shared expert";
    case 'd':
      return "width of an expert's input";
    case 'R':
      return "router rows";
    case 'e':
      return "experts per token";
    case 'N':
      return "router rows without an expert";
    case 'Q':
      return "width of all queries";
    case 'K':
      return "width of all keys";
    case 'U':
      return "width of all values";
    case 'O':
      return "width of all heads' results";
    case 'q':
    case 'k':
      return "width of a norm of heads";
    case 'r':
      return "rank of queries";
    case 'c':
      return "rank of keys and values";
    case 't':
      return "rank of keys and values, with the turned part";
    case 'W':
      return "width of all keys and values";
    default:
      return "1";
  }
}

bool is_of_expert(Role role) {
  return role == Role::kExpertGate || role == Role::kExpertUp || role == Role::kExpertDown;
}

}  // namespace espalier::arch
