// The lines in which a stage says something of its log, as `stagebox logs` understands them:
// "::group::title", "::endgroup::", "::error file=a.c,line=3::message".

const COMMAND = /^[ \t]*::([^ \t:,=]+)(?: (?:(?!::)[^])*)?::([^]*)$/;
const ESCAPED = {"%25": "%", "%0D": "\r", "%0A": "\n"};
const LEVELS = ["error", "warning", "notice"];

class Commands {
  constructor() {
    this.stoppedUntil = "";
  }

  /** The command of the next line: {name, message}, or null when it is text. */
  read(raw) {
    const line = lastWritten(raw);
    // It begins with no colour.
    const found = /^[ \t]*::/.test(line) && COMMAND.exec(line.replace(ESCAPES, ""));
    if (!found) return null;
    const command = {name: found[1].toLowerCase(), message: found[2].replace(/%(?:25|0D|0A)/gi, (c) => ESCAPED[c.toUpperCase()])};
    if (this.stoppedUntil !== "") {
      if (command.name === this.stoppedUntil) this.stoppedUntil = "";
      return null;
    }
    if (command.name === "stop-commands") this.stoppedUntil = command.message.trim().toLowerCase();
    return command;
  }
}
