#pragma once

#include "data/choice_task.h"

namespace espalier {

// One function a task: the fields of a row to a worded item. Task and template names are the harness's.
ChoiceItem boolq_item(JsonObject& row);
ChoiceItem openbookqa_item(JsonObject& row);
ChoiceItem arc_item(JsonObject& row);
ChoiceItem piqa_item(JsonObject& row);
ChoiceItem winogrande_item(JsonObject& row);
ChoiceItem hellaswag_item(JsonObject& row);
ChoiceItem mmlu_item(JsonObject& row);
ChoiceItem rte_item(JsonObject& row);

/// HellaSwag's clean-up of WikiHow: " [title]" becomes ". ", other brackets go, double spaces are one.
std::string hellaswag_text(std::string_view text);

}  // namespace espalier
