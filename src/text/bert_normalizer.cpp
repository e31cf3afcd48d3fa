#include "text/bert_normalizer.h"

#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

std::string cleaned(const std::string& text, const BertNormalizerOptions& options) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto step = decode_utf8(text, at);
    const std::uint32_t c = step.code_point;
    at += step.bytes;
    if (options.characters.clean && is_bert_removed(c)) continue;
    if (options.characters.clean && is_white_space(c)) {
      out += ' ';
    } else if (options.split_cjk && is_cjk_ideograph(c)) {
      out += ' ';
      append_utf8(out, c);
      out += ' ';
    } else {
      append_utf8(out, c);
    }
  }
  return out;
}

}  // namespace

BertNormalizerOptions parse_bert_normalizer(JsonObject& options) {
  BertNormalizerOptions read;
  auto& characters = read.characters;
  characters.clean = options.boolean("clean_text", true);
  characters.lower_case = options.boolean("lowercase", true);
  characters.strip_accents = options.boolean("strip_accents", characters.lower_case);
  read.split_cjk = options.boolean("handle_chinese_chars", true);
  return read;
}

TextNormalizer make_bert_normalizer(const BertNormalizerOptions& options) {
  return [options](std::string& text) { text = fold(cleaned(text, options), options.characters); };
}

}  // namespace espalier
