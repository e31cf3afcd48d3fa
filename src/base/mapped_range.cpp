#include "base/mapped_range.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/input_watch.h"

namespace espalier {

/// Slots are never freed, only used again: the handler walks the list without a lock.
struct MappedRange::Slot {
  std::atomic<std::uintptr_t> begin{0}, end{0};  // begin 0: free
  std::atomic<bool> cut{false};
  std::string file;
  Slot* next = nullptr;
};

namespace {

std::atomic<void*> first_slot{nullptr};
std::mutex slots_mutex;  // of everybody but the handler

}  // namespace

MappedRange::MappedRange(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::lock_guard lock(slots_mutex);
  for (slot_ = static_cast<Slot*>(first_slot.load()); slot_ != nullptr && slot_->begin != 0;)
    slot_ = slot_->next;
  if (slot_ == nullptr) {
    slot_ = new Slot;
    slot_->next = static_cast<Slot*>(first_slot.load());
    first_slot = slot_;
  }
  slot_->file = file.string();
  slot_->cut = false;
  slot_->end = reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size();
  slot_->begin = reinterpret_cast<std::uintptr_t>(bytes.data());
}

MappedRange::MappedRange(MappedRange&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}

MappedRange& MappedRange::operator=(MappedRange&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

MappedRange::~MappedRange() {
  if (slot_ == nullptr) return;
  if (slot_->cut) remember_changed_input(slot_->file);
  const std::lock_guard lock(slots_mutex);
  slot_->begin = 0;
}

std::optional<std::string> cut_mapping() {
  const std::lock_guard lock(slots_mutex);
  for (auto* slot = static_cast<MappedRange::Slot*>(first_slot.load()); slot != nullptr; slot = slot->next)
    if (slot->begin != 0 && slot->cut) return slot->file;
  return std::nullopt;
}

/// Only calls that are safe in a signal handler.
void on_bus_error_in(void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (auto* slot = static_cast<MappedRange::Slot*>(first_slot.load()); slot != nullptr; slot = slot->next) {
    const std::uintptr_t begin = slot->begin, end = slot->end;
    if (begin == 0 || at < begin || at >= end) continue;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t first = at / page * page;
    // All that follows is gone too; one call for each page would take minutes.
    void* zeros =
        ::mmap(reinterpret_cast<void*>(first), (end - first + page - 1) / page * page, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (zeros == MAP_FAILED) break;
    slot->cut = true;
    return;
  }
  ::signal(SIGBUS, SIG_DFL);  // the access is tried again, and ends the process
}

void install_mapping_handler() {
  struct sigaction action {};
  action.sa_sigaction = [](int, siginfo_t* info, void*) { on_bus_error_in(info->si_addr); };
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace espalier
