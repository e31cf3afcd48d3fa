#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "options/option.h"

namespace espalier::options {

// A word to the value of a field and back. Every mistake is a UserError "--name: found WORD, expected ..".

std::int64_t integer_of(const Option& option, const std::string& word, std::int64_t least, std::int64_t most);
std::uint64_t natural_of(const Option& option, const std::string& word);
double number_of(const Option& option, const std::string& word);
bool flag_of(const Option& option, const std::string& word);
/// "20GB", "500 mb" (powers of 1000), "4KiB" (of 1024), "123".
std::uint64_t bytes_of(const Option& option, const std::string& word);
/// The number of the word among the option's choices.
std::size_t choice_of(const Option& option, const std::string& word);
/// The shortest that reads back as the same number.
std::string word_of_number(double value);

template <typename T>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<T, bool>)
    return Kind::kFlag;
  else if constexpr (std::is_integral_v<T>)
    return Kind::kInteger;
  else if constexpr (std::is_floating_point_v<T>)
    return Kind::kNumber;
  else if constexpr (std::is_same_v<T, std::filesystem::path>)
    return Kind::kPath;
  else
    return Kind::kText;
}

template <typename T>
T value_of(const Option& option, const std::string& word) {
  if constexpr (std::is_same_v<T, bool>)
    return flag_of(option, word);
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return natural_of(option, word);
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(
        integer_of(option, word, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  else if constexpr (std::is_floating_point_v<T>)
    return number_of(option, word);
  else
    return T(word);
}

template <typename T>
std::string word_of(const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_integral_v<T>)
    return std::to_string(value);
  else if constexpr (std::is_floating_point_v<T>)
    return word_of_number(value);
  else if constexpr (std::is_same_v<T, std::filesystem::path>)
    return value.string();
  else
    return value;
}

}  // namespace espalier::options
