// Chats in the shapes in which they are recorded.
#include "data/chat.h"

#include <gtest/gtest.h>

#include "data/calibration.h"
#include "data/documents.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

std::string text_of(const char* messages, const char* pattern = "{role}: {content}\n") {
  JsonObject row(nlohmann::json{{"m", nlohmann::json::parse(messages)}}, "row");
  return chat_text(row, "m", pattern);
}

TEST(Chat, ACallOfAToolHasNoText) {
  EXPECT_EQ(text_of(R"([{"role": "user", "content": "Rain?"},
                        {"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]},
                        {"role": "tool", "tool_call_id": "c", "content": "20"},
                        {"role": "assistant", "content": "No."}])"),
            "user: Rain?\nassistant: \ntool: 20\nassistant: No.\n");
}

TEST(Chat, PartsOfTextFollowOneAnother) {
  EXPECT_EQ(text_of(R"([{"role": "user", "content": [{"type": "text", "text": "Hi "}, "you",
                        {"type": "text", "text": "!"}]}])"),
            "user: Hi you!\n");
  expect_user_error([] { text_of(R"([{"role": "user", "content": [{"type": "text"}]}])"); },
                    {"row: m[0].content", "a part without a text"});
  expect_user_error(
      [] {
        text_of(R"([{"role": "user", "content": ["Hi", {"type": "image_url", "image_url": {"url": "x"}}]}])");
      },
      {"row: m[0].content: a part of type image_url", "only text is read: leave the line out"});
  expect_user_error([] { text_of(R"([{"role": "user", "content": 5}])"); }, {"m[0].content: found 5"});
}

TEST(Chat, FromAndValueAreRoleAndContent) {
  EXPECT_EQ(text_of(R"([{"from": "system", "value": "S"}, {"from": "human", "value": "Hi"},
                        {"from": "gpt", "value": "Hello"}])"),
            "system: S\nuser: Hi\nassistant: Hello\n");
  EXPECT_EQ(text_of(R"([{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}])", "{inst}"),
            "[INST] Hi [/INST] Hello</s>");
}

std::vector<std::string> documents_of(const std::string& line, const DocumentOptions& options) {
  const TemporaryFolder folder;
  const std::vector<std::filesystem::path> files{folder.write("a.jsonl", line)};
  std::vector<std::string> documents;
  for_each_document(
      files, options, [&](std::string_view text) { documents.emplace_back(text); }, "reading");
  return documents;
}

TEST(Documents, AnAbsentFieldNamesThoseThereAndTheOption) {
  expect_user_error(
      [] { documents_of(R"({"id": 1, "messages": []})", {}); },
      {"a.jsonl: line 1: there is no field text, the line has id, messages", "--text-field messages"});
  expect_user_error([] { documents_of(R"({"n": 1, "body": "x"})", {}); }, {"--text-field body"});
  expect_user_error([] { documents_of("{}\n", {}); }, {"the line has ", "--text-field NAME"});
  expect_user_error([] { documents_of(R"({"text": 5})", {}); }, {"text: expected a text or a list"});
  expect_user_error([] { documents_of("{\"text\": \"a\"}\n[1]\n", {}); }, {"line 2"});
}

TEST(Documents, EmptyTextsAreKeptWhereEveryLineCounts) {
  const char* lines = "{\"text\": \"a\"}\n\n{\"text\": \"\"}\n{\"text\": null}\n{\"text\": \"b\"}\n";
  EXPECT_EQ(documents_of(lines, {}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(documents_of(lines, {.empty_lines = EmptyDocuments::kKeep}),
            (std::vector<std::string>{"a", "", "", "b"}));
}

TEST(TokenIds, TextsInJsonAreToldWhereTheyGo) {
  const TemporaryFolder folder;
  const std::vector<std::string> contents{R"([{"text": "hello"}])", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"};
  for (const std::string& content : contents)
    expect_user_error([&] { read_token_sequences(folder.write("c.json", content), 10, 10); },
                      {"c.json: found an", "holds token ids here; texts go into .jsonl"});
}

}  // namespace
}  // namespace espalier
