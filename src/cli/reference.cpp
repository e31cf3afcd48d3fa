#include "cli/reference.h"

#include <fmt/format.h>

#include "cli/global_options.h"
#include "cli/verbs.h"
#include "options/option_reference.h"

namespace espalier {

std::string reference_section(const pipeline::Verb& verb) {
  const auto call = verb.call();
  const std::string list = options::reference(call->table());
  return fmt::format("### {}\n\n{}", verb.name, list.empty() ? "No options of its own.\n" : list);
}

std::string reference_page() {
  GlobalOptions global;
  options::OptionTable everywhere;
  describe(everywhere, global);
  std::string page = fmt::format("### every verb\n\n{}", options::reference(everywhere));
  for (const pipeline::Verb& verb : verbs())
    if (verb.call) page += "\n" + reference_section(verb);
  return page;
}

}  // namespace espalier
