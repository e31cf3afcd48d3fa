#include "arch/role_place.h"
#include "arch/roles.h"
#include "base/error.h"

namespace espalier::arch {
namespace {

std::int64_t attention_size(char letter, const Place& at) {
  if (const auto* a = at.grouped()) {
    const bool all = a->query_key_norm == QueryKeyNorm::kAllHeads;
    switch (letter) {
      case 'Q':
        return a->heads * (a->key_width + (a->output_gate == OutputGate::kInQueries ? a->value_width : 0));
      case 'H':
        return a->heads;
      case 'G':
        return a->output_gate == OutputGate::kPerElement ? a->heads * a->value_width : a->heads;
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
      case 'x':
        return a->indexer->heads * a->indexer->width;
      case 'y':
        return a->indexer->width;
      case 'z':
        return a->indexer->heads;
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
  if (const auto* a = at.delta()) {
    switch (letter) {
      case 'm':
        return a->channels() + (a->rows_by_key_head ? a->values() : 0);
      case 'O':
        return a->values();
      case 'b':
        return a->value_heads * (a->rows_by_key_head ? 2 : 1);
      case 'H':
        return a->value_heads;
      case 'w':
        return a->kernel;
      case 'v':
        return a->value_width;
      default:
        break;
    }
  }
  if (const auto* a = at.convolution()) {
    switch (letter) {
      case 'm':
        return 3 * a->channels;
      case 'O':
        return a->channels;
      case 'w':
        return a->kernel;
      default:
        break;
    }
  }
  if (const auto* a = at.mamba()) {
    switch (letter) {
      case 'm':
        return a->values() + a->channels() + a->value_heads;
      case 'O':
      case 'v':
        return a->values();
      case 'H':
        return a->value_heads;
      case 'w':
        return a->kernel;
      default:
        break;
    }
  }
  throw InternalError("a size that this mixer does not have");
}

}  // namespace

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
      if (at.delta() != nullptr) return at.delta()->channels();
      if (at.convolution() != nullptr) return at.convolution()->channels;
      if (at.mamba() != nullptr) return at.mamba()->channels();
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
    case 'H':
      return "heads";
    case 'x':
      return "width of all the indexer's queries";
    case 'y':
      return "width of the indexer's keys";
    case 'z':
      return "the indexer's heads";
    case 'm':
      return "width of a mixer's input";
    case 'b':
      return "corrections of heads";
    case 'w':
      return "taps of a convolution";
    case 'v':
      return "width of a head's values";
    case 'G':
      return "width of a gate of attention's output";
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

}  // namespace espalier::arch
