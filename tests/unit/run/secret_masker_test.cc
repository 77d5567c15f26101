// What is masked, and that it makes no difference how the stream is cut into pieces.
#include "runtime/run/secrets/secret_masker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "runtime/logs/shown_text.h"
#include "runtime/run/secrets/secret_patterns.h"

namespace stagebox::run {
namespace {

SecretAutomaton automaton(const std::vector<std::string>& values) {
  SecretPatterns patterns;
  for (const std::string& value : values) patterns.add_value(value);
  return SecretAutomaton(patterns);
}

std::string masked_in_pieces(const SecretAutomaton& secrets, std::string_view text,
                             const std::vector<std::size_t>& sizes) {
  SecretMasker masker(secrets);
  std::string out;
  std::size_t next = 0;
  while (!text.empty()) {
    const std::size_t size = std::min(sizes[next++ % sizes.size()], text.size());
    masker.feed(std::as_bytes(std::span(text.substr(0, size))), out);
    text.remove_prefix(size);
  }
  masker.finish(out);
  return out;
}

TEST(SecretMasker, MasksAValueWhereverItStands) {
  const SecretAutomaton secrets = automaton({"s3cr3t!"});
  EXPECT_EQ(masked(secrets, "s3cr3t!"), "***");
  EXPECT_EQ(masked(secrets, "a s3cr3t! b s3cr3t!\n"), "a *** b ***\n");
  EXPECT_EQ(masked(secrets, "s3cr3t!s3cr3t!"), "***");
  EXPECT_EQ(masked(secrets, "s3cr3t s3s3cr3t!"), "s3cr3t s3***");
  EXPECT_EQ(masked(secrets, "nothing of it"), "nothing of it");
  EXPECT_EQ(masked(automaton({}), "s3cr3t!"), "s3cr3t!");
}

TEST(SecretMasker, MasksWhatOverlapsAndWhatLiesInside) {
  const SecretAutomaton secrets = automaton({"abcdef", "defghi", "xabcd", "cdef"});
  EXPECT_EQ(masked(secrets, "-abcdefghi-"), "-***-");
  EXPECT_EQ(masked(secrets, "-xabcdef-"), "-***-");
  EXPECT_EQ(masked(secrets, "-bcdef-"), "-b***-");
  EXPECT_EQ(masked(automaton({"aaaa"}), "aaa aaaaaaa aaa"), "aaa *** aaa");
}

TEST(SecretMasker, LineBreaksHideNothing) {
  const SecretAutomaton secrets = automaton({"s3cr3t!"});
  EXPECT_EQ(masked(secrets, "s3c\nr3t!\n"), "***\n***\n");
  EXPECT_EQ(masked(secrets, "s3\r\nc\r\nr\r\n3t!"), "***\r\n***\r\n***\r\n***");
  // Held back without end it is not.
  const std::string far = "s3c" + std::string(100'000, '\n') + "r3t!";
  EXPECT_EQ(masked(secrets, far), far);
}

TEST(SecretMasker, ALineIsNotHeldBackForALetterOfIt) {
  const SecretAutomaton secrets = automaton({"ghp_16C7e42F"});
  for (const std::string_view line : {"compiling\n", "weigh\n", "gh\r", "g\n\r\n"}) {
    SecretMasker masker(secrets);
    std::string out;
    masker.feed(std::as_bytes(std::span(line)), out);
    EXPECT_EQ(out, line);
    EXPECT_FALSE(masker.holds_any());
    masker.finish(out, SecretMasker::End::kCutOff);
    EXPECT_EQ(out, line);
  }
  EXPECT_EQ(masked(secrets, "gh\np_16C7e42F g\nghp_16C7e42F\n"), "gh\n*** g\n***\n");
  EXPECT_EQ(masked(secrets, "ghp\n_16C7e42F\n"), "***\n***\n");
  EXPECT_EQ(masked(automaton({"abcd"}), "a\nbcd ab\ncd"), "a\n*** ***\n***");
}

// Who reads along sees it when it is written, and a line that ended has its end.
TEST(SecretMasker, AWholeSecretWaitsForNothing) {
  const SecretAutomaton secrets = automaton({"s3cr3t!"});
  SecretMasker masker(secrets);
  std::string out;
  masker.feed(std::as_bytes(std::span(std::string_view("--token s3cr3t!"))), out);
  EXPECT_EQ(out, "--token ***");
  EXPECT_FALSE(masker.holds_any());
  masker.feed(std::as_bytes(std::span(std::string_view("\n"))), out);
  EXPECT_EQ(out, "--token ***\n");
  masker.finish(out, SecretMasker::End::kCutOff);
  EXPECT_EQ(out, "--token ***\n");
}

TEST(SecretMasker, OnlyWhatMayGoOnIsHeldBack) {
  const SecretAutomaton secrets = automaton({"abcdef", "abcdefgh", "efxyz"});
  SecretMasker masker(secrets);
  std::string out;
  masker.feed(std::as_bytes(std::span(std::string_view("-abcdef"))), out);
  EXPECT_EQ(out, "-") << "it may become the longer one";
  masker.feed(std::as_bytes(std::span(std::string_view("gh"))), out);
  EXPECT_EQ(out, "-***");
  masker.feed(std::as_bytes(std::span(std::string_view("-abcdefx"))), out);
  EXPECT_EQ(out, "-***-***") << "the end of it may be the beginning of another";
  masker.feed(std::as_bytes(std::span(std::string_view("yz-"))), out);
  EXPECT_EQ(out, "-***-***-");
}

TEST(SecretMasker, ColoursHideNothing) {
  const SecretAutomaton secrets = automaton({"ab%cd&efgh"});
  // From grep --color=always 'd&efgh'.
  EXPECT_EQ(masked(secrets, "ab%c\x1b[01;31m\x1b[Kd&efgh\x1b[m\x1b[K\n"),
            "***\x1b[01;31m\x1b[K***\x1b[m\x1b[K\n");
  EXPECT_EQ(masked(secrets, "\x1b[1ma\x1b[0m\x1b[1mb\x1b[0m%c\nd&e\x1b[38;5;1mfg\x1b[mh"),
            "\x1b[1m***\x1b[0m\x1b[1m***\x1b[0m***\n***\x1b[38;5;1m***\x1b[m***");
  EXPECT_EQ(masked(secrets, "\x1b[31mab%cd&efgh\x1b[0m"), "\x1b[31m***\x1b[0m");
  // What is no secret stays, and what is no sequence hides it.
  for (const std::string text : {"ab%c\x1b[31md&efg\x1b[0m\n", "ab%c\x1b[31\nmd&efgh",
                                 "\x1b[\x1b[31m\x1b", "ab%c\x1b", "ab%c\x1b]0;d&efgh"})
    EXPECT_EQ(masked(secrets, text), text);
  const std::string without_end = "ab%c\x1b[" + std::string(300, '1') + "md&efgh";
  EXPECT_EQ(masked(secrets, without_end), without_end);
  std::string many = "ab%c";
  for (int i = 0; i < 10'000; ++i) many += "\x1b[m";
  EXPECT_EQ(masked(secrets, many + "d&efgh"), many + "d&efgh") << "it is not held without end";
}

TEST(SecretMasker, WhatIsForATerminalHidesNothing) {
  const SecretAutomaton secrets = automaton({"ab%cd&efgh"});
  // Of `tput sgr0`, a title, a link, the keypad, and what only begins like one.
  for (const std::string between :
       {"\x1b(B", "\x1b]0;a title\a", "\x1b]8;;http://x/\x1b\\", "\x1b=", "\x1bPq#0\x1b\\",
        "\x1b\x1b[31m", "\x1b]", "\x1b]\x1b[m", "\x1b[\x1b(B"})
    EXPECT_EQ(masked(secrets, "ab%c" + between + "d&efgh"), "***" + between + "***") << between;
}

// Letters of it that were let go at the end of a line, and a sequence behind them that is none.
TEST(SecretMasker, WhatBehindAReleasedBeginningIsNoSequenceIsLookedAtAgain) {
  const SecretAutomaton secrets = automaton({"cbacaaxyz"});
  EXPECT_EQ(masked(secrets, "c\r\x1b]bacaaxyz\x1b"),
            masked_in_pieces(secrets, "c\r\x1b]bacaaxyz\x1b", {1}));
  const std::string shown = masked(secrets, "c\r\x1b]bacaaxyz\x1bx");
  EXPECT_EQ(shown.find("bacaaxyz"), std::string::npos) << shown;
}

TEST(SecretMasker, OfACutOffStreamNoBeginningIsLeft) {
  const SecretAutomaton secrets = automaton({"SuperS3cretValue"});
  const std::string_view text = "says SuperS3cretVal";
  for (const auto& [end, left] : {std::pair(SecretMasker::End::kWhole, "says SuperS3cretVal"),
                                  std::pair(SecretMasker::End::kCutOff, "says ***")}) {
    SecretMasker masker(secrets);
    std::string out;
    masker.feed(std::as_bytes(std::span(text)), out);
    masker.finish(out, end);
    EXPECT_EQ(out, left);
  }
  SecretMasker masker(secrets);
  std::string out;
  const std::string_view one = "all of them: PASS";
  masker.feed(std::as_bytes(std::span(one)), out);
  masker.finish(out, SecretMasker::End::kCutOff);
  EXPECT_EQ(out, one) << "one letter is none";
}

TEST(SecretMasker, WhatBelongsToASequenceCanBeASecretItself) {
  const SecretAutomaton secrets = automaton({"31mabc", "x\x1b[1my", "abcdef"});
  EXPECT_EQ(masked(secrets, "\x1b[31mabc-"), "\x1b[***-");
  EXPECT_EQ(masked(secrets, "-x\x1b[1my-"), "-***-");
  EXPECT_EQ(masked(secrets, "ab\x1b[31mabc\x1b[mdef"), "ab\x1b[***\x1b[m***");
  EXPECT_EQ(masked(secrets, "ab\x1b[31mcdef"), "***\x1b[31m***");
}

TEST(SecretMasker, MasksSeveralLinesOneByOne) {
  const SecretAutomaton secrets = automaton({"first line\nab\nthird line\n"});
  EXPECT_EQ(masked(secrets, "> third line\n> first line\n"), "> ***\n> ***\n");
  EXPECT_EQ(masked(secrets, "first line\nab\nthird line\n"), "***\n***\n***\n");
  EXPECT_EQ(masked(secrets, "first line\\nab\\nthird line"), "***") << "as JSON writes it";
  EXPECT_EQ(masked(secrets, "first%20line%0Aab%0athird%20line"), "***%0Aab%0a***");
}

// The outer characters may have bits of their neighbours.
void expect_masked(const SecretAutomaton& secrets, const std::string& encoded) {
  const std::string out = masked(secrets, "<" + encoded + ">");
  EXPECT_NE(out.find("***"), std::string::npos) << encoded;
  EXPECT_LE(out.size(), 12U) << encoded << " became " << out;
}

TEST(SecretMasker, MasksEncodings) {
  const SecretAutomaton secrets = automaton({"Zür?ich/~\"\\ >1"});
  // From Python: base64.b64encode(prefix + value) with prefixes of 0, 1 and 2 bytes.
  for (const char* text :
       {"WsO8cj9pY2gvfiJcID4x", "eFrDvHI/aWNoL34iXCA+MQ==", "eHhaw7xyP2ljaC9+IlwgPjE=",
        "eFrDvHI_aWNoL34iXCA-MQ==", "eHhaw7xyP2ljaC9-IlwgPjE=", "WsO8cj9pY2\ngvfiJcID4x",
        "5ac3bc723f6963682f7e225c203e31", "5AC3BC723F6963682F7E225C203E31",
        "Z%C3%BCr%3Fich%2F~%22%5C%20%3E1", "Z%c3%bcr%3fich%2f~%22%5c+%3e1"})
    expect_masked(secrets, text);
  EXPECT_EQ(masked(secrets, R"({"x": "Zür?ich/~\"\\ >1"})"), R"({"x": "***"})");
  EXPECT_EQ(masked(secrets, R"({"x": "Zür?ich\/~\"\\ >1"})"), R"({"x": "***"})");
}

TEST(SecretMasker, MasksWhatShellsAndToolsWrite) {
  const SecretAutomaton secrets = automaton({"it's $A \"B\""});
  for (const char* text :
       {R"(it'\''s $A "B")", R"(it'"'"'s $A "B")", R"(it's \$A \"B\")", R"(it''s $A "B")",
        "69 74 27 73 20 24 41 20 22 42 22", "69:74:27:73:20:24:41:20:22:42:22",
        R"(\x69\x74\x27\x73\x20\x24\x41\x20\x22\x42\x22)", R"(it's $a "b")",
        "0x69, 0x74, 0x27, 0x73, 0x20, 0x24, 0x41, 0x20, 0x22, 0x42, 0x22",
        "0x69,0x74,0x27,0x73,0x20,0x24,0x41,0x20,0x22,0x42,0x22",
        "0x69 0x74 0x27 0x73 0x20 0x24 0x41 0x20 0x22 0x42 0x22",
        "%69%74%27%73%20%24%41%20%22%42%22"})
    EXPECT_EQ(masked(secrets, std::string("x ") + text + " y"), "x *** y");
}

// From the programs themselves.
TEST(SecretMasker, MasksWordsOfShellsAndPatterns) {
  const SecretAutomaton secrets =
      automaton({"#pass word'\"&12=~5\\$!,;^`{|}<>*()[]?.+-/@%:_\xC3\xBC", "pass word&12345678"});
  for (const char* text : {
           R"(pass\ word\&12345678)",
           // printf %q of bash, alone and behind something, in a locale without UTF-8; of zsh.
           "\\#pass\\ "
           "word\\'\\\"\\&12=\\~5\\\\\\$\\!\\,\\;\\^\\`\\{\\|\\}\\<\\>\\*\\(\\)\\[\\]\\?.+-/"
           "@%:_\xC3\xBC",
           "#pass\\ "
           "word\\'\\\"\\&12=\\~5\\\\\\$\\!\\,\\;\\^\\`\\{\\|\\}\\<\\>\\*\\(\\)\\[\\]\\?.+-/@%"
           ":_\xC3\xBC",
           R"(#pass word\'"&12=~5\\$!,;^`{|}<>*()[]?.+-/@%:_\303\274)",
           "\\#pass\\ "
           "word\\'\\\"\\&12=~5\\\\\\$!,\\;\\^\\`\\{\\|\\}\\<\\>\\*\\(\\)\\[\\]\\?.+-/@%:_"
           "\xC3\xBC",
           // re.escape of Python, quotemeta of Perl for characters and for bytes, QuoteMeta of Go.
           "\\#pass\\ word'\"\\&12=\\~5\\\\\\$!,;\\^`\\{\\|\\}<>\\*\\(\\)\\[\\]\\?\\.\\+\\-/@%:_"
           "\xC3\xBC",
           "\\#pass\\ "
           "word\\'\\\"\\&12\\=\\~5\\\\\\$\\!\\,\\;\\^\\`\\{\\|\\}\\<\\>\\*\\(\\)\\[\\]\\?\\."
           "\\+\\-\\/\\@\\%\\:_\xC3\xBC",
           "\\#pass\\ "
           "word\\'\\\"\\&12\\=\\~5\\\\\\$\\!\\,\\;\\^\\`\\{\\|\\}\\<\\>\\*\\(\\)\\[\\]\\?\\."
           "\\+\\-\\/\\@\\%\\:_\\\xC3\\\xBC",
           "#pass word'\"&12=~5\\\\\\$!,;\\^`\\{\\|\\}<>\\*\\(\\)\\[\\]\\?\\.\\+-/@%:_\xC3\xBC",
           // repr of Python.
           "#pass word\\'\"&12=~5\\\\$!,;^`{|}<>*()[]?.+-/@%:_\xC3\xBC",
       })
    EXPECT_EQ(masked(secrets, std::string("x ") + text + " y"), "x *** y");
}

TEST(SecretMasker, MasksTildesAsShellsQuoteThem) {
  EXPECT_EQ(masked(automaton({"~s3cr3t:~x"}), R"(\~s3cr3t:\~x ~s3cr3t:~x)"), "*** ***");
  EXPECT_EQ(masked(automaton({"=s3cr3t;"}), R"(\=s3cr3t\; =s3cr3t\;)"), "*** ***");
}

TEST(SecretMasker, MasksStringsWithControlCharacters) {
  const SecretAutomaton secrets =
      automaton({"tab\there's\x1b and \"\\\" \x01\x7F\xE2\x82\xAC", "it's \\x"});
  for (const char* text : {
           // printf %q of bash with UTF-8 and without; repr of Python, of a text and of bytes.
           "tab\\there\\'s\\E and \"\\\\\" \\001\\177\xE2\x82\xAC",
           R"(tab\there\'s\E and "\\" \001\177\342\202\254)",
           "tab\\there\\'s\\x1b and \"\\\\\" \\x01\\x7f\xE2\x82\xAC",
           R"(tab\there\'s\x1b and "\\" \x01\x7f\xe2\x82\xac)",
           // Without quotes beside it an apostrophe is as it is.
           R"(it's \\x)",
           R"(it\'s \\x)",
       })
    EXPECT_EQ(masked(secrets, std::string("x ") + text + " y"), "x *** y");
}

// Nobody could write JSON any more.
TEST(SecretMasker, WhatGivesALineItsShapeIsNoSecret) {
  const SecretAutomaton secrets = automaton({"{\n    \"a\": \"k3y!\",\n    },\n--------\n}\n"});
  EXPECT_EQ(masked(secrets, "    },\n--------\n"), "    },\n--------\n");
  EXPECT_EQ(masked(secrets, "    \"a\": \"k3y!\",\n"), "***\n");
}

TEST(SecretMasker, MasksWhatXmlEscapes) {
  const SecretAutomaton secrets = automaton({"a<b>&\"c'd"});
  for (const char* text : {"a<b>&\"c'd", "a&lt;b&gt;&amp;\"c'd", "a&lt;b&gt;&amp;&quot;c'd",
                           "a&lt;b&gt;&amp;&quot;c&apos;d", "a&lt;b&gt;&amp;&quot;c&#x27;d",
                           "a&lt;b&gt;&amp;&#34;c&#39;d"})
    EXPECT_EQ(masked(secrets, std::string("x ") + text + " y"), "x *** y");
  // Ruby's CGI and lodash, PHP, and whoever else.
  for (const char* quote : {"\"", "&quot;", "&#34;"}) {
    for (const char* apostrophe : {"'", "&apos;", "&#39;", "&#x27;", "&#039;"})
      EXPECT_EQ(masked(secrets, std::string("x a&lt;b&gt;&amp;") + quote + "c" + apostrophe + "d"),
                "x ***");
  }
}

// From the encoders themselves, of p/w d+"'&<>=~!*(),;:@$?#%\ü, a key beyond the first plane, a
// line separator, DEL and [. Each is masked whole, in both cases of its digits.
TEST(SecretMasker, MasksWhatTheirEncodersWrite) {
  const SecretAutomaton secrets =
      automaton({"p/w d+\"'&<>=~!*(),;:@$?#%\\\xC3\xBC\xF0\x9F\x94\x91\xE2\x80\xA8\x7F["});
  for (const char* text : {
           // Python: quote, quote with safe="", quote_plus (as Go's QueryEscape), json.dumps.
           "p/w%20d%2B%22%27%26%3C%3E%3D~%21%2A%28%29%2C%3B%3A%40%24%3F%23%25%5C%C3%BC%F0%9F%94%91"
           "%E2%80%A8%7F%5B",
           "p%2Fw%20d%2B%22%27%26%3C%3E%3D~%21%2A%28%29%2C%3B%3A%40%24%3F%23%25%5C%C3%BC%F0%9F%94"
           "%91%E2%80%A8%7F%5B",
           "p%2Fw+d%2B%22%27%26%3C%3E%3D~%21%2A%28%29%2C%3B%3A%40%24%3F%23%25%5C%C3%BC%F0%9F%94%91"
           "%E2%80%A8%7F%5B",
           R"(p/w d+\"'&<>=~!*(),;:@$?#%\\\u00fc\ud83d\udd11\u2028\u007f[)",
           R"(p/w d+\"'&<>=~!*(),;:@$?#%\\\u00FC\uD83D\uDD11\u2028\u007F[)",
           // PHP: json_encode, but for DEL.
           R"(p\/w d+\"'&<>=~!*(),;:@$?#%\\\u00fc\ud83d\udd11\u2028\u007f[)",
           // JavaScript: encodeURIComponent, encodeURI, URLSearchParams.
           "p%2Fw%20d%2B%22'%26%3C%3E%3D~!*()%2C%3B%3A%40%24%3F%23%25%5C%C3%BC%F0%9F%94%91%E2%80%A8"
           "%7F%5B",
           "p/w%20d+%22'&%3C%3E=~!*(),;:@$?#%25%5C%C3%BC%F0%9F%94%91%E2%80%A8%7F%5B",
           "p/w%20d+%22'&%3c%3e=~!*(),;:@$?#%25%5c%c3%bc%f0%9f%94%91%e2%80%a8%7f%5b",
           "p%2Fw+d%2B%22%27%26%3C%3E%3D%7E%21*%28%29%2C%3B%3A%40%24%3F%23%25%5C%C3%BC%F0%9F%94%91"
           "%E2%80%A8%7F%5B",
           // Go: PathEscape, URL.EscapedPath, UserPassword, json.Marshal.
           "p%2Fw%20d+%22%27&%3C%3E=~%21%2A%28%29%2C%3B:@$%3F%23%25%5C%C3%BC%F0%9F%94%91%E2%80%A8"
           "%7F%5B",
           "p/w%20d+%22%27&%3C%3E=~%21%2A%28%29,;:@$%3F%23%25%5C%C3%BC%F0%9F%94%91%E2%80%A8%7F%5B",
           "p%2Fw%20d+%22%27&%3C%3E=~%21%2A%28%29,;%3A%40$%3F%23%25%5C%C3%BC%F0%9F%94%91%E2%80%A8"
           "%7F%5B",
           "p/w d+\\\"'\\u0026\\u003c\\u003e=~!*(),;:@$?#%\\\\\xC3\xBC\xF0\x9F\x94\x91\\u2028\x7F[",
           // Workflow commands: a message, a property.
           "p/w d+\"'&<>=~!*(),;:@$?#%25\\\xC3\xBC\xF0\x9F\x94\x91\xE2\x80\xA8\x7F[",
           "p/w d+\"'&<>=~!*()%2C;%3A@$?#%25\\\xC3\xBC\xF0\x9F\x94\x91\xE2\x80\xA8\x7F[",
       })
    EXPECT_EQ(masked(secrets, std::string("x ") + text + " y"), "x *** y");
}

// From the programs themselves: what they put into the scripts of pages.
TEST(SecretMasker, MasksJsonForPages) {
  const SecretAutomaton secrets = automaton({"pa<s&w/o'r\"d>"});
  for (const char* text : {
           // Jinja's tojson (Flask), Django's json_script.
           R"(pa\u003cs\u0026w/o\u0027r\"d\u003e)",
           R"(pa\u003Cs\u0026w/o'r\"d\u003E)",
           // PHP's json_encode with JSON_HEX_TAG, _AMP and _APOS, and with _QUOT (Symfony), without
           // escaped slashes, and with characters as they are.
           R"(pa\u003Cs\u0026w\/o\u0027r\"d\u003E)",
           R"(pa\u003Cs\u0026w\/o\u0027r\u0022d\u003E)",
           R"(pa\u003Cs\u0026w/o\u0027r\u0022d\u003E)",
           "pa\\u003Cs\\u0026w/o\\u0027r\\u0022d\\u003E",
           // serialize-javascript.
           "pa\\u003Cs&w\\u002Fo'r\\\"d\\u003E",
       })
    EXPECT_EQ(masked(secrets, std::string("x ") + text + " y"), "x *** y") << text;
}

TEST(SecretMasker, MasksWorkflowCommands) {
  const SecretAutomaton secrets = automaton({"ab%cd&efgh", "one:two\nthree, four"});
  EXPECT_EQ(masked(secrets, "::error title=ab%25cd&efgh::ab%25cd&efgh\n"),
            "::error title=***::***\n");
  EXPECT_EQ(masked(secrets, "::error title=one%3Atwo%0Athree%2C four::one:two%0Athree, four\n"),
            "::error title=***%0A***::***%0A***\n");
  EXPECT_EQ(masked(secrets, "::error title=one%3atwo%0athree%2c four::x"),
            "::error title=***%0a***::x");
}

TEST(SecretMasker, ShortestValues) {
  const SecretAutomaton secrets = automaton({"k3y="});
  EXPECT_EQ(masked(secrets, "k3y=k3y"), "***k3y");
  expect_masked(secrets, "azN5PQ==");
  expect_masked(secrets, "eGszeT0=");
  expect_masked(secrets, "eHhrM3k9");
}

// Texts of few characters, in which secrets, parts of them, line breaks and colours abound.
class RandomTexts {
 public:
  std::size_t below(std::size_t n) { return random_() % n; }

  std::vector<std::string> values() {
    std::vector<std::string> values;
    for (std::size_t i = 0; i <= below(3); ++i) {
      std::string value;
      for (std::size_t n = 4 + below(8); n > 0; --n) value += "ab\nc"[below(4)];
      if (below(8) == 0) value.insert(below(value.size()), "\x1b[m");
      values.push_back(value);
    }
    return values;
  }

  std::string text(const std::vector<std::string>& values) {
    std::string text;
    while (text.size() < 400) text += part(values[below(values.size())]);
    return text;
  }

 private:
  std::string part(std::string value) {
    switch (below(6)) {
      case 0:
        return value;
      case 1:
        return value.substr(0, below(8));
      case 2:
        return std::string("\x1b[31m").substr(0, 1 + below(5));
      case 3:
        for (std::size_t n = 1 + below(3); n > 0; --n) value.insert(below(value.size()), "\x1b[1m");
        return value;
      default:
        return {"abc\n\r-"[below(6)]};
    }
  }

  std::mt19937 random_{20261124};
};

TEST(SecretMasker, AnySplitGivesTheSame) {
  RandomTexts random;
  for (int round = 0; round < 300; ++round) {
    const std::vector<std::string> values = random.values();
    const SecretAutomaton secrets = automaton(values);
    const std::string text = random.text(values);
    const std::string whole = masked(secrets, text);
    for (int split = 0; split < 5; ++split) {
      const std::vector<std::size_t> sizes{1 + random.below(7), 1 + random.below(50),
                                           1 + random.below(3)};
      ASSERT_EQ(masked_in_pieces(secrets, text, sizes), whole);
    }
    ASSERT_EQ(masked_in_pieces(secrets, text, {1}), whole);
  }
}

// Whatever stands between its parts: where it would be shown, it is not.
TEST(SecretMasker, WhatIsShownHasNoSecret) {
  std::mt19937 random(20261130);
  const SecretAutomaton secrets = automaton({"abcdef"});
  const std::vector<std::string> parts{
      "a", "b",  "c",  "d", "e", "f",     "abc",   "def",    "\x1b",    "[", "]",     "(",
      "B", "\a", "\\", ";", "m", "\x1b[", "\x1b]", "\x1b\\", "\x1b[1m", "P", "abcdef"};
  // A mask that became part of a sequence, and makes what follows another text.
  const std::regex swallowed_mask("\x1b[^a-zA-Z]?[^a-zA-Z]?\\*\\*\\*");
  std::size_t hidden = 0;
  for (int round = 0; round < 15'000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += parts[random() % parts.size()];
    for (const auto showing : {logs::Showing::kBytes, logs::Showing::kText}) {
      std::string before;
      logs::ShownText(showing).append(before, text);
      if (before.find("abcdef") == std::string::npos) continue;
      ++hidden;
      const std::string without = masked(secrets, text);
      if (std::regex_search(without, swallowed_mask)) continue;
      std::string after;
      logs::ShownText(showing).append(after, without);
      ASSERT_EQ(after.find("abcdef"), std::string::npos) << ::testing::PrintToString(text);
    }
  }
  EXPECT_GT(hidden, 500U) << "else this looks at nothing";
}

TEST(SecretMasker, HoldsBackNoMoreThanABeginning) {
  const SecretAutomaton secrets = automaton({"abcdefgh"});
  SecretMasker masker(secrets);
  std::string out;
  const std::string_view text = "xxabcdef";
  masker.feed(std::as_bytes(std::span(text)), out);
  EXPECT_EQ(out, "xx");
  const std::string_view more = "-";
  masker.feed(std::as_bytes(std::span(more)), out);
  EXPECT_EQ(out.substr(0, 8), "xxabcdef");
}

TEST(SecretPatterns, NoneIsTooShortOrThereTwice) {
  for (const char* value : {"abcd", "ab\ncd\n", "a\nb\nc\nd"}) {
    const SecretPatterns patterns = secret_patterns(value);
    const auto texts = patterns.sorted();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_GE(texts[i].size(), kShortestPattern);
      EXPECT_TRUE(i == 0 || std::ranges::lexicographical_compare(texts[i - 1], texts[i]));
    }
  }
}

std::size_t locked_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmLck:")) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

// An ordinary user may lock 8 MiB, on most systems.
TEST(SecretPatterns, OfTheLargestKeysTakeLittleLockedMemory) {
  std::string key = "-----BEGIN PRIVATE KEY-----\n";
  std::uint32_t random = 1;
  for (int line = 0; line < 200; ++line) {
    for (int i = 0; i < 64; ++i) {
      random = random * 1664525U + 1013904223U;
      key += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random >> 26U];
    }
    key += '\n';
  }
  key += "-----END PRIVATE KEY-----\n";
  const std::size_t before = locked_memory();
  const SecretAutomaton secrets = automaton({key});
  const std::size_t taken = locked_memory() - before;
  EXPECT_GT(taken, key.size()) << "else nothing is locked";
  SecretPatterns telling;
  telling.add_telling(key);
  const SecretAutomaton leaks(telling);
  const std::size_t both = locked_memory() - before;
  EXPECT_GT(both, taken);
  EXPECT_LT(both, std::size_t{8} << 20U) << "of " << key.size() << " bytes";
  EXPECT_EQ(masked(secrets, key.substr(28, 65)), "***\n");
}

// Each of them is memory that is locked.
TEST(SecretPatterns, AreNoMoreThanTheFormsThatDiffer) {
  const auto count = [](const std::string& value) {
    const SecretPatterns patterns = secret_patterns(value);
    EXPECT_EQ(patterns.size(), patterns.sorted().size()) << "one is there twice";
    return patterns.size();
  };
  EXPECT_LE(count("onlylettersand0123"), 20U) << "itself, base64, hexadecimal";
  EXPECT_LE(count("abc+/def0123456789=="), 36U);
  EXPECT_LE(count("p/w d+\"'&<>=~!*(),;:@$?#%\\\xC3\xBC"), 100U);
}

}  // namespace
}  // namespace stagebox::run
