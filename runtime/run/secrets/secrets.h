// Secrets: the values that a run was given, by name, in locked memory, and what finds them in what
// stages write. No text of ours ever contains a value.
#pragma once

#include <map>
#include <memory>
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
  /// Reads every source, once. A variable is taken out of our own environment. kInvalid, naming the
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

 private:
  static base::Result<Secrets> load_all(const SecretSources& sources);

  std::map<std::string, base::LockedBytes> values_;
  std::shared_ptr<const SecretAutomaton> automaton_;
};

}  // namespace stagebox::run
