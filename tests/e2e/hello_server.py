"""An HTTP server that answers every request with one text."""

import http.server
import socket
import threading


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Version6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def serve(address, port, text):
    """The server, which is running; port 0 is any."""
    kind = Version6 if ":" in address else http.server.ThreadingHTTPServer
    server = kind((address, port), Hello)
    server.text = text
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
