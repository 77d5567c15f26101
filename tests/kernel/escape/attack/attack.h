// The attack program: one small static program that is put into the test image as /bin/attack. Each
// attack tries one thing a stage must not be able to do, and says on standard output how it went, a
// line a try: "NAME: refused ERRNO", "NAME: killed SIGNAL" or "NAME: ALLOWED".
#pragma once

#include <cstddef>

namespace attack {

/// Returns the exit status; `arguments` are those after the attack's name.
using Attack = int (*)(int count, char** arguments);

// The attacks, by file.
int system_calls(int count, char** arguments);          // system_calls.cc
int foreign_abi(int count, char** arguments);           // foreign_abi.cc
int terminal(int count, char** arguments);              // terminal.cc
int sockets(int count, char** arguments);               // sockets.cc
int bound_sockets(int count, char** arguments);         // sockets.cc
int to_everybody(int count, char** arguments);          // sockets.cc
int abstract_sockets(int count, char** arguments);      // sockets.cc
int slow_clients(int count, char** arguments);          // slow_clients.cc
int gain_privileges(int count, char** arguments);       // identity.cc
int effective_user(int count, char** arguments);        // identity.cc
int other_processes(int count, char** arguments);       // processes.cc
int signal_init(int count, char** arguments);           // processes.cc
int thread_bomb(int count, char** arguments);           // processes.cc
int daemons(int count, char** arguments);               // processes.cc
int sleeper(int count, char** arguments);               // processes.cc
int crash(int count, char** arguments);                 // processes.cc
int runtime_binary(int count, char** arguments);        // files.cc
int exchange_forever(int count, char** arguments);      // files.cc
int escape_by_descriptor(int count, char** arguments);  // files.cc
int write_files(int count, char** arguments);           // files.cc
int lease_files(int count, char** arguments);           // files.cc
int take_shares(int count, char** arguments);           // shares.cc
int message_queue(int count, char** arguments);         // shares.cc
int with_received(int count, char** arguments);         // shares.cc

/// Says how a try went; `result` is what the call returned, with errno for -1.
void tell(const char* name, long result);

}  // namespace attack
