// Secrets: the values that a run was given, by name, in locked memory, and what finds them in what
// stages write. No text of ours ever contains a value.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/locked_memory.h"
#include "runtime/base/result.h"
#include "runtime/run/secrets/secret_automaton.h"

namespace stagebox::run {

struct SecretVariable {
  std::string name;
  /// How messages call it. Where its name may be the secret itself, that somebody gave for it,
  /// without the name.
  std::string told = "its variable";
};
struct SecretFile {
  std::string path;
};
struct SecretInput {};  ///< Standard input.
using SecretSource = std::variant<SecretVariable, SecretFile, SecretInput>;
using SecretSources = std::map<std::string, SecretSource>;

class Secrets {
 public:
  /// A shorter value would be masked everywhere; a longer one belongs into a file of the image.
  static constexpr std::size_t kLeast = 4;
  static constexpr std::size_t kMost = std::size_t{16} << 10U;

  /// None.
  Secrets();
  /// Reads every source, once: several secrets may be of one variable. It is taken out of our own
  /// environment. kInvalid, naming the
  /// secret and its source, for what is missing, shorter than kLeast without its line breaks (which
  /// are not looked at when it is masked) or longer than kMost;
  /// kUnsupported where memory cannot be locked.
  static base::Result<Secrets> load(const SecretSources& sources);

  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  [[nodiscard]] std::vector<std::string> names() const;
  /// The name must be there. Valid as long as this object.
  [[nodiscard]] std::string_view value(const std::string& name) const;
  /// All of them; for masking.
  [[nodiscard]] const SecretAutomaton& automaton() const { return *automaton_; }
  /// What can be nothing else (SecretPatterns::add_telling), for refusing what a stage leaves that
  /// declares no secret.
  [[nodiscard]] const SecretAutomaton& leak_automaton() const { return *leak_automaton_; }
  /// All of them and `more`, for masking; of each only what can be nothing else where its forms are
  /// kTelling. kUnsupported where memory cannot be locked.
  enum class Forms { kAll, kTelling };
  [[nodiscard]] base::Result<std::shared_ptr<const SecretAutomaton>> automaton_with(
      Forms own, const std::vector<base::LockedBytes>& more, Forms of_more) const;
  /// Whose value is in this text, as it is, without line breaks at its end; nobody's that is
  /// shorter than kShortestTelling.
  [[nodiscard]] std::optional<std::string> find_in(std::string_view text) const;
  /// The regular files that values came from.
  struct File {
    std::string name;  ///< Of the secret.
    dev_t device = 0;
    ino_t inode = 0;
  };
  [[nodiscard]] const std::vector<File>& files() const { return files_; }

 private:
  static base::Result<Secrets> load_all(const SecretSources& sources);
  void look_for_values();
  /// Throws std::bad_alloc.
  [[nodiscard]] std::shared_ptr<const SecretAutomaton> automaton_of(
      Forms own, const std::vector<base::LockedBytes>& more, Forms of_more) const;

  std::map<std::string, base::LockedBytes> values_;
  std::shared_ptr<const SecretAutomaton> automaton_;
  std::shared_ptr<const SecretAutomaton> leak_automaton_;
  std::vector<File> files_;
};

}  // namespace stagebox::run
