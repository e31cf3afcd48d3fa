#include "text/decoder_stages.h"

#include "text/utf8.h"

namespace espalier {
namespace {

class EachPiece final : public DecoderStage {
 public:
  EachPiece(PieceStep step, TextPart part) : step_(std::move(step)), first_(part == TextPart::kWhole) {}
  std::unique_ptr<DecoderStage> fresh(TextPart part) const override {
    return std::make_unique<EachPiece>(step_, part);
  }
  void add(std::string piece, const Sink& next) override {
    step_(piece, first_ ? PiecePlace::kFirst : PiecePlace::kLater);
    first_ = false;
    next(std::move(piece));
  }
  void finish(const Sink&) override {}
  void inside(std::string& piece) const override { step_(piece, PiecePlace::kInside); }

 private:
  PieceStep step_;
  bool first_;
};

class WholeText final : public DecoderStage {
 public:
  WholeText(PieceStep step, TextPart part) : step_(std::move(step)), part_(part) {}
  std::unique_ptr<DecoderStage> fresh(TextPart part) const override {
    return std::make_unique<WholeText>(step_, part);
  }
  void add(std::string piece, const Sink&) override { text_ += piece; }
  void finish(const Sink& next) override {
    step_(text_, part_ == TextPart::kWhole ? PiecePlace::kFirst : PiecePlace::kLater);
    next(std::move(text_));
  }
  void inside(std::string& piece) const override { step_(piece, PiecePlace::kInside); }

 private:
  PieceStep step_;
  TextPart part_;
  std::string text_;
};

class WithoutStart final : public DecoderStage {
 public:
  WithoutStart(std::string content, std::size_t most, TextPart part)
      : content_(std::move(content)), most_(most), dropped_(part == TextPart::kWhole ? 0 : most) {}
  std::unique_ptr<DecoderStage> fresh(TextPart part) const override {
    return std::make_unique<WithoutStart>(content_, most_, part);
  }
  void add(std::string piece, const Sink& next) override {
    if (dropped_ == most_) return next(std::move(piece));
    held_ += piece;
    for (; dropped_ < most_ && held_.starts_with(content_); ++dropped_) held_.erase(0, content_.size());
    if (dropped_ < most_ && content_.starts_with(held_)) return;  // may become one more
    dropped_ = most_;
    finish(next);
  }
  void finish(const Sink& next) override {
    if (!held_.empty()) next(std::move(held_));
    held_.clear();
  }
  void inside(std::string&) const override {}

 private:
  std::string content_;
  std::size_t most_, dropped_;
  std::string held_;
};

class BytePieces final : public DecoderStage {
 public:
  explicit BytePieces(BrokenBytes broken) : broken_(broken) {}
  std::unique_ptr<DecoderStage> fresh(TextPart) const override {
    return std::make_unique<BytePieces>(broken_);
  }
  void add(std::string piece, const Sink& next) override {
    char byte = 0;
    if (!is_byte_piece(piece, byte)) {
      finish(next);
      return next(std::move(piece));
    }
    bytes_ += byte;
    if (broken_ == BrokenBytes::kEachByte) hand_on(bytes_.size() - incomplete_end(bytes_), next);
  }
  void finish(const Sink& next) override { hand_on(bytes_.size(), next); }
  void inside(std::string& piece) const override {
    char byte = 0;
    if (is_byte_piece(piece, byte)) piece.assign(1, byte);
  }

 private:
  void hand_on(std::size_t count, const Sink& next) {
    if (count == 0) return;
    std::string text = bytes_.substr(0, count);
    bytes_.erase(0, count);
    if (find_invalid_utf8(text)) text = replaced(text);
    next(std::move(text));
  }
  std::string replaced(const std::string& text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const auto step = decode_utf8(text, at);
      const bool kept = step.valid && broken_ == BrokenBytes::kEachByte;
      out += kept ? text.substr(at, step.bytes) : "\uFFFD";
      at += kept ? step.bytes : 1;
    }
    return out;
  }

  BrokenBytes broken_;
  std::string bytes_;
};

}  // namespace

std::shared_ptr<const DecoderStage> each_piece(PieceStep step) {
  return std::make_shared<EachPiece>(std::move(step), TextPart::kWhole);
}

std::shared_ptr<const DecoderStage> whole_text(PieceStep step) {
  return std::make_shared<WholeText>(std::move(step), TextPart::kWhole);
}

std::shared_ptr<const DecoderStage> without_start(std::string content, std::size_t most) {
  return std::make_shared<WithoutStart>(std::move(content), most, TextPart::kWhole);
}

std::shared_ptr<const DecoderStage> byte_pieces(BrokenBytes broken) {
  return std::make_shared<BytePieces>(broken);
}

bool is_byte_piece(std::string_view piece, char& byte) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return false;
  int value = 0;
  for (const char c : piece.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return false;
    value = value * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  byte = static_cast<char>(value);
  return true;
}

GrowingText::GrowingText(const DecoderStages& stages, TextPart part) {
  for (const auto& stage : stages) stages_.push_back(stage->fresh(part));
}

void GrowingText::pass(std::size_t stage, std::string piece, std::string& out) {
  if (stage == stages_.size()) {
    out += piece;
    return;
  }
  stages_[stage]->add(std::move(piece), [&](std::string next) { pass(stage + 1, std::move(next), out); });
}

void GrowingText::finish_from(std::size_t stage, std::string& out) {
  if (stage == stages_.size()) return;
  stages_[stage]->finish([&](std::string next) { pass(stage + 1, std::move(next), out); });
  finish_from(stage + 1, out);
}

std::string GrowingText::add(std::string piece) {
  pass(0, std::move(piece), held_);
  const std::size_t whole = held_.size() - incomplete_end(held_);
  std::string text = replace_invalid_utf8(std::string_view(held_).substr(0, whole));
  held_.erase(0, whole);
  return text;
}

std::string GrowingText::finish() {
  finish_from(0, held_);
  std::string text = replace_invalid_utf8(held_);
  held_.clear();
  return text;
}

}  // namespace espalier
