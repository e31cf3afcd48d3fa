#include "text/pcre2.h"

#include <array>

#include "base/error.h"

namespace espalier {

Pcre2<pcre2_code, pcre2_code_free> compile_pcre2(std::string_view expression, std::string& error) {
  const Pcre2<pcre2_compile_context, pcre2_compile_context_free> context(
      pcre2_compile_context_create(nullptr));
  if (!context) throw InternalError("PCRE2 has no memory");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int number = 0;
  PCRE2_SIZE offset = 0;
  Pcre2<pcre2_code, pcre2_code_free> code(pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_AUTO_CAPTURE, &number, &offset, context.get()));
  if (!code) error = pcre2_message(number);
  return code;
}

std::string pcre2_message(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace espalier
