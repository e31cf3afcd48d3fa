#include "text/sentencepiece_model.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "text/tokenizer_config.h"

namespace espalier {
namespace {

/// The fields of one protocol-buffer message, in the order of the file.
class Message {
 public:
  enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  Message(std::string_view bytes, std::size_t offset, const std::string& name)
      : bytes_(bytes), offset_(offset), name_(name) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (at_ == bytes_.size()) return false;
    const std::uint64_t tag = varint();
    field_ = tag >> 3;
    wire_ = static_cast<Wire>(tag & 7u);
    switch (wire_) {
      case Wire::kVarint:
        value_ = varint();
        break;
      case Wire::kFixed32:
        content_ = take(4);
        break;
      case Wire::kFixed64:
        content_ = take(8);
        break;
      case Wire::kBytes:
        content_ = take(varint());
        break;
      default:
        fail(fmt::format("wire type {}", tag & 7u));
    }
    return true;
  }

  std::uint64_t field() const { return field_; }
  std::int64_t integer() const {
    expect(Wire::kVarint);
    return static_cast<std::int64_t>(value_);
  }
  bool boolean() const { return integer() != 0; }
  std::string_view content() const {
    expect(Wire::kBytes);
    return content_;
  }
  Message message() const {
    const std::string_view inside = content();
    return {inside, offset_ + static_cast<std::size_t>(inside.data() - bytes_.data()), name_};
  }
  float number() const {
    expect(Wire::kFixed32);
    std::uint32_t bits = 0;
    std::memcpy(&bits, content_.data(), 4);
    return std::bit_cast<float>(bits);
  }
  [[noreturn]] void fail(const std::string& found) const {
    throw UserError(
        fmt::format("{}: byte {}: found {}, expected a sentencepiece model", name_, offset_ + at_, found),
        "the file is damaged, or not a tokenizer.model");
  }

 private:
  void expect(Wire wire) const {
    if (wire_ != wire) fail(fmt::format("field {} of another type", field_));
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("a field that is cut short");
    const auto taken = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return taken;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(take(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7Fu) << shift;
      if (byte < 0x80) return value;
    }
    fail("a number of more than 64 bits");
  }

  std::string_view bytes_;
  std::size_t offset_;  // of the message in the file
  const std::string& name_;
  std::size_t at_ = 0;
  std::uint64_t field_ = 0;
  Wire wire_ = Wire::kVarint;
  std::uint64_t value_ = 0;
  std::string_view content_;
};

SentencePieceModel::Piece parse_piece(Message message) {
  SentencePieceModel::Piece piece;
  while (message.next()) {
    if (message.field() == 1) piece.text = message.content();
    if (message.field() == 2) piece.score = message.number();
    if (message.field() != 3) continue;
    const std::int64_t type = message.integer();
    if (type < 1 || type > 6) message.fail(fmt::format("piece type {}", type));
    piece.type = static_cast<SentencePieceModel::PieceType>(type);
  }
  if (piece.text.empty()) message.fail("a piece without text");
  if (!std::isfinite(piece.score)) message.fail("a score that is no number");
  return piece;
}

std::int32_t special_id(const Message& message) {
  const auto id = message.integer();
  if (id < -1 || id > kMaxTokenId) message.fail(fmt::format("token id {}", id));
  return static_cast<std::int32_t>(id);
}

void parse_trainer(Message message, SentencePieceModel& model) {
  while (message.next()) {
    switch (message.field()) {
      case 3: {
        const auto algorithm = message.integer();
        if (algorithm < 1 || algorithm > 4) message.fail(fmt::format("model type {}", algorithm));
        model.algorithm = static_cast<SentencePieceModel::Algorithm>(algorithm);
        break;
      }
      case 24:
        model.space_is_suffix = message.boolean();
        break;
      case 35:
        model.byte_fallback = message.boolean();
        break;
      case 40:
        model.unknown_id = special_id(message);
        break;
      case 41:
        model.bos_id = special_id(message);
        break;
      case 42:
        model.eos_id = special_id(message);
        break;
      default:
        break;
    }
  }
}

void parse_normalizer(Message message, SentencePieceModel& model) {
  while (message.next()) {
    switch (message.field()) {
      case 1:
        model.normalizer = message.content();
        break;
      case 2:
        model.has_character_map = !message.content().empty();
        break;
      case 3:
        model.add_dummy_prefix = message.boolean();
        break;
      case 4:
        model.remove_extra_spaces = message.boolean();
        break;
      case 5:
        model.escape_spaces = message.boolean();
        break;
      default:
        break;
    }
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& name) {
  SentencePieceModel model;
  Message message(bytes, 0, name);
  while (message.next()) {
    if (message.field() == 1) {
      if (model.pieces.size() > static_cast<std::size_t>(kMaxTokenId)) message.fail("too many pieces");
      model.pieces.push_back(parse_piece(message.message()));
    }
    if (message.field() == 2) parse_trainer(message.message(), model);
    if (message.field() == 3) parse_normalizer(message.message(), model);
  }
  if (model.pieces.empty()) message.fail("no pieces");
  for (const std::int32_t id : {model.unknown_id, model.bos_id, model.eos_id}) {
    if (id >= static_cast<std::int32_t>(model.pieces.size())) {
      message.fail(fmt::format("special token {} of {} pieces", id, model.pieces.size()));
    }
  }
  return model;
}

}  // namespace espalier
