#include "sandbox/network/handshake.h"

#include <gtest/gtest.h>

namespace stagebox::sandbox::network {
namespace {

using std::string_literals::operator""s;

/// The whole text at once, and byte by byte: both must come to the same.
Handshake::Step say(const std::string& text) {
  Handshake at_once;
  Handshake::Step whole = at_once.feed(text);
  Handshake in_pieces;
  Handshake::Step last;
  std::string replies;
  std::size_t used = 0;
  for (const char byte : text) {
    ++used;
    last = in_pieces.feed(std::string_view(&byte, 1));
    replies += last.reply;
    if (!std::holds_alternative<Handshake::NeedMore>(last.outcome)) break;
  }
  EXPECT_EQ(whole.outcome.index(), last.outcome.index()) << text;
  EXPECT_EQ(whole.reply, replies);
  if (auto* wish = std::get_if<Handshake::Wish>(&last.outcome)) {
    const auto& at_one_go = std::get<Handshake::Wish>(whole.outcome);
    EXPECT_EQ(wish->to_target + text.substr(used), at_one_go.to_target);
    EXPECT_EQ(wish->target.host_text(), at_one_go.target.host_text());
  }
  return whole;
}

std::string asked_for(const std::string& text) {
  const Handshake::Step step = say(text);
  const auto* wish = std::get_if<Handshake::Wish>(&step.outcome);
  if (wish == nullptr)
    return std::holds_alternative<Handshake::Malformed>(step.outcome) ? "malformed" : "more";
  return wish->target.host_text() + " " + std::to_string(wish->target.port);
}

std::string to_target(const std::string& text) {
  return std::get<Handshake::Wish>(say(text).outcome).to_target;
}

TEST(Handshake, UnderstandsConnect) {
  EXPECT_EQ(asked_for("CONNECT PyPI.org:443 HTTP/1.1\r\nHost: pypi.org\r\n\r\n"), "pypi.org 443");
  EXPECT_EQ(asked_for("CONNECT [2001:db8::1]:80 HTTP/1.1\r\n\r\n"), "2001:db8::1 80");
  EXPECT_EQ(asked_for("CONNECT 10.0.0.1:80 HTTP/1.0\r\n\r\n"), "10.0.0.1 80");
  EXPECT_EQ(to_target("CONNECT a.b:443 HTTP/1.1\r\n\r\nhello"), "hello");
}

TEST(Handshake, PutsAPlainRequestIntoOriginForm) {
  EXPECT_EQ(
      to_target("GET http://Deb.Debian.org/x?y=1 HTTP/1.1\r\nHost: deb.debian.org\r\n"
                "Proxy-Connection: keep-alive\r\nPROXY-authorization: Basic c2VjcmV0\r\n"
                "Accept: */*\r\n\r\n"),
      "GET /x?y=1 HTTP/1.1\r\nHost: deb.debian.org\r\nAccept: */*\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(asked_for("GET http://a.b:8080?q HTTP/1.1\r\n\r\n"), "a.b 8080");
  EXPECT_EQ(to_target("POST http://a.b?q HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"),
            "POST /?q HTTP/1.1\r\nHost: a.b\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
}

// Many names share a server, and only one of them is in the allow-list.
TEST(Handshake, TheHostHeaderIsTheTarget) {
  const auto sent = [](const std::string& url, const std::string& headers) {
    return to_target("GET " + url + " HTTP/1.1\r\n" + headers + "\r\n");
  };
  const std::string end = "\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(sent("http://a.b/", "Host: evil.example\r\n"), "GET / HTTP/1.1\r\nHost: a.b" + end);
  EXPECT_EQ(sent("http://a.b/", "hOST:evil.example:81\r\n"), "GET / HTTP/1.1\r\nHost: a.b" + end);
  EXPECT_EQ(sent("http://a.b:8080/", ""), "GET / HTTP/1.1\r\nHost: a.b:8080" + end);
  EXPECT_EQ(sent("http://[2a00::1]/", "Host: x\r\n"), "GET / HTTP/1.1\r\nHost: [2a00::1]" + end);
  EXPECT_EQ(sent("http://[2a00::1]:81/", ""), "GET / HTTP/1.1\r\nHost: [2a00::1]:81" + end);
  EXPECT_EQ(sent("http://[::ffff:10.0.0.1]/", ""), "GET / HTTP/1.1\r\nHost: 10.0.0.1" + end);
}

TEST(Handshake, UnderstandsSocks5) {
  EXPECT_EQ(asked_for("\5\1\0\5\1\0\1\x0a\0\0\1\0\x50"s), "10.0.0.1 80");
  EXPECT_EQ(asked_for("\5\2\2\0\5\1\0\3\3a.b\1\xbb"s), "a.b 443");
  EXPECT_EQ(asked_for("\5\1\0\5\1\0\4"s + "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"s),
            "2001:db8::1 80");
  EXPECT_EQ(say("\5\1\0"s).reply, "\5\0"s);
  EXPECT_EQ(say("\5\1\0\5\1\0\3\3a.b\1\xbbhello"s).reply, "\5\0"s);
  EXPECT_EQ(to_target("\5\1\0\5\1\0\3\3a.b\1\xbbhello"s), "hello");
}

TEST(Handshake, WaitsForTheRest) {
  for (const std::string& text : {""s, "\5"s, "\5\1"s, "\5\1\0\5\1\0\3"s, "GET http://a.b/ HT"s,
                                  "CONNECT a.b:443 HTTP/1.1\r\n"s}) {
    Handshake handshake;
    EXPECT_TRUE(std::holds_alternative<Handshake::NeedMore>(handshake.feed(text).outcome)) << text;
  }
}

TEST(Handshake, RefusesWhatItDoesNotUnderstand) {
  for (const std::string& text : {"GET / HTTP/1.1\r\nHost: a.b\r\n\r\n"s,
                                  "CONNECT a.b HTTP/1.1\r\n\r\n"s,
                                  "CONNECT a.b:0 HTTP/1.1\r\n\r\n"s,
                                  "CONNECT a.b:443 HTTP/2\r\n\r\n"s,
                                  "CONNECT  a.b:443 HTTP/1.1\r\n\r\n"s,
                                  "GET https://a.b/ HTTP/1.1\r\n\r\n"s,
                                  "GET http://user@a.b/ HTTP/1.1\r\n\r\n"s,
                                  "GET http://a.b:80:90/ HTTP/1.1\r\n\r\n"s,
                                  "GET http://a.b/ HTTP/1.1\r\nA b: c\r\n\r\n"s,
                                  "GET http://a.b/ HTTP/1.1\r\n folded\r\n\r\n"s,
                                  "GET http://a.b/ HTTP/1.1\r\nX: a\nHost: c\r\n\r\n"s,
                                  "GET http://a.b/ HTTP/1.1\r\nHost: a.b\r\nHost: c\r\n\r\n"s,
                                  "GET http://a.b/ HTTP/1.1\r\nHost : c\r\n\r\n"s,
                                  "POST http://a.b/ HTTP/1.1\r\nContent-Length: 1\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"s,
                                  "POST http://a.b/ HTTP/1.1\r\nContent-Length: 1\r\n"
                                  "content-length: 2\r\n\r\n"s,
                                  "GET http://0x7f000001/ HTTP/1.1\r\n\r\n"s,
                                  "GET http://2130706433/ HTTP/1.1\r\n\r\n"s,
                                  "GET http://0177.0.0.1/ HTTP/1.1\r\n\r\n"s,
                                  "GET http://[fe80::1%25eth0]/ HTTP/1.1\r\n\r\n"s,
                                  "CONNECT [fe80::1%lo]:80 HTTP/1.1\r\n\r\n"s,
                                  "CONNECT a.b..:80 HTTP/1.1\r\n\r\n"s,
                                  "CONNECT b\xc3\xbc"
                                  "cher.example:80 HTTP/1.1\r\n\r\n"s,
                                  "GET http://a.b/\0 HTTP/1.1\r\n\r\n"s,
                                  "GET http:///x HTTP/1.1\r\n\r\n"s,
                                  "GET http://127.1/ HTTP/1.1\r\n\r\n"s,
                                  "CONNECT 2001:db8::1:80 HTTP/1.1\r\n\r\n"s,
                                  "CONNECT [a.b]:80 HTTP/1.1\r\n\r\n"s,
                                  "CONNECT [::1:80 HTTP/1.1\r\n\r\n"s,
                                  "\r\n\r\n"s,
                                  "\5\1\2"s,
                                  "\5\0"s,
                                  "\5\1\0\5\2\0\1\x0a\0\0\1\0\x50"s,
                                  "\5\1\0\5\1\0\2\x0a\0\0\1\0\x50"s,
                                  "\5\1\0\5\1\0\1\x0a\0\0\1\0\0"s,
                                  "\5\1\0\5\1\0\3\0\0\x50"s,
                                  "\5\1\0\5\1\0\3\3a b\0\x50"s,
                                  "\5\1\0\4\1\0\1\x0a\0\0\1\0\x50"s}) {
    EXPECT_EQ(asked_for(text), "malformed") << text;
  }
}

TEST(Handshake, BoundsTheHead) {
  Handshake handshake;
  const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
  Handshake::Step step = handshake.feed("GET http://a.b/ HTTP/1.1\r\n");
  for (int i = 0; i < 70 && std::holds_alternative<Handshake::NeedMore>(step.outcome); ++i)
    step = handshake.feed(line);
  EXPECT_TRUE(std::holds_alternative<Handshake::Malformed>(step.outcome));
  EXPECT_TRUE(step.reply.starts_with("HTTP/1.1 400 "));
}

TEST(Handshake, TellsTheClientHowItEnded) {
  EXPECT_TRUE(
      Handshake::reply(Protocol::kConnect, Answer::kConnected).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(Handshake::reply(Protocol::kHttp, Answer::kConnected), "");
  EXPECT_TRUE(Handshake::reply(Protocol::kHttp, Answer::kRefused).starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(
      Handshake::reply(Protocol::kConnect, Answer::kUnreachable).starts_with("HTTP/1.1 502 "));
  EXPECT_EQ(Handshake::reply(Protocol::kSocks5, Answer::kRefused).substr(0, 2), "\5\2"s);
}

}  // namespace
}  // namespace stagebox::sandbox::network
