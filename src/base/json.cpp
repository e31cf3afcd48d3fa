#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "base/files.h"
#include "base/foreign_file.h"

namespace espalier {
namespace {

using nlohmann::json;

/// Counts what the lexer has taken, because nlohmann's events carry no position.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* taken) : at_(at), taken_(taken) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*taken_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* taken_;
};

/// Builds the value like nlohmann's own handler, but refuses duplicate keys and deep nesting.
class Builder : public nlohmann::json_sax<json> {
 public:
  json root;
  std::string error;
  std::optional<std::size_t> error_position;  // of the lexer's own errors, bytes read so far

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary data is not JSON"); }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    json& object = *open_.back();
    if (object.contains(name)) return refuse(fmt::format("duplicate key \"{}\"", name));
    slot_ = &object[name];
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& exception) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: MESSAGE": the position is ours to
    // say.
    std::string_view text = exception.what();
    text.remove_prefix(std::min(text.size(), text.find("] ") + 2));
    if (text.starts_with("parse error")) text.remove_prefix(std::min(text.size(), text.find(": ") + 2));
    error = text;
    error_position = position;
    return false;
  }

 private:
  template <typename T>
  json* add_value(T&& value) {
    if (open_.empty()) return &(root = std::forward<T>(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::forward<T>(value));
    return &(*slot_ = std::forward<T>(value));
  }
  template <typename T>
  bool add(T&& value) {
    add_value(std::forward<T>(value));
    return true;
  }
  bool open(json container) {
    if (open_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) {
      return refuse(fmt::format("nested deeper than {}", kMaxJsonDepth));
    }
    open_.push_back(add_value(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(std::string message) {
    error = std::move(message);
    return false;
  }

  std::vector<json*> open_;  // stays valid: only the innermost container grows
  json* slot_ = nullptr;     // where the value of the last key goes
};

/// Messages quote the input; an error message must stay one printable line.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 300;
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return text.size() > kLongest ? result + "..." : result;
}

}  // namespace

json parse_json(std::string_view bytes, std::string_view source) {
  Builder builder;
  std::size_t taken = 0;
  const CountingIterator begin(bytes.data(), &taken);
  const CountingIterator end(bytes.data() + bytes.size(), &taken);
  const std::size_t zero = bytes.find('\0');  // nlohmann takes it for the end of the text
  if (json::sax_parse(begin, end, &builder) && zero == std::string_view::npos) return std::move(builder.root);
  refuse_foreign_or_page(bytes, source);
  if (builder.error.empty()) {
    builder.error = "a zero byte";
    builder.error_position = zero + 1;
  }
  const std::size_t position = std::min(builder.error_position.value_or(taken), bytes.size());
  const std::string_view before = bytes.substr(0, position == 0 ? 0 : position - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  throw UserError(fmt::format("{}:{}:{}: not valid JSON: {}", source, line, before.size() - line_start + 1,
                              printable(builder.error)),
                  bytes.empty() ? "the file is empty: write or download it again"
                                : "line and column say where; mend the file, or write or download it again");
}

json read_json(const std::filesystem::path& file) {
  return parse_json(read_file(file), file.string());
}

std::string dump_json(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace espalier
